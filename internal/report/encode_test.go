package report

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// decode reads what Encode wrote, whichever form it took.
func decode(t *testing.T, files Files) Result {
	t.Helper()
	text := []byte(files.Data[FileName])
	if packed, found := files.BinaryData[CompressedFileName]; found {
		text = unpack(t, packed)
	}
	if digest := sha256.Sum256(text); files.SHA256 != hex.EncodeToString(digest[:]) {
		t.Errorf("SHA256 is %s, and that of result.yaml %x", files.SHA256, digest)
	}
	var r Result
	if err := yaml.UnmarshalStrict(text, &r); err != nil {
		t.Fatalf("result.yaml is no YAML of a Result: %v\n%s", err, text)
	}
	return r
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
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

// noisy is a phase with so many tests, every tenth of which failed, and so much output of each.
func noisy(tests, bytes int, content *rand.Rand) Phase {
	var out verdict.Outcome
	out.State, out.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
	for i := range tests {
		text := strings.Repeat("some output\n", bytes/12)
		if content != nil {
			text = noise(content, bytes)
		}
		status := verdict.Passed
		if i%10 == 0 {
			status = verdict.Failed
		}
		out.Tests = append(out.Tests, verdict.Test{
			Name: fmt.Sprintf("Test%05d", i), Status: status, Output: gotest.Output{Head: text},
			Attributes: []gotest.Attribute{{Key: "number", Value: fmt.Sprint(i)}},
		})
	}
	return NewPhase(PhaseInfo{Name: "conformance"}, out, gotest.Result{})
}

// noise does not compress.
func noise(content *rand.Rand, bytes int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, bytes)
	for i := range text {
		text[i] = letters[content.IntN(len(letters))]
	}
	return string(text)
}

func TestEncodeRoundTrip(t *testing.T) {
	want := exampleResult()
	files, err := Encode(want, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, files)
	if diff := cmp.Diff(want.Phases, got.Phases); diff != "" {
		t.Errorf("phases changed (-want +got):\n%s", diff)
	}
	if files.Bytes != int64(len(files.Data[FileName])) {
		t.Errorf("Bytes is %d, want %d", files.Bytes, len(files.Data[FileName]))
	}
}

func TestEncodeIsDeterministicAndLeavesItsArgument(t *testing.T) {
	for _, limit := range []int{0, 20_000, 2_000} {
		r := Result{Phases: []Phase{noisy(100, 3_000, nil), failedPhase()}}
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		one, err1 := Encode(r, limit)
		two, err2 := Encode(r, limit)
		if diff := cmp.Diff(one, two); diff != "" || err1 != nil || err2 != nil {
			t.Errorf("limit %d: %v, %v, the same result gave different files:\n%s", limit, err1, err2, diff)
		}
		if after, err := json.Marshal(r); err != nil || !bytes.Equal(before, after) {
			t.Errorf("limit %d: encoding changed the result that it was given", limit)
		}
	}
}

func TestEncodeWithinALimit(t *testing.T) {
	for _, tc := range []struct {
		name       string
		phase      Phase
		limit      int
		compressed bool
		// passedOutput and failedOutput are what is left of a test's 3,000 bytes of output: "all", "some" or "none".
		passedOutput, failedOutput string
	}{
		{"all fits", noisy(100, 3_000, nil), 1_000_000, false, "all", "all"},
		{"passed tests lose their output first", noisy(100, 3_000, nil), 75_000, false, "none", "all"},
		{"long outputs are cut", noisy(100, 3_000, nil), 28_000, false, "none", "some"},
		{"too many tests are compressed, with all their output", noisy(300, 3_000, nil), 25_000, true, "all", "all"},
		{"compressed, and long outputs are cut", noisy(300, 3_000, rand.New(rand.NewPCG(1, 2))), 25_000, true, "none", "some"},
		{"statuses alone", noisy(300, 3_000, rand.New(rand.NewPCG(1, 2))), 2_000, true, "none", "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files, err := Encode(Result{Phases: []Phase{passedPhase(), tc.phase}}, tc.limit)
			if err != nil {
				t.Fatal(err)
			}
			if files.Bytes > int64(tc.limit) {
				t.Errorf("%d bytes, and the limit is %d", files.Bytes, tc.limit)
			}
			if tc.compressed != (files.BinaryData != nil) || tc.compressed == (files.Data != nil) {
				t.Errorf("data %v, binaryData %v, want compressed %v", slices.Collect(maps.Keys(files.Data)),
					slices.Collect(maps.Keys(files.BinaryData)), tc.compressed)
			}
			got := decode(t, files)
			if diff := cmp.Diff(statuses([]Phase{passedPhase(), tc.phase}), statuses(got.Phases)); diff != "" {
				t.Errorf("statuses changed (-want +got):\n%s", diff)
			}
			failed, passed := got.Phases[1].Tests[0], got.Phases[1].Tests[1]
			if got := left(failed.Output, 3_000); got != tc.failedOutput {
				t.Errorf("of a failed test's output there is %s, want %s", got, tc.failedOutput)
			}
			if got := left(passed.Output, 3_000); got != tc.passedOutput {
				t.Errorf("of a passed test's output there is %s, want %s", got, tc.passedOutput)
			}
			if diff := cmp.Diff(omitted(got.Phases), got.Omitted); diff != "" {
				t.Errorf("omitted is not what the tests say is missing (-want +got):\n%s", diff)
			}
		})
	}
}

