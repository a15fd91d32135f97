package report

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
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

func TestGoldenResult(t *testing.T) {
	files, err := Encode(exampleResult(), 0)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "result.yaml", files.Data[FileName])
}

func TestGoldenFailures(t *testing.T) {
	text, err := json.MarshalIndent(Failures(exampleResult().Phases), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "failures.json", string(text)+"\n")
}
