// Package behave holds checks that pass, or skip themselves, in all the ways in which tests do.
package behave

import (
	"fmt"
	"os"
	"testing"
)

func TestPlain(t *testing.T) { t.Log("all is well") }

func TestSubtests(t *testing.T) {
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) { t.Log(name) })
	}
}

// TestParallel makes frames of several tests alternate in the stream.
func TestParallel(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for line := range 50 {
				t.Logf("subtest %d, line %d", i, line)
			}
		})
	}
}

func TestAttributes(t *testing.T) { t.Attr("bandwidth", "42 GB/s") }

func TestNotApplicable(t *testing.T) { t.Skip("not applicable: there is no such device") }

// TestInputs reads the recipe and a volume of the run's own.
func TestInputs(t *testing.T) {
	for _, path := range []string{os.Getenv("AICR_RECIPE_PATH"), "/data/extra/limits.yaml"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Attr("read", string(text))
	}
}