// left says how much there is of an output that had so many bytes, and that what is missing is counted.
func left(o *Output, bytes int) string {
	switch {
	case o == nil:
		return "nothing, and no word of it"
	case len(o.Text) == bytes && o.CutBytes == 0:
		return "all"
	case o.Text == "" && o.CutBytes == int64(bytes):
		return "none"
	case strings.Contains(o.Text, fmt.Sprintf("[... %d bytes cut ...]", o.CutBytes)):
		return "some"
	}
	return fmt.Sprintf("%+v", o)
}

func TestEncodeUsesItsLimit(t *testing.T) {
	phase := noisy(10, 60_000, nil)
	files, err := Encode(Result{Phases: []Phase{phase}}, 40_000)
	if err != nil {
		t.Fatal(err)
	}
	if files.Bytes < 30_000 {
		t.Errorf("%d bytes of the limit of 40000 are used, and more was there", files.Bytes)
	}
}

func TestEncodeSaysThatAResultIsTooLarge(t *testing.T) {
	_, err := Encode(Result{Phases: []Phase{noisy(1_000, 10, nil)}}, 500)
	if err == nil || !strings.Contains(err.Error(), "the limit is 500") {
		t.Errorf("got %v, want an error that names the limit", err)
	}
}

func TestPhaseRoundTrip(t *testing.T) {
	for _, want := range []Phase{passedPhase(), failedPhase(), NotRun("smoke", "EarlierPhase", "because"), noisy(50, 5_000, nil)} {
		one, err := EncodePhase(want)
		if err != nil {
			t.Fatal(err)
		}
		two, err := EncodePhase(want)
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("the same phase gave different bytes, or %v", err)
		}
		got, err := DecodePhase(one)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the phase changed (-want +got):\n%s", diff)
		}
	}
}

func TestDecodePhaseRefuses(t *testing.T) {
	bomb, err := compress(append([]byte(`{"message":"`), make([]byte, maxPhaseBytes)...))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := EncodePhase(failedPhase())
	if err != nil {
		t.Fatal(err)
	}
	noJSON, err := compress([]byte("no JSON"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":           {nil, "EOF"},
		"no gzip":           {[]byte("state: Passed"), "invalid header"},
		"half of it":        {whole[:len(whole)/2], "unexpected EOF"},
		"no JSON":           {noJSON, "invalid character"},
		"more than a phase": {bomb, "more than 33554432 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := DecodePhase(tc.data); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %+v, %v; want an error with %q", p, err, tc.want)
			}
		})
	}
}

func TestBound(t *testing.T) {
	for _, limit := range []int{1 << 20, 100_000, 30_000, 11_000} {
		phase := noisy(100, 3_000, nil)
		got := phase.Bound(limit)
		data, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > limit {
			t.Errorf("%d bytes, and the limit is %d", len(data), limit)
		}
		if diff := cmp.Diff(statuses([]Phase{phase}), statuses([]Phase{got})); diff != "" {
			t.Errorf("limit %d: statuses changed (-want +got):\n%s", limit, diff)
		}
	}
	if diff := cmp.Diff(noisy(100, 3_000, nil), noisy(100, 3_000, nil).Bound(1<<20)); diff != "" {
		t.Errorf("a phase within its limit changed (-want +got):\n%s", diff)
	}
}

func TestBoundKeepsStatusesPastItsLimit(t *testing.T) {
	phase := noisy(100, 3_000, nil)
	got := phase.Bound(10)
	if diff := cmp.Diff(statuses([]Phase{phase}), statuses([]Phase{got})); diff != "" {
		t.Errorf("statuses changed (-want +got):\n%s", diff)
	}
	want := &Omitted{Outputs: 100, Bytes: 300_000, Attributes: 100}
	if diff := cmp.Diff(want, omitted([]Phase{got})); diff != "" {
		t.Errorf("omitted (-want +got):\n%s", diff)
	}
}

func TestPhaseThatIsTooLarge(t *testing.T) {
	content := rand.New(rand.NewPCG(3, 4))
	var out verdict.Outcome
	for range 5_000 {
		out.Tests = append(out.Tests, verdict.Test{Name: noise(content, 400), Status: verdict.Passed})
	}
	phase := NewPhase(PhaseInfo{Name: "huge"}, out, gotest.Result{}).Bound(MaxBytes)
	if _, err := EncodePhase(phase); err == nil || !strings.Contains(err.Error(), "huge: its 5000 tests are") {
		t.Errorf("got %v, want an error that names the phase and its size", err)
	}
	data, err := EncodePhase(phase.WithoutTests())
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodePhase(data)
	if err != nil || len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "5000 tests") {
		t.Errorf("got notes %q, %v; want one that says how many tests were left out", got.Notes, err)
	}
}
