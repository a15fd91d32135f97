package verdict

import (
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// Status is what is proven of one test.
type Status string

// The statuses of a test.
const (
	Passed  Status = "Passed"
	Failed  Status = "Failed"
	Skipped Status = "Skipped"
	Error   Status = "Error"
)

// Test is one judged test or subtest.
type Test struct {
	// Name is the full name, subtests with slashes.
	Name string
	// Package is the import path, where the stream names it.
	Package string
	// Status is what is proven of it.
	Status Status
	// Reason says why a test is Error.
	Reason string
	// Elapsed is how long it ran, as the test binary measured it.
	Elapsed time.Duration
	// Output is what it printed.
	Output gotest.Output
	// Attributes are those it set.
	Attributes []gotest.Attribute
	// Constraints are those it evaluated, each with the severity that counts.
	Constraints []gotest.Constraint
	// Artifacts are what it handed over to be kept.
	Artifacts []gotest.Artifact
	// Remediation says how to mend what it found.
	Remediation string
	// SkipKind is what it said about its skip.
	SkipKind gotest.SkipKind
}

// TopLevel says whether the test is no subtest.
func (t Test) TopLevel() bool { return !strings.Contains(t.Name, "/") }

// Outcome is what is proven of a phase.
type Outcome struct {
	// State is the phase's outcome.
	State v1alpha1.PhaseState
	// Reason is one of the API's reasons, empty for Passed.
	Reason string
	// Message says it for people.
	Message string
	// Notes name what disagrees with the outcome, or was left out of account.
	Notes []string
	// Tests are the judged tests, in the order in which they started, those that never started behind.
	Tests []Test
	// Summary counts the top-level tests.
	Summary v1alpha1.Summary
}

// Run is the verdict on a run whose phases have all ended: the first of these that applies. Cancelled says that phases did not come to
// their own end because the attempt was not to go on.
func Run(phases []v1alpha1.PhaseState, cancelled bool) v1alpha1.Verdict {
	has := func(states ...v1alpha1.PhaseState) bool {
		return slices.ContainsFunc(phases, func(s v1alpha1.PhaseState) bool { return slices.Contains(states, s) })
	}
	known := func(s v1alpha1.PhaseState) bool { return s == v1alpha1.PhasePassed || s == v1alpha1.PhaseSkipped }
	switch {
	case has(v1alpha1.PhaseFailed):
		return v1alpha1.VerdictFailed
	case cancelled:
		return v1alpha1.VerdictCancelled
	case len(phases) == 0, slices.ContainsFunc(phases, func(s v1alpha1.PhaseState) bool { return !known(s) }):
		return v1alpha1.VerdictError
	case has(v1alpha1.PhasePassed):
		return v1alpha1.VerdictPassed
	default:
		return v1alpha1.VerdictSkipped
	}
}

// Stops says whether a phase of this state keeps later phases from running, where its onFailure is Stop.
func Stops(state v1alpha1.PhaseState) bool {
	return state == v1alpha1.PhaseFailed || state == v1alpha1.PhaseError
}

// Add sums two summaries.
func Add(a, b v1alpha1.Summary) v1alpha1.Summary {
	return v1alpha1.Summary{
		Total: a.Total + b.Total, Passed: a.Passed + b.Passed, Failed: a.Failed + b.Failed,
		Skipped: a.Skipped + b.Skipped, Errored: a.Errored + b.Errored,
	}
}

// Sub takes a summary out of a sum.
func Sub(a, b v1alpha1.Summary) v1alpha1.Summary {
	return v1alpha1.Summary{
		Total: a.Total - b.Total, Passed: a.Passed - b.Passed, Failed: a.Failed - b.Failed,
		Skipped: a.Skipped - b.Skipped, Errored: a.Errored - b.Errored,
	}
}

// summarize counts top-level tests.
func summarize(tests []Test, beyond gotest.Tally) v1alpha1.Summary {
	sum := v1alpha1.Summary{
		Total:  clamp(beyond.Started),
		Passed: clamp(beyond.Passed), Failed: clamp(beyond.Failed), Skipped: clamp(beyond.Skipped),
		Errored: clamp(beyond.Started - beyond.Passed - beyond.Failed - beyond.Skipped),
	}
	for _, t := range tests {
		if !t.TopLevel() {
			continue
		}
		sum.Total++
		switch t.Status {
		case Passed:
			sum.Passed++
		case Failed:
			sum.Failed++
		case Skipped:
			sum.Skipped++
		case Error:
			sum.Errored++
		}
	}
	return sum
}

func clamp(n int64) int32 { return int32(min(max(n, 0), 1<<30)) }
