package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

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

// noise does not compress well.
func noise(content *rand.Rand, bytes int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, bytes)
	for i := range text {
		text[i] = letters[content.IntN(len(letters))]
	}
	return string(text)
}

// seed makes the same noise each time.
func seed() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// checkParts holds the parts against their limits and reads all files back from them.
func checkParts(t *testing.T, parts []Part, r Result, limits Limits) Result {
	t.Helper()
	if len(parts) == 0 || len(parts) > MaxParts {
		t.Fatalf("%d parts", len(parts))
	}
	for i, p := range parts {
		size := 0
		for _, text := range p.Data {
			size += len(text)
		}
		for _, data := range p.BinaryData {
			size += len(data)
		}
		if size > limits.PartBytes || int64(size) != p.Bytes {
			t.Errorf("part %d has %d bytes and says %d, the limit is %d", i, size, p.Bytes, limits.PartBytes)
		}
		if request, err := json.Marshal(p); err != nil || len(request) > maxRequest+1000 {
			t.Errorf("part %d is a request of %d bytes, %v", i, len(request), err)
		}
		if want := fmt.Sprintf("r-%d", i+1); i > 0 && p.Name != want || i == 0 && p.Name != "r" {
			t.Errorf("part %d is called %s", i, p.Name)
		}
	}
	files := map[string][]byte{}
	for _, name := range []string{FileName, CTRFName, JUnitName} {
		text, err := ReadFile(parts, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	checkCTRF(t, files[CTRFName], r)
	checkJUnit(t, files[JUnitName], r)
	return checkResult(t, files[FileName], r)
}

func TestPackRoundTrip(t *testing.T) {
	for name, want := range scenarios() {
		t.Run(name, func(t *testing.T) {
			parts, err := Pack(want, "r", Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got := checkParts(t, parts, want, Limits{PartBytes: MaxBytes})
			if name == "hostile" { // the names in it that come from the API server are made inert at the end alone
				want.Phases[0].Node, want.Message = inert(want.Phases[0].Node), inert(want.Message)
			}
			if diff := cmp.Diff(want.Phases, got.Phases); diff != "" {
				t.Errorf("phases changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPackIsDeterministicAndLeavesItsArgument(t *testing.T) {
	for _, limits := range []Limits{{}, {PartBytes: 20_000}, {PartBytes: 6_000}, {Total: 50_000, PartBytes: 4_000}} {
		r := attemptOf(v1alpha1.VerdictFailed, noisy(100, 3_000, seed()), failedPhase(), flakyPhase())
		before, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		one, err1 := Pack(r, "r", limits)
		two, err2 := Pack(r, "r", limits)
		if diff := cmp.Diff(one, two); diff != "" || err1 != nil || err2 != nil {
			t.Errorf("%+v: %v, %v, the same result gave different parts:\n%s", limits, err1, err2, diff)
		}
		if after, err := json.Marshal(r); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%+v: packing changed the result that it was given", limits)
		}
	}
}

func TestPackWithinLimits(t *testing.T) {
	earlier := passedPhase()
	earlier.Flaky, earlier.Earlier = true, []Phase{noisy(20, 3_000, nil)}
	for _, tc := range []struct {
		name   string
		phase  Phase
		limits Limits
		parts  int // 0 for several
		plain  bool
		// what is left of the 3,000 bytes of output of an earlier, a passed and a failed test: "all", "some" or "none"
		earlier, passed, failed string
	}{
		{"all fits", noisy(30, 3_000, nil), Limits{PartBytes: 600_000}, 1, true, "all", "all", "all"},
		{"compressed", noisy(100, 3_000, nil), Limits{PartBytes: 100_000}, 1, false, "all", "all", "all"},
		{"split", noisy(100, 3_000, seed()), Limits{PartBytes: 100_000}, 0, false, "all", "all", "all"},
		{"earlier runs lose their output first", noisy(100, 3_000, nil), Limits{Total: 650_000, PartBytes: 100_000}, 1, false, "none", "all", "all"},
		{"then passed tests", noisy(100, 3_000, nil), Limits{Total: 300_000, PartBytes: 100_000}, 1, false, "none", "none", "all"},
		{"then long outputs are cut", noisy(100, 3_000, nil), Limits{Total: 100_000, PartBytes: 1_000_000}, 1, true, "none", "none", "some"},
		{"too much for all parts", noisy(300, 3_000, seed()), Limits{PartBytes: 20_000}, 0, false, "none", "none", "some"},
		{"statuses alone", noisy(300, 3_000, seed()), Limits{Total: 1, PartBytes: 20_000}, 1, false, "none", "none", "none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := attemptOf(v1alpha1.VerdictFailed, earlier, tc.phase)
			parts, err := Pack(r, "r", tc.limits)
			if err != nil {
				t.Fatal(err)
			}
			got := checkParts(t, parts, r, tc.limits)
			_, plain := parts[0].Data[FileName]
			if tc.parts > 0 && len(parts) != tc.parts || tc.parts == 0 && len(parts) == 1 || plain != tc.plain {
				t.Errorf("%d parts, plain is %v; want %d, %v", len(parts), plain, tc.parts, tc.plain)
			}
			was, failed, passed := got.Phases[0].Earlier[0].Tests[0], got.Phases[1].Tests[0], got.Phases[1].Tests[1]
			if got := left(was.Output, 3_000); got != tc.earlier {
				t.Errorf("of an earlier test's output there is %s, want %s", got, tc.earlier)
			}
			if got := left(passed.Output, 3_000); got != tc.passed {
				t.Errorf("of a passed test's output there is %s, want %s", got, tc.passed)
			}
			if got := left(failed.Output, 3_000); got != tc.failed {
				t.Errorf("of a failed test's output there is %s, want %s", got, tc.failed)
			}
			if tc.failed == "none" && len(was.Attributes)+len(passed.Attributes) > 0 {
				t.Error("there are attributes left, which are of less use than what is missing")
			}
			for _, file := range []string{FileName, CTRFName, JUnitName} {
				if text, err := ReadFile(parts, file); err != nil || tc.limits.Total > 1 && len(text) > tc.limits.Total {
					t.Errorf("%s has %d bytes, and the limit is %d; %v", file, len(text), tc.limits.Total, err)
				}
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

// TestPackHeedsTheRequest: JSON with HTML escaped writes six bytes for some characters.
func TestPackHeedsTheRequest(t *testing.T) {
	for text, plain := range map[string]bool{"a": true, "<": false, `"`: true} {
		p := passedPhase()
		p.Tests[0].Output = &Output{Text: strings.Repeat(text, 130_000)}
		parts, err := Pack(attemptOf(v1alpha1.VerdictPassed, p), "r", Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := parts[0].Data[FileName]; got != plain {
			t.Errorf("a result full of %s is stored plainly: %v, want %v", text, got, plain)
		}
	}
}

func TestPackUsesItsLimits(t *testing.T) {
	r := attemptOf(v1alpha1.VerdictFailed, noisy(10, 60_000, seed()))
	parts, err := Pack(r, "r", Limits{Total: 400_000, PartBytes: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	used := int64(0)
	for _, p := range parts[1:] {
		used += p.Bytes
	}
	if used < 100_000 {
		t.Errorf("%d bytes of the limit of 150000 are used, and more was there", used)
	}
}

func TestPackFillsAllPartsAndNotOneMore(t *testing.T) {
	r := attemptOf(v1alpha1.VerdictFailed, noisy(100, 3_000, seed()))
	parts, err := Pack(r, "r", Limits{PartBytes: 800_000})
	if err != nil {
		t.Fatal(err)
	}
	packed := 0
	for _, data := range parts[0].BinaryData {
		packed += len(data)
	}
	for _, tc := range []struct {
		dataParts int
		omitted   bool
	}{{MaxParts - 1, false}, {MaxParts, true}} {
		limits := Limits{PartBytes: packed/tc.dataParts + 1}
		parts, err := Pack(r, "r", limits)
		if err != nil {
			t.Fatal(err)
		}
		got := checkParts(t, parts, r, limits)
		if !tc.omitted && len(parts) != MaxParts || (got.Omitted != nil) != tc.omitted {
			t.Errorf("what needs %d ConfigMaps and an index has %d parts, omitted is %+v", tc.dataParts, len(parts), got.Omitted)
		}
	}
}

func TestPackGivesUpTestsOfEarlierRuns(t *testing.T) {
	p := passedPhase()
	p.Earlier = []Phase{noisy(2_000, 10, nil)}
	content := seed()
	for i := range p.Earlier[0].Tests {
		p.Earlier[0].Tests[i].Name = noise(content, 40)
	}
	r := attemptOf(v1alpha1.VerdictPassed, p)
	parts, err := Pack(r, "r", Limits{PartBytes: 2_000})
	if err != nil {
		t.Fatal(err)
	}
	got := checkParts(t, parts, r, Limits{PartBytes: 2_000})
	if was := got.Phases[0].Earlier[0]; len(was.Tests) > 0 || len(was.Notes) == 0 || was.State != v1alpha1.PhaseFailed {
		t.Errorf("the earlier run is %s with %d tests and the notes %q; want it without tests, and a note that says so",
			was.State, len(was.Tests), was.Notes)
	}
}

func TestPackSaysThatAResultIsTooLarge(t *testing.T) {
	_, err := Pack(attemptOf(v1alpha1.VerdictFailed, noisy(5_000, 10, nil)), "r", Limits{PartBytes: 2_500})
	if err == nil || !strings.Contains(err.Error(), "the limit is 16 ConfigMaps of 2500") {
		t.Errorf("got %v, want an error that names the limit", err)
	}
}

// TestPackOfSixtyMegabytes: three phases that printed 20 MB each.
func TestPackOfSixtyMegabytes(t *testing.T) {
	content := seed()
	var phases []Phase
	for _, name := range []string{"deployment", "performance", "conformance"} {
		p := noisy(500, 0, nil)
		p.Name = name
		for i := range p.Tests {
			p.Tests[i].Output = &Output{Text: strings.Repeat("    x_test.go:1: waiting for 3 of 4 nodes\n", 850) + noise(content, 4_000) + "\n"}
		}
		phases = append(phases, p)
	}
	r := attemptOf(v1alpha1.VerdictFailed, phases...)
	limits := Limits{PartBytes: MaxBytes}
	one, err := Pack(r, "r", limits)
	if err != nil {
		t.Fatal(err)
	}
	got := checkParts(t, one, r, limits)
	if got.Omitted == nil || got.Omitted.Outputs < 1000 {
		t.Errorf("omitted is %+v", got.Omitted)
	}
	text, err := ReadFile(one, FileName)
	if err != nil || len(text) > MaxTotal || len(text) < MaxTotal/2 {
		t.Errorf("result.yaml has %d of %d bytes, %v", len(text), MaxTotal, err)
	}
	two, err := Pack(r, "r", limits)
	if err != nil {
		t.Fatal(err)
	}
	for i := range one {
		if one[i].SHA256 != two[i].SHA256 || one[i].digest() != two[i].digest() {
			t.Errorf("part %d differs when it is made again", i)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	content := seed()
	p := noisy(5_000, 0, nil)
	for i := range p.Tests {
		p.Tests[i].Output = &Output{Text: strings.Repeat("    x_test.go:1: waiting for 3 of 4 nodes\n", 70) + noise(content, 400) + "\n"}
	}
	r := attemptOf(v1alpha1.VerdictFailed, p)
	b.SetBytes(16 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Pack(r, "r", Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
