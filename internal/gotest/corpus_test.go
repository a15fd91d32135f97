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

// recording returns a recorded stream.
func recording(t testing.TB, version, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(recorded, version, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recordings returns the versions that were recorded.
func versions(t testing.TB) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(recorded, "go*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no recordings in %s (%v)", recorded, err)
	}
	for i := range dirs {
		dirs[i] = filepath.Base(dirs[i])
	}
	return dirs
}

// TestCorpus compares what is read from every recorded stream with what was read, and reviewed, before.
func TestCorpus(t *testing.T) {
	for _, version := range versions(t) {
		t.Run(version, func(t *testing.T) {
			golden := filepath.Join("testdata", version+".golden")
			got := renderAll(t, version)
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

func renderAll(t *testing.T, version string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(string(recording(t, version, "exit-codes"))), "\n") {
		name, exit, _ := strings.Cut(line, " ")
		fmt.Fprintf(&b, "## %s (exit code %s)\n", name, exit)
		data := recording(t, version, name)
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
	for line := range strings.Lines(o.Head) {
		fmt.Fprintf(b, "\t%.160q\n", line)
	}
	if o.Cut > 0 {
		fmt.Fprintf(b, "\t... %d bytes cut\n", o.Cut)
	}
	for line := range strings.Lines(o.Tail) {
		fmt.Fprintf(b, "\t%.160q\n", line)
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
	// Go's test2json loses frames of more than 4 KiB (longname), marks that a test printed (binary), the end frames that a dying
	// binary printed last (panic, exit0), and in its output one cannot tell a frame's text from a test's that is the same (fake);
	// it takes look-alikes before the first marker for frames (prelude).
	exempt := []string{"longname", "binary", "panic", "exit0", "fake", "prelude"}
	for _, version := range versions(t) {
		files, _ := filepath.Glob(filepath.Join(recorded, version, "*.raw"))
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".raw")
			if slices.Contains(exempt, name) {
				continue
			}
			t.Run(version+"/"+name, func(t *testing.T) {
				raw := read(t, recording(t, version, name+".raw"), 0)
				piped := read(t, recording(t, version, name+".pipe.json"), 0)
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
