package verdict

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestContainer(t *testing.T) {
	one := func(s v1alpha1.Summary) v1alpha1.Summary {
		s.Total = 1
		return s
	}
	passed, failed := one(v1alpha1.Summary{Passed: 1}), one(v1alpha1.Summary{Failed: 1})
	skipped, errored := one(v1alpha1.Summary{Skipped: 1}), one(v1alpha1.Summary{Errored: 1})
	evicted := &Trouble{Reason: v1alpha1.ReasonEvicted, Message: "the node was short of memory"}
	for _, tc := range []struct {
		name    string
		exit    *Exit
		trouble *Trouble
		want    Outcome
	}{
		{"exit code 0", &Exit{}, nil, Outcome{State: v1alpha1.PhasePassed, Summary: passed}},
		{
			"exit code 0 with a message", &Exit{Message: "\n all is well \nmore\n"}, nil,
			Outcome{State: v1alpha1.PhasePassed, Message: "all is well", Summary: passed},
		},
		{
			"exit code 1", &Exit{Code: 1}, nil,
			Outcome{State: v1alpha1.PhaseFailed, Reason: "TestsFailed", Message: "the container ended with exit code 1", Summary: failed},
		},
		{
			"exit code 1 with a message", &Exit{Code: 1, Message: "no GPU answered\n"}, nil,
			Outcome{State: v1alpha1.PhaseFailed, Reason: "TestsFailed", Message: "no GPU answered", Summary: failed},
		},
		{
			"exit code 2 that says SKIP:", &Exit{Code: 2, Message: "SKIP: no GPU here\n"}, nil,
			Outcome{State: v1alpha1.PhaseSkipped, Reason: "NothingApplicable", Message: "no GPU here", Summary: skipped},
		},
		{
			"exit code 2 that says SKIP: and no more", &Exit{Code: 2, Message: "SKIP:"}, nil,
			Outcome{State: v1alpha1.PhaseSkipped, Reason: "NothingApplicable", Message: "the container skipped itself", Summary: skipped},
		},
		{
			"exit code 2 of a Go panic", &Exit{Code: 2, Message: "panic: SKIP: x"}, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "UnexpectedExitCode", Summary: errored,
				Message: "the container ended with exit code 2: panic: SKIP: x (2 is Skipped where the termination message begins with SKIP:)",
			},
		},
		{
			"exit code 2 that says nothing", &Exit{Code: 2}, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "UnexpectedExitCode", Summary: errored,
				Message: "the container ended with exit code 2 (2 is Skipped where the termination message begins with SKIP:)",
			},
		},
		{
			"exit code 1 that says SKIP:", &Exit{Code: 1, Message: "SKIP: but it failed"}, nil,
			Outcome{State: v1alpha1.PhaseFailed, Reason: "TestsFailed", Message: "SKIP: but it failed", Summary: failed},
		},
		{
			"a kill", &Exit{Code: 137}, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "UnexpectedExitCode", Summary: errored,
				Message: "the container ended with exit code 137 (signal 9)",
			},
		},
		{
			"exit code 255", &Exit{Code: 255}, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "UnexpectedExitCode", Summary: errored,
				Message: "the container ended with exit code 255",
			},
		},
		{
			"a negative exit code", &Exit{Code: -1}, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "UnexpectedExitCode", Summary: errored,
				Message: "the container ended with exit code -1",
			},
		},
		{
			"nobody saw it", nil, nil,
			Outcome{
				State: v1alpha1.PhaseError, Reason: "EvidenceIncomplete", Summary: errored,
				Message: "nobody saw how the container ended",
			},
		},
		{
			"trouble", nil, evicted,
			Outcome{State: v1alpha1.PhaseError, Reason: "Evicted", Message: "the node was short of memory", Summary: errored},
		},
		{
			"trouble, and then exit code 0", &Exit{}, evicted,
			Outcome{State: v1alpha1.PhaseError, Reason: "Evicted", Message: "the node was short of memory", Summary: errored},
		},
		{
			"trouble, and then exit code 1", &Exit{Code: 1, Message: "interrupted"}, evicted,
			Outcome{State: v1alpha1.PhaseError, Reason: "Evicted", Message: "the node was short of memory", Summary: errored},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Judge(Evidence{Exit: tc.exit, Trouble: tc.trouble})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRun holds Run against the rules as they are written, for all runs of up to three phases.
func TestRun(t *testing.T) {
	states := []v1alpha1.PhaseState{
		"", v1alpha1.PhasePending, v1alpha1.PhaseRunning, v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseError,
		v1alpha1.PhaseSkipped, v1alpha1.PhaseNotRun, "OfALaterVersion",
	}
	runs := [][]v1alpha1.PhaseState{{}}
	for last := runs; len(last[0]) < 3; {
		var longer [][]v1alpha1.PhaseState
		for _, run := range last {
			for _, s := range states {
				longer = append(longer, append(slices.Clone(run), s))
			}
		}
		runs, last = append(runs, longer...), longer
	}
	if want := 1 + 9 + 81 + 729; len(runs) != want {
		t.Fatalf("%d runs, want %d", len(runs), want)
	}
	for _, run := range runs {
		n := map[v1alpha1.PhaseState]int{}
		for _, s := range run {
			n[s]++
		}
		var want v1alpha1.Verdict
		switch passed, skipped := n[v1alpha1.PhasePassed], n[v1alpha1.PhaseSkipped]; {
		case n[v1alpha1.PhaseFailed] > 0: // any phase Failed
			want = v1alpha1.VerdictFailed
		case passed+skipped < len(run): // any Error or NotRun, or no outcome at all
			want = v1alpha1.VerdictError
		case passed > 0:
			want = v1alpha1.VerdictPassed
		case skipped > 0:
			want = v1alpha1.VerdictSkipped
		default: // no phases prove nothing
			want = v1alpha1.VerdictError
		}
		if got := Run(run, false); got != want {
			t.Errorf("Run(%q) = %s, want %s", run, got, want)
		}
		if want != v1alpha1.VerdictFailed { // which nothing takes back
			want = v1alpha1.VerdictCancelled
		}
		if got := Run(run, true); got != want {
			t.Errorf("Run(%q), cancelled, = %s, want %s", run, got, want)
		}
	}
}

func TestStops(t *testing.T) {
	for state, want := range map[v1alpha1.PhaseState]bool{
		v1alpha1.PhaseFailed: true, v1alpha1.PhaseError: true, v1alpha1.PhasePassed: false, v1alpha1.PhaseSkipped: false,
		v1alpha1.PhaseNotRun: false,
	} {
		if got := Stops(state); got != want {
			t.Errorf("Stops(%s) = %v, want %v", state, got, want)
		}
	}
}

func TestAdd(t *testing.T) {
	a := v1alpha1.Summary{Total: 10, Passed: 1, Failed: 2, Skipped: 3, Errored: 4}
	want := v1alpha1.Summary{Total: 20, Passed: 2, Failed: 4, Skipped: 6, Errored: 8}
	if diff := cmp.Diff(want, Add(a, a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is taken out of a sum is what was added to it.
func TestSub(t *testing.T) {
	a := v1alpha1.Summary{Total: 10, Passed: 1, Failed: 2, Skipped: 3, Errored: 4}
	b := v1alpha1.Summary{Total: 7, Passed: 4, Failed: 1, Skipped: 2}
	if diff := cmp.Diff(a, Sub(Add(a, b), b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExitInWords(t *testing.T) {
	for want, exit := range map[string]*Exit{
		"an exit code that nobody saw": nil,
		"exit code 0":                  {},
		"exit code 2":                  {Code: 2},
		"exit code 128":                {Code: 128},
		"exit code 137 (signal 9)":     {Code: 137},
		"exit code 192 (signal 64)":    {Code: 192},
		"exit code 193":                {Code: 193},
		"signal 9":                     {Code: 137, Signal: 9},
	} {
		if got := exit.String(); got != want {
			t.Errorf("%+v is %q, want %q", exit, got, want)
		}
	}
}
