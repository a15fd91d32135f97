package controller

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

type (
	status     = v1alpha1.ValidationRunStatus
	phaseState = v1alpha1.PhaseStatus
)

func attempt(n int64, phases ...phaseState) *status { return &status{Attempt: n, Phases: phases} }

func verdictOf(s *status, verdict v1alpha1.Verdict, message string) *status {
	s.Verdict, s.Message = verdict, message
	s.Results = []v1alpha1.Result{{ConfigMap: "run-result-1"}}
	return s
}

func unstored(s *status) *status {
	s.Results = nil
	return s
}

func TestTransitions(t *testing.T) {
	const running, passed, failed, notRun = v1alpha1.PhaseRunning, v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseNotRun
	due := phaseState{Name: "a", State: running}
	waits := func(reason, message string) *status {
		return attempt(1, phaseState{Name: "a", State: running, Reason: reason, Message: message})
	}
	tests := []struct {
		name     string
		old, now *status
		want     []string
	}{
		{"nothing", attempt(1, due), attempt(1, due), nil},
		{"the first attempt", attempt(0), attempt(1, due), []string{"Normal AttemptStarted Start: Started attempt 1"}},
		{"an attempt is superseded", attempt(1, phaseState{Name: "a", State: passed, Jobs: []string{"j"}}), attempt(2, due), []string{
			"Warning Superseded Stop: Attempt 1 was superseded before it was complete", "Normal AttemptStarted Start: Started attempt 2",
		}},
		{"an attempt after a complete one", verdictOf(attempt(1), v1alpha1.VerdictPassed, ""), attempt(2),
			[]string{"Normal AttemptStarted Start: Started attempt 2"}},
		{"a Job", attempt(1, due), attempt(1, phaseState{Name: "a", State: running, Jobs: []string{"j"}}),
			[]string{"Normal JobCreated Create: Created Job j for phase a"}},
		{"a second Job", attempt(1, phaseState{Name: "a", State: running, Jobs: []string{"j"}}),
			attempt(1, phaseState{Name: "a", State: running, Jobs: []string{"j", "k"}}), []string{"Normal JobCreated Create: Created Job k for phase a"}},
		{"progress", attempt(1, due), attempt(1, phaseState{Name: "a", State: running, Running: "TestA"}), nil},
		{"starting", attempt(1, due), waits(v1alpha1.ReasonStarting, "starting"), nil},
		{"something amiss", waits(v1alpha1.ReasonStarting, ""), waits(v1alpha1.ReasonUnschedulable, "no node"),
			[]string{"Warning Unschedulable Wait: Phase a waits: no node"}},
		{"the same amiss in other words", waits(v1alpha1.ReasonUnschedulable, "0/3 nodes"), waits(v1alpha1.ReasonUnschedulable, "0/4 nodes"), nil},
		{"healed", waits(v1alpha1.ReasonUnschedulable, ""), attempt(1, due), nil},
		{"a phase passes", attempt(1, due),
			attempt(1, phaseState{Name: "a", State: passed, Message: "3 passed"}, phaseState{Name: "b", State: running}),
			[]string{"Normal PhasePassed Judge: Phase a is Passed: 3 passed"}},
		{"the end", attempt(1, due, phaseState{Name: "b"}), verdictOf(attempt(1,
			phaseState{Name: "a", State: failed, Reason: v1alpha1.ReasonTestsFailed, Message: "TestA"},
			phaseState{Name: "b", State: notRun, Reason: v1alpha1.ReasonEarlierPhase}), v1alpha1.VerdictFailed, "1 failed"), []string{
			"Warning PhaseFailed Judge: Phase a is Failed (TestsFailed): TestA", "Normal PhaseNotRun Judge: Phase b is NotRun (EarlierPhase)",
			"Warning Failed Complete: Attempt 1 is Failed: 1 failed",
		}},
		{"the end of a run that passed", attempt(1), verdictOf(attempt(1), v1alpha1.VerdictPassed, "3 passed"),
			[]string{"Normal Passed Complete: Attempt 1 is Passed: 3 passed"}},
		{"the end of a run that skipped itself", attempt(1), verdictOf(attempt(1), v1alpha1.VerdictSkipped, "x"),
			[]string{"Normal Skipped Complete: Attempt 1 is Skipped: x"}},
		{"the end in error", attempt(1), verdictOf(attempt(1), v1alpha1.VerdictError, "x"), []string{"Warning Error Complete: Attempt 1 is Error: x"}},
		{"the end without a result", attempt(1), unstored(verdictOf(attempt(1), v1alpha1.VerdictPassed, "x")),
			[]string{"Normal Passed Complete: Attempt 1 is Passed: x", "Warning ResultNotStored Store: Attempt 1 has no result: x"}},
		{"cancelled without an attempt", attempt(0), unstored(verdictOf(attempt(0), v1alpha1.VerdictCancelled, "x")),
			[]string{"Normal Cancelled Complete: The run is Cancelled: x"}},
		{"after the end", verdictOf(attempt(1), v1alpha1.VerdictError, "x"), verdictOf(attempt(1), v1alpha1.VerdictError, "x"), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, e := range transitions(test.old, test.now) {
				got = append(got, fmt.Sprintf("%s %s %s: %s", e.kind, e.reason, e.action, e.note))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNotesFitAnEvent(t *testing.T) {
	long := strings.Repeat("ä", 700)
	for _, e := range transitions(attempt(1, phaseState{Name: "a"}), attempt(1, phaseState{Name: "a", State: v1alpha1.PhaseFailed, Message: long})) {
		if len(e.note) > 1024 || !utf8.ValidString(e.note) {
			t.Errorf("a note of %d bytes, valid %v", len(e.note), utf8.ValidString(e.note))
		}
	}
}
