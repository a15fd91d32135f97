package corpus_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/corpus"
)

// recorded are the streams that are as a toolchain printed them, that tell all by themselves, and that are small enough to be damaged
// in every place; of several releases the newest.
func recorded(t *testing.T) []corpus.Stream {
	t.Helper()
	newest := map[string]corpus.Stream{}
	for _, s := range streams(t) {
		if len(s.From) > 0 && len(s.Edits) == 0 && !s.Unlisted && s.Only == "" && s.Kind != "text" && len(s.Data) <= 8<<10 {
			newest[s.Name+s.Kind] = s
		}
	}
	return slices.SortedFunc(maps.Values(newest), func(a, b corpus.Stream) int { return strings.Compare(a.ID, b.ID) })
}

// judge judges damaged bytes of a stream, with the most tempting exit code.
func judge(s corpus.Stream, data []byte) v1alpha1.PhaseState {
	s.ExitCode = 0
	return verdict.Judge(evidence(s, read(data, len(data)))).State
}

func good(s v1alpha1.PhaseState) bool {
	return s == v1alpha1.PhasePassed || s == v1alpha1.PhaseSkipped
}

// TestCutAnywhere ends each recorded stream at each of its bytes. It passes only behind its last end, and a failure that was read
// stays one whatever else is read.
func TestCutAnywhere(t *testing.T) {
	cuts := 0
	for _, s := range recorded(t) {
		t.Run(s.ID, func(t *testing.T) {
			step, failed := 1, false
			if s.JSON() {
				step = 7
			}
			for n := 0; n < len(s.Data); n += step {
				if n >= len(s.Data)-400 {
					step = 1
				}
				cuts++
				switch state := judge(s, s.Data[:n]); {
				case good(state) && (!s.Truth.Good() || n < lastEnd(s)):
					t.Fatalf("cut at %d of %d bytes it is %s:\n%s", n, len(s.Data), state, s.Data[max(0, n-100):n])
				case failed && state != v1alpha1.PhaseFailed:
					t.Fatalf("cut at %d of %d bytes it is %s, and it was Failed before", n, len(s.Data), state)
				case state == v1alpha1.PhaseFailed:
					failed = true
				}
			}
		})
	}
	t.Logf("%d cuts", cuts)
}

// lastEnd is where a stream of a binary or package that passed is complete.
func lastEnd(s corpus.Stream) int {
	if !s.JSON() {
		return bytes.LastIndex(s.Data, []byte("\x16PASS\n")) + len("\x16PASS\n")
	}
	return bytes.LastIndexByte(s.Data, '}') + 1
}

// TestDamageAnywhere drops each line, has it there twice, and has it change places with the next. No end that is lost and no order
// makes a stream pass, and as long as a frame says fail it fails.
func TestDamageAnywhere(t *testing.T) {
	for _, s := range recorded(t) {
		t.Run(s.ID, func(t *testing.T) {
			lines := slices.Collect(bytes.Lines(s.Data))
			for i, line := range lines {
				dropped := slices.Concat(lines[:i], lines[i+1:])
				check(t, s, fmt.Sprintf("without %q", line), dropped, isEnd(s, line))
				check(t, s, fmt.Sprintf("with %q twice", line), slices.Insert(slices.Clone(lines), i, line), false)
				if i > 0 {
					swapped := slices.Clone(lines)
					swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
					check(t, s, fmt.Sprintf("with %q a line earlier", line), swapped, false)
				}
			}
		})
	}
}

func check(t *testing.T, s corpus.Stream, how string, lines [][]byte, endLost bool) {
	t.Helper()
	state := judge(s, bytes.Join(lines, nil))
	if good(state) && (endLost || !s.Truth.Good()) {
		t.Errorf("%s it is %s", how, state)
	}
	fails := slices.ContainsFunc(lines, func(line []byte) bool { return isFailure(s, line) })
	if fails && s.Truth.Fails() && state != v1alpha1.PhaseFailed {
		t.Errorf("%s it is %s, though a frame says fail", how, state)
	}
}

// isEnd tells whether a line is the end of a test of the list, or of the binary.
func isEnd(s corpus.Stream, line []byte) bool {
	text := string(line)
	if s.JSON() {
		_, test, named := strings.Cut(text, `"Test":"`)
		name, _, _ := strings.Cut(test, `"`)
		return (strings.Contains(text, `"Action":"pass"`) || strings.Contains(text, `"Action":"skip"`)) &&
			(!named || slices.Contains(s.List, name))
	}
	_, report, ok := strings.Cut(text, "\x16--- ")
	_, name, _ := strings.Cut(report, ": ")
	name, _, _ = strings.Cut(name, " (")
	return text == "\x16PASS\n" || ok && slices.Contains(s.List, name)
}

// isFailure tells whether a line is a frame that says that a test failed.
func isFailure(s corpus.Stream, line []byte) bool {
	if s.JSON() {
		return bytes.Contains(line, []byte(`"Action":"fail"`)) && bytes.Contains(line, []byte(`"Test":`))
	}
	return bytes.Contains(line, []byte("\x16--- FAIL: "))
}
