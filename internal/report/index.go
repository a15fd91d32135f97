package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// IndexKind is the kind of the Index's document.
const IndexKind = "ValidationResultIndex"

// Index says what came out of an attempt, and where the files of its result are that had to be compressed.
type Index struct {
	APIVersion     string           `json:"apiVersion"`
	Kind           string           `json:"kind"`
	Run            Run              `json:"run"`
	Attempt        int64            `json:"attempt"`
	Verdict        v1alpha1.Verdict `json:"verdict"`
	Message        string           `json:"message,omitempty"`
	StartTime      time.Time        `json:"startTime,omitzero"`
	CompletionTime time.Time        `json:"completionTime,omitzero"`
	Summary        v1alpha1.Summary `json:"summary"`
	// Omitted says what was left out of the files for size.
	Omitted *Omitted     `json:"omitted,omitempty"`
	Phases  []IndexPhase `json:"phases"`
	Files   []IndexFile  `json:"files"`
}

// IndexPhase is what came out of one phase.
type IndexPhase struct {
	Name    string              `json:"name"`
	State   v1alpha1.PhaseState `json:"state"`
	Reason  string              `json:"reason,omitempty"`
	Message string              `json:"message,omitempty"`
	Flaky   bool                `json:"flaky,omitempty"`
	Summary v1alpha1.Summary    `json:"summary,omitzero"`
}

// IndexFile is one file of a result.
type IndexFile struct {
	Name string `json:"name"`
	// Bytes and SHA256 are the size and the digest of the file before it was compressed, CompressedBytes its size afterwards.
	Bytes           int64  `json:"bytes"`
	SHA256          string `json:"sha256"`
	CompressedBytes int64  `json:"compressedBytes"`
	// Command is a line for a shell that writes the file into the current directory.
	Command string `json:"command"`
	// Parts are the compressed file, in order.
	Parts []IndexPart `json:"parts"`
}

// IndexPart is where a part of a file is.
type IndexPart struct {
	ConfigMap string `json:"configMap"`
	Key       string `json:"key"`
}

func (l *layout) entry(f file, parts []IndexPart) IndexFile {
	return IndexFile{
		Name: f.name, Bytes: int64(len(f.text)), SHA256: f.digest, CompressedBytes: int64(len(f.packed)),
		Command: l.command(f.name, parts), Parts: parts,
	}
}

// index writes the index of the files.
func (l *layout) index(files []IndexFile) (string, error) {
	r := l.result
	out := Index{
		APIVersion: APIVersion, Kind: IndexKind, Run: r.Run, Attempt: r.Attempt, Verdict: r.Verdict, Message: r.Message,
		StartTime: r.StartTime, CompletionTime: r.CompletionTime, Summary: r.Summary, Omitted: r.Omitted,
		Phases: []IndexPhase{}, Files: files,
	}
	for _, p := range r.Phases {
		out.Phases = append(out.Phases, IndexPhase{
			Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Flaky: p.Flaky, Summary: p.Summary,
		})
	}
	text, err := marshalYAML(out)
	if err != nil {
		return "", fmt.Errorf("packing %s: %w", IndexName, err)
	}
	return string(text), nil
}

// command puts a file together. Parts are numbered as their ConfigMaps are, which follow each other, so that one loop does it.
func (l *layout) command(name string, parts []IndexPart) string {
	get := "kubectl -n " + l.result.Run.Namespace + " get configmap "
	path := func(key string) string { return `{.binaryData.` + strings.ReplaceAll(key, ".", `\.`) }
	if len(parts) == 1 {
		return get + parts[0].ConfigMap + " -o jsonpath='" + path(parts[0].Key) + "}' | base64 -d | gunzip > " + name
	}
	var numbers []string
	for _, p := range parts {
		_, number, _ := strings.Cut(p.Key, partSuffix)
		numbers = append(numbers, number)
	}
	return "for n in " + strings.Join(numbers, " ") + "; do " + get + l.name + "-$n -o jsonpath='" +
		path(name+compressedSuffix+partSuffix) + "'$n'}' | base64 -d; done | gunzip > " + name
}
