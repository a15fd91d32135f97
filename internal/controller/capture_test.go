package controller

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/report"
)

const serverPart = `{"type": "K8s", "subtypes": [{"subtype": "server", "data": {"version": "v1.37.1"}}]}`

// artifactOf is an artifact that holds a text.
func artifactOf(label, text string) report.Artifact {
	sum := sha256.Sum256([]byte(text))
	return report.Artifact{Label: label, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Text: text}
}

func inBase64(a report.Artifact) report.Artifact {
	a.Base64, a.Text = base64.StdEncoding.EncodeToString([]byte(a.Text)), ""
	return a
}

func TestContentOf(t *testing.T) {
	whole := artifactOf("snapshot", "text")
	cut, changed, omitted, garbled := whole, whole, whole, inBase64(whole)
	cut.Text, changed.SHA256, omitted.DataOmitted, garbled.Base64 = "tex", strings.Repeat("0", 64), true, "%%%"
	for name, test := range map[string]struct {
		artifact report.Artifact
		fails    string
	}{
		"text": {whole, ""}, "base64": {inBase64(whole), ""}, "cut": {cut, "parts are missing"}, "another digest": {changed, "parts are missing"},
		"left out": {omitted, "parts are missing"}, "no base64": {garbled, "decoding artifact snapshot"},
	} {
		got, err := contentOf(test.artifact)
		switch {
		case test.fails == "" && (err != nil || string(got) != "text"):
			t.Errorf("%s: %q, %v", name, got, err)
		case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A snapshot is whole when as many parts have arrived as the check says that there are, and each can be read.
func TestPartsOf(t *testing.T) {
	good := artifactOf("snapshot", serverPart)
	captured := func(said string, artifacts ...report.Artifact) *report.Phase {
		test := report.Test{Name: "TestCapture", Artifacts: artifacts}
		if said != "" {
			test.Attributes = map[string]string{"snapshot.parts": said}
		}
		return &report.Phase{Node: "n1", Tests: []report.Test{{Name: "TestOther", Artifacts: []report.Artifact{artifactOf("log", "x")}}, test}}
	}
	for _, test := range []struct {
		name  string
		phase *report.Phase
		parts int
		fails string
	}{
		{"two of two", captured("2", good, inBase64(good)), 2, ""},
		{"others beside it", captured("1", artifactOf("log", "y"), good), 1, ""},
		{"none of none", captured("0"), 0, ""},
		{"one of two", captured("2", good), 0, "of node n1 1 parts arrived, and it says that there are 2"},
		{"two of one", captured("1", good, good), 0, "of node n1 2 parts arrived, and it says that there are 1"},
		{"it does not say how many", captured("", good), 0, "says that there are -1"},
		{"nothing", &report.Phase{}, 0, "of the cluster 0 parts arrived"},
		{"it says nonsense", captured("many", good), 0, `TestCapture says that it has "many" parts`},
		{"one that is no measurement", captured("2", good, artifactOf("snapshot", "kind: Pod")), 0, "part 2: "},
		{"one that was cut", captured("1", report.Artifact{Label: "snapshot", Text: "x"}), 0, "parts are missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parts, err := partsOf(test.phase)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%d parts, %v", len(parts), err)
				}
				return
			}
			if err != nil || len(parts) != test.parts {
				t.Fatalf("%d parts, %v", len(parts), err)
			}
			for _, part := range parts {
				want := &recipe.Snapshot{Measurements: []recipe.Measurement{{
					Type: "K8s", Nodes: []string{"n1"}, Subtypes: []recipe.Subtype{{Subtype: "server", Data: map[string]string{"version": "v1.37.1"}}},
				}}}
				if diff := cmp.Diff(want, part); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}
