package corpus_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/corpus"
)

// enough is how many streams, no two of them the same, the corpus promises to hold.
const enough = 120

func streams(t *testing.T) []corpus.Stream {
	t.Helper()
	all, err := corpus.Streams()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestStreams reads every stream and judges it: what is found has to be what is true of it.
func TestStreams(t *testing.T) {
	distinct := map[string]bool{}
	for _, s := range streams(t) {
		distinct[string(s.Data)] = true
		t.Run(s.Class+"/"+s.ID, func(t *testing.T) {
			result := read(s.Data, len(s.Data))
			out := verdict.Judge(evidence(s, result))
			if got := strings.TrimSpace(string(out.State) + " " + out.Reason); got != s.Truth.Phase {
				t.Errorf("the phase is %q, want %q: %s", got, s.Truth.Phase, out.Message)
			}
			if s.Truth.Counts != nil {
				if diff := cmp.Diff(s.Truth.Counts, summary(out.Summary)); diff != "" {
					t.Errorf("counts (-want +got):\n%s", diff)
				}
			} else if diff := cmp.Diff(s.Truth.Tests, statuses(out.Tests), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("tests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(s.Truth.Anomalies, counts(result), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("anomalies (-want +got):\n%s", diff)
			}
			if want, got := s.Truth.Panic, panicOf(result); (want == "") != (got == "") || !strings.HasPrefix(got, want) {
				t.Errorf("the panic is %q, want %q", got, want)
			}
			for _, chunk := range []int{1, 7, 4096} {
				if len(s.Data)/chunk > 1<<17 {
					continue
				}
				if diff := cmp.Diff(result, read(s.Data, chunk)); diff != "" {
					t.Errorf("in writes of %d bytes (-one write +many):\n%s", chunk, diff)
				}
			}
		})
	}
	if len(distinct) < enough {
		t.Errorf("the corpus has %d different streams, want at least %d", len(distinct), enough)
	}
	t.Logf("%d different streams", len(distinct))
}

func read(data []byte, chunk int) gotest.Result {
	s := gotest.NewStream(gotest.Limits{})
	for part := range slices.Chunk(data, max(chunk, 1)) {
		_, _ = s.Write(part) // it never fails
	}
	_ = s.Close() // nor does this
	return s.Result()
}

// evidence is what an operator knows of a phase with this stream. What is not a test binary's own output has no list.
func evidence(s corpus.Stream, r gotest.Result) verdict.Evidence {
	g := &verdict.GoTest{Stream: r, Manifest: s.List, Listed: len(s.List), DenySkips: s.DenySkips, LogMissing: s.Lost}
	if s.JSON() || s.Unlisted {
		g.Manifest, g.Listed, g.ExpectedTests = nil, 0, len(s.List)
	}
	e := verdict.Evidence{GoTest: g, Exit: &verdict.Exit{Code: s.ExitCode}}
	if s.Unseen {
		e.Exit = nil
	}
	return e
}

// statuses are those of the judged tests, by name, and by the last element of the package's path as well where there are several.
func statuses(tests []verdict.Test) map[string]string {
	packages := map[string]bool{}
	for _, t := range tests {
		packages[t.Package] = true
	}
	out := map[string]string{}
	for _, t := range tests {
		name := t.Name
		if len(packages) > 1 && t.Package != "" {
			name = t.Package[strings.LastIndexByte(t.Package, '/')+1:] + " " + name
		}
		if _, twice := out[name]; twice {
			name = fmt.Sprintf("%s, again", name)
		}
		out[name] = strings.TrimSpace(string(t.Status) + " " + t.Reason)
	}
	return out
}

func summary(s v1alpha1.Summary) map[string]int32 {
	out := map[string]int32{"Passed": s.Passed, "Failed": s.Failed, "Skipped": s.Skipped, "Error": s.Errored}
	maps.DeleteFunc(out, func(_ string, n int32) bool { return n == 0 })
	return out
}

func counts(r gotest.Result) map[string]int64 {
	out := map[string]int64{}
	for a, n := range r.Anomalies {
		out[string(a)] = n
	}
	return out
}

func panicOf(r gotest.Result) string {
	if r.Panic == nil {
		return ""
	}
	return r.Panic.Message
}
