package report

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

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

func TestBoundOfARetriedPhase(t *testing.T) {
	phase := noisy(100, 3_000, nil)
	phase.Earlier = []Phase{noisy(100, 3_000, nil)}
	for _, tc := range []struct {
		limit                 int
		earlier, passed, want string // of an earlier, a passed and a failed test's output
		tests                 int    // of the earlier run
	}{
		{1 << 20, "all", "all", "all", 100},
		{500_000, "none", "all", "all", 100},
		{100_000, "none", "none", "all", 100},
		{14_000, "none", "none", "none", 0},
	} {
		got := phase.Bound(tc.limit)
		if data, err := json.Marshal(got); err != nil || len(data) > tc.limit {
			t.Errorf("%d bytes, %v; the limit is %d", len(data), err, tc.limit)
		}
		if diff := cmp.Diff(statuses([]Phase{phase}), statuses([]Phase{got})); diff != "" {
			t.Errorf("limit %d: statuses changed (-want +got):\n%s", tc.limit, diff)
		}
		if n := len(got.Earlier[0].Tests); n != tc.tests {
			t.Fatalf("limit %d: %d tests of the earlier run are left, want %d", tc.limit, n, tc.tests)
		}
		if tc.tests > 0 && left(got.Earlier[0].Tests[0].Output, 3_000) != tc.earlier {
			t.Errorf("limit %d: of an earlier output there is %s, want %s", tc.limit, left(got.Earlier[0].Tests[0].Output, 3_000), tc.earlier)
		}
		failed, passed := left(got.Tests[0].Output, 3_000), left(got.Tests[1].Output, 3_000)
		if failed != tc.want || passed != tc.passed {
			t.Errorf("limit %d: of a failed and a passed test's output there is %s and %s, want %s and %s", tc.limit, failed, passed, tc.want, tc.passed)
		}
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
