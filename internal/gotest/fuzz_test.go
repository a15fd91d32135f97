package gotest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// seed adds every recorded stream of less than limit bytes: a fuzzer is slow with large ones.
func seed(f *testing.F, limit int, add func(data []byte)) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(recorded, "*", "*.*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no recordings (%v)", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < limit {
			add(data)
		}
	}
}

// FuzzDecoder reads any bytes, cut in any way: it must not matter how, and no test may pass without a frame that says so.
func FuzzDecoder(f *testing.F) {
	seed(f, 1000, func(data []byte) { f.Add(data, 5, 0) })
	f.Add(raw("x§=== RUN   TestX\n§--- PASS: TestX (0.00s)"), 3, 16)
	for _, text := range []string{
		"§=== RUN   TestX\n§=== ATTR  TestX constraint/c {\"passed\":false}\n    x_test.go:1: could not run: x\n§--- SKIP: TestX (0.00s)\n",
		"§=== RUN   TestX\nCONSTRAINT_RESULT: name=c expected=\">= 1\" actual=2 b passed=true\n" + artifactLine("l", `"data"`) + "\n§PASS\n",
		"§=== RUN   TestX\n" + artifactLine("l", `{"a":"`+strings.Repeat("b", 100)+`"}`) + "\n" + artifactLine("m", `[1]`),
		"§=== RUN   TestX\n    x_test.go:1: " + artifactLine("l", `"x"`) + "§--- PASS: TestX (0.00s)\n",
	} {
		f.Add(raw(text), 7, 0)
		f.Add(raw(text), 3, 50)
	}
	f.Fuzz(func(t *testing.T, data []byte, chunk, lineBytes int) {
		limits := Limits{
			LineBytes: lineBytes % 1000, Tests: 20, Subtests: 20, NameBytes: 60, OutputBytes: 500, PassedOutputBytes: 50, TotalOutputBytes: 2000,
			Constraints: 3, Artifacts: 2, ArtifactBytes: 30, TotalArtifactBytes: 50, ReportBytes: 300,
		}
		whole, cut := NewStream(limits), NewStream(limits)
		write(t, whole, data, 0)
		write(t, cut, data, max(1, chunk%50))
		want := whole.Result()
		if got := cut.Result(); !reflect.DeepEqual(want, got) {
			t.Errorf("in writes of %d bytes (-one write +these):\n%s", max(1, chunk%50), cmp.Diff(want, got))
		}
		if want, got := whole.Progress(), cut.Progress(); want != got {
			t.Errorf("progress in writes of %d bytes is %+v, want %+v", max(1, chunk%50), got, want)
		}
		checkResult(t, data, want)
		checkSaid(t, want, limits)
		checkRestart(t, data, chunk, limits, want)
	})
}

func checkResult(t *testing.T, data []byte, r Result) {
	t.Helper()
	if r.Bytes != int64(len(data)) {
		t.Errorf("%d bytes counted of %d", r.Bytes, len(data))
	}
	lower := bytes.ToLower(data)
	for _, test := range r.Tests {
		if test.Outcome == Pass && !bytes.Contains(lower, []byte("pass")) && !bytes.Contains(data, []byte(`\u`)) {
			t.Errorf("%q passed, but nothing says so", test.Name)
		}
		if test.Outcome != Unended && test.Ends == 0 || test.Outcome == Pass && test.Ends < test.Runs {
			t.Errorf("%q is %s with %d ends of %d runs", test.Name, test.Outcome, test.Ends, test.Runs)
		}
		if !utf8.ValidString(test.Name + test.Package + test.Output.Head + test.Output.Tail) {
			t.Errorf("%q holds invalid UTF-8", test.Name)
		}
	}
}

// checkSaid: what tests said keeps to the limits.
func checkSaid(t *testing.T, r Result, limits Limits) {
	t.Helper()
	artifacts, bytes := 0, 0
	for _, test := range r.Tests {
		if len(test.Constraints) > limits.Constraints || len(test.Remediation) > maxRemediation {
			t.Errorf("%q has %d constraints and %d bytes of remediation", test.Name, len(test.Constraints), len(test.Remediation))
		}
		for _, c := range test.Constraints {
			if c.Name == "" || len(c.Name) > limits.NameBytes+3 || !utf8.ValidString(c.Name+c.Expected+c.Actual+c.Remediation) {
				t.Errorf("%q has the constraint %+v", test.Name, c)
			}
		}
		for _, a := range test.Artifacts {
			artifacts, bytes = artifacts+1, bytes+len(a.Data)
			if a.Data != nil && int64(len(a.Data)) != a.Bytes || len(a.Data) > limits.ArtifactBytes || len(a.Label) > maxLabel || a.Label == "" {
				t.Errorf("%q has the artifact %+v", test.Name, a)
			}
		}
	}
	if artifacts > moreArtifacts*limits.Artifacts || bytes > limits.TotalArtifactBytes {
		t.Errorf("%d artifacts of %d bytes are kept", artifacts, bytes)
	}
}

