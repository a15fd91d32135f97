package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

func TestGoldenFiles(t *testing.T) {
	for name, r := range scenarios() {
		t.Run(name, func(t *testing.T) {
			parts, err := Pack(r, "h100-result-1", Limits{})
			if err != nil || len(parts) != 1 {
				t.Fatalf("%d parts, %v; want 1", len(parts), err)
			}
			data := parts[0].Data
			for file, text := range data {
				golden(t, filepath.Join(name, file), text)
			}
			checkResult(t, []byte(data[FileName]), r)
			checkCTRF(t, []byte(data[CTRFName]), r)
			checkJUnit(t, []byte(data[JUnitName]), r)
		})
	}
}

func TestGoldenIndex(t *testing.T) {
	for name, limit := range map[string]int{"index-single.yaml": 8_000, "index-split.yaml": 3_000} {
		parts, err := Pack(exampleResult(), "h100-result-2", Limits{PartBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, parts[0].Data[IndexName])
	}
}

func TestGoldenFailures(t *testing.T) {
	text, err := json.MarshalIndent(Failures(exampleResult().Phases), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "failures.json", string(text)+"\n")
}

// checkResult reads result.yaml back: no test and no status is missing, and what is missing of outputs is counted.
func checkResult(t *testing.T, text []byte, r Result) Result {
	t.Helper()
	var got Result
	if err := yaml.UnmarshalStrict(text, &got); err != nil {
		t.Fatalf("result.yaml is no YAML of a Result: %v\n%s", err, text)
	}
	if diff := cmp.Diff(statuses(r.Phases), statuses(got.Phases)); diff != "" {
		t.Errorf("statuses changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(omitted(got.Phases), got.Omitted); diff != "" {
		t.Errorf("omitted is not what the tests say is missing (-want +got):\n%s", diff)
	}
	if bytes.ContainsAny(text, "\x00\x1b\x7f\r\t") {
		t.Errorf("there are control characters in\n%q", text)
	}
	return got
}

// statuses are the tests of all phases with their statuses, in order.
func statuses(phases []Phase) []string {
	var out []string
	for _, p := range phases {
		for _, t := range p.Tests {
			out = append(out, p.Name+": "+t.Name+": "+string(t.Status))
		}
	}
	return out
}
