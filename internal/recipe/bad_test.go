package recipe

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parseRecipe(data []byte) error {
	_, err := Parse(data)
	return err
}

func parseSnapshot(data []byte) error {
	_, err := ParseSnapshot(data)
	return err
}

// TestMistakes compares what is said of each bad document, a mistake a line, with the golden file beside it.
func TestMistakes(t *testing.T) {
	for folder, parse := range map[string]func([]byte) error{"bad": parseRecipe, "bad-snapshots": parseSnapshot} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
		if err != nil || len(files) < 10 {
			t.Fatalf("found %d files, %v", len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Base(folder)+"/"+filepath.Base(file), func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				mistakes, found := errors.AsType[Errors](parse(data))
				if !found || len(mistakes) == 0 {
					t.Fatal("no mistake is found in it")
				}
				var got strings.Builder
				for _, m := range mistakes {
					got.WriteString(m.String() + "\n")
				}
				golden := strings.TrimSuffix(file, ".yaml") + ".txt"
				if *update {
					if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got.String()); diff != "" {
					t.Errorf("mistakes (-want +got):\n%s", diff)
				}
			})
		}
	}
}
