package gotest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// maxLabel is how much of an artifact's label is kept.
const maxLabel = 256

// moreArtifacts is how many times Limits.Artifacts are kept without their data.
const moreArtifacts = 4

// String is the line that stands in the output for an artifact.
func (a Artifact) String() string {
	return fmt.Sprintf("%s %s (%d bytes, sha256 %s)", artifactPrefix, a.Label, a.Bytes, a.SHA256)
}

// parseArtifact reads the base64 of {"label": "…", "data": …}. Data is a string, or an object or array that is kept as it is written.
func parseArtifact(b []byte) (Artifact, bool) {
	b = bytes.TrimSpace(b)
	encoding := base64.StdEncoding
	if len(b)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	decoded := make([]byte, encoding.DecodedLen(len(b)))
	n, err := encoding.Decode(decoded, b)
	if err != nil {
		return Artifact{}, false
	}
	var in struct {
		Label *string
		Data  json.RawMessage
	}
	if err := json.Unmarshal(decoded[:n], &in); err != nil || in.Label == nil {
		return Artifact{}, false
	}
	data := []byte(in.Data)
	if !isJSONObject(in.Data) {
		var text *string
		if err := json.Unmarshal(in.Data, &text); err != nil || text == nil {
			return Artifact{}, false
		}
		data = []byte(*text)
	}
	sum := sha256.Sum256(data)
	return Artifact{Label: oneLine(*in.Label), Data: data, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}, true
}

// oneLine makes a label of text: short, on one line, and never empty.
func oneLine(text string) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	if text == "" {
		return "(no label)"
	}
	return clip([]byte(text), maxLabel)
}

// keep adds an artifact to a test, with its data if there is room.
func (r *Record) keep(t *test, a Artifact) {
	if r.artifacts >= moreArtifacts*r.limits.Artifacts {
		r.anomalies.count(DroppedArtifact)
		return
	}
	room := min(r.limits.ArtifactBytes, r.limits.TotalArtifactBytes-r.artifactBytes)
	if len(a.Data) > room || r.artifacts >= r.limits.Artifacts || len(a.Data) == 0 {
		a.Data = nil
	}
	a.Data = bytes.Clone(a.Data) // apart from the rest of what was decoded
	r.artifacts++
	r.artifactBytes += len(a.Data)
	t.Artifacts = append(t.Artifacts, a)
}

// forgetArtifacts gives back the room that the artifacts of a test take.
func (r *Record) forgetArtifacts(t *test) {
	r.artifacts -= len(t.Artifacts)
	for _, a := range t.Artifacts {
		r.artifactBytes -= len(a.Data)
	}
}

// within returns the artifacts, those with more than so many bytes without their data.
func artifactsWithin(artifacts []Artifact, limit int) []Artifact {
	var out []Artifact
	for _, a := range artifacts {
		if len(a.Data) > limit {
			a.Data = nil
		}
		out = append(out, a)
	}
	return out
}