// checkRestart: a stream that is saved and restored in the middle comes to the same.
func checkRestart(t *testing.T, data []byte, chunk int, limits Limits, want Result) {
	t.Helper()
	at := min(len(data), max(0, chunk))
	s := NewStream(limits)
	_, _ = s.Write(data[:at])
	before := s.Result()
	saved, err := s.Save(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Restore(limits, saved); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.Result(), wholeBytes); diff != "" {
		t.Errorf("restored at %d (-saved +restored):\n%s", at, diff)
	}
	write(t, s, data[at:], 0)
	if diff := cmp.Diff(want, s.Result(), wholeBytes); diff != "" {
		t.Errorf("restored at %d (-undisturbed +restored):\n%s", at, diff)
	}
}

// FuzzJSONLine holds the fast way to read JSON events against the one with encoding/json. One decoder reads all lines, since it
// remembers names from one to the next.
func FuzzJSONLine(f *testing.F) {
	seed(f, 10_000, func(data []byte) {
		for line := range bytes.Lines(data) {
			f.Add(line)
		}
	})
	seed(f, 1_000, func(data []byte) { f.Add(data) })
	f.Add([]byte(`{"Action":"output","Output":"\ud83d\ude00\ud83d\u003c"}`))
	f.Add([]byte(alike))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d Decoder
		for line := range bytes.Lines(data) {
			compareJSON(t, &d, line)
		}
	})
}

func compareJSON(t *testing.T, d *Decoder, line []byte) {
	t.Helper()
	d.fields.reset()
	n := d.scanObject(line)
	if n == 0 {
		return
	}
	fast := d.fields
	var slow fields
	m := decodeObject(line, &slow)
	if m == 0 && !bytes.Contains(line, []byte(`"Action"`)) {
		if fast.seen&fieldAction != 0 || !json.Valid(line[:n]) {
			t.Fatalf("%q is read as %+v", line, fast)
		}
		return
	}
	if diff := cmp.Diff(m, n); diff != "" {
		t.Fatalf("length of %q (-encoding/json +ours):\n%s", line, diff)
	}
	for _, which := range []field{fieldAction, fieldPackage, fieldTest, fieldOutput, fieldOutputType, fieldFailedBuild, fieldKey, fieldValue, fieldPath, fieldImportPath} {
		*fast.text(which) = replaced(*fast.text(which))
	}
	opts := cmp.Options{cmp.AllowUnexported(fields{}), cmp.Comparer(bytes.Equal)}
	if diff := cmp.Diff(slow, fast, opts); diff != "" {
		t.Fatalf("%q (-encoding/json +ours):\n%s", line, diff)
	}
}

// replaced does to invalid UTF-8 what encoding/json does.
func replaced(b []byte) []byte { return []byte(string([]rune(string(b)))) }

func FuzzParseList(f *testing.F) {
	f.Add([]byte("TestA\nFuzzB\r\nExample\nnoise\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		names := ParseList(data)
		lines := map[string]bool{}
		for line := range bytes.Lines(data) {
			lines[string(trimEOL(line))] = true
		}
		seen := map[string]bool{}
		for _, name := range names {
			if !lines[name] || seen[name] || strings.ContainsAny(name, " /\t") || !utf8.ValidString(name) {
				t.Errorf("%q is listed of %q", name, data)
			}
			seen[name] = true
		}
		if got, err := MatchTopLevel("", names); err != nil || !cmp.Equal(got, names) {
			t.Errorf("the empty pattern runs %q of %q (%v)", got, names, err)
		}
	})
}

// FuzzMatchTopLevel checks that no pattern is too odd.
func FuzzMatchTopLevel(f *testing.F) {
	for _, pattern := range patterns {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if got, err := MatchTopLevel(pattern, []string{"TestA", "TestB"}); err != nil && got != nil || len(got) > 2 {
			t.Errorf("pattern %q runs %q with error %v", pattern, got, err)
		}
	})
}
