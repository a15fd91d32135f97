package gotest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/validation-operator/validation-operator/test/corpus"
)

var update = flag.Bool("update", false, "write the golden files anew")

const recorded = "../../test/corpus/recorded"

// read runs a whole stream through a Stream, in writes of the given size, or in one.
func read(t testing.TB, data []byte, chunk int) Result {
	t.Helper()
	s := NewStream(Limits{})
	write(t, s, data, chunk)
	return s.Result()
}

func write(t testing.TB, s *Stream, data []byte, chunk int) {
	t.Helper()
	if chunk <= 0 {
		chunk = max(1, len(data))
	}
	for part := range slices.Chunk(data, chunk) {
		if n, err := s.Write(part); n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(part))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// recordings returns those of each release, by name.
func recordings(t testing.TB) map[string]map[string]corpus.Recording {
	t.Helper()
	versions, err := corpus.Versions()
	if err != nil || len(versions) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	out := map[string]map[string]corpus.Recording{}
	for _, version := range versions {
		list, err := corpus.Recordings(version)
		if err != nil {
			t.Fatal(err)
		}
		out[version] = map[string]corpus.Recording{}
		for _, r := range list {
			out[version][r.Name] = r
		}
	}
	return out
}

func data(t testing.TB, r corpus.Recording) []byte {
	t.Helper()
	data, err := r.Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCorpus compares what is read from every recorded stream with what was read, and reviewed, before.
func TestCorpus(t *testing.T) {
	for version, list := range recordings(t) {
		t.Run(version, func(t *testing.T) {
			golden := filepath.Join("testdata", version+".golden")
			got := renderAll(t, list)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("differs from %s (-want +got):\n%s", golden, diff)
			}
		})
	}
}

// renderAll leaves out what an older release printed just the same.
func renderAll(t *testing.T, list map[string]corpus.Recording) string {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(list)) {
		r := list[name]
		if r.Same != "" {
			continue
		}
		fmt.Fprintf(&b, "## %s (exit code %d)\n", name, r.ExitCode)
		data := data(t, r)
		whole := read(t, data, 0)
		render(&b, whole)
		for _, chunk := range []int{1, 7} {
			if diff := cmp.Diff(whole, read(t, data, chunk)); diff != "" {
				t.Errorf("%s in writes of %d bytes (-one write +many):\n%s", name, chunk, diff)
			}
		}
	}
	return b.String()
}

// render writes a result as text that is easy to review.
func render(b *strings.Builder, r Result) {
	fmt.Fprintf(b, "framing %s, overall %s, %d lines, %d bytes\n", or(r.Framing, "none"), or(r.Overall, "unended"), r.Lines, r.Bytes)
	if r.Panic != nil {
		fmt.Fprintf(b, "panic %q, test %q, timeout %t, running %q\n", r.Panic.Message, r.Panic.Test, r.Panic.Timeout, r.Panic.Running)
	}
	for _, a := range slices.Sorted(maps.Keys(r.Anomalies)) {
		fmt.Fprintf(b, "anomaly %s %d\n", a, r.Anomalies[a])
	}
	for _, test := range r.Tests {
		fmt.Fprintf(b, "%-7s %d/%d %5.2fs %.100s", or(test.Outcome, "unended"), test.Ends, test.Runs, test.Elapsed.Seconds(), test.Name)
		for _, a := range test.Attributes {
			fmt.Fprintf(b, " [%s=%s]", a.Key, a.Value)
		}
		b.WriteString("\n")
		renderOutput(b, test.Output)
	}
	if r.Output != (Output{}) {
		b.WriteString("outside\n")
		renderOutput(b, r.Output)
	}
	b.WriteString("\n")
}

func renderOutput(b *strings.Builder, o Output) {
	renderLines(b, o.Head)
	if o.Cut > 0 {
		fmt.Fprintf(b, "\t... %d bytes cut\n", o.Cut)
	}
	renderLines(b, o.Tail)
}

// renderLines leaves out most of a stack.
func renderLines(b *strings.Builder, text string) {
	const enough = 12
	lines := slices.Collect(strings.Lines(text))
	for _, line := range lines[:min(len(lines), enough)] {
		fmt.Fprintf(b, "\t%.160q\n", line)
	}
	if n := len(lines) - enough; n > 0 {
		fmt.Fprintf(b, "\tand %d lines more\n", n)
	}
}

func or[T ~string](s, otherwise T) T {
	if s == "" {
		return otherwise
	}
	return s
}

// TestFramingsAgree holds the raw stream against what Go's own test2json makes of the very same bytes.
func TestFramingsAgree(t *testing.T) {
	exempt := []string{
		"longname",                                        // test2json loses frames of more than 4 KiB
		"binary",                                          // and marks that a test printed
		"panic", "exit0", "goexit", "nilderef", "cleanup", // and the end frames that a dying binary printed last
		"parallelpanic", "fuzzpanics", "examplepanics", "bubble",
		"fake", "writer", // in its output a frame's text and a test's that is the same cannot be told apart
		"prelude", // it takes look-alikes before the first marker for frames
	}
	for version, list := range recordings(t) {
		for name, raw := range list {
			name, isRaw := strings.CutSuffix(name, ".raw")
			piped, ok := list[name+".pipe.json"]
			if !isRaw || !ok || raw.Same != "" || piped.Same != "" || slices.Contains(exempt, name) {
				continue
			}
			t.Run(version+"/"+name, func(t *testing.T) {
				raw, piped := read(t, data(t, raw), 0), read(t, data(t, piped), 0)
				opts := cmp.Options{cmpopts.IgnoreFields(Test{}, "Package", "Elapsed", "Ends"), cmpopts.EquateEmpty()}
				if diff := cmp.Diff(piped.Tests, raw.Tests, opts); diff != "" {
					t.Errorf("tests (-test2json +raw):\n%s", diff)
				}
				if diff := cmp.Diff(piped.Panic, raw.Panic); diff != "" {
					t.Errorf("panic (-test2json +raw):\n%s", diff)
				}
			})
		}
	}
}
