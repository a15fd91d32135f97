// Package verdict judges: from the evidence about one phase it says what is proven of each test and of the phase, and from the
// phases what is proven of the run.
//
// The rules, in the order in which they are asked:
//
//  1. A fail frame is a proven failure. Nothing else that is seen turns it into anything else.
//  2. Passed needs complete positive evidence: every test of the binary's own list (or the expected number of tests) with an end
//     frame of its own, at least one of them passed, the rest permitted to skip, the final PASS, and exit code 0.
//     A test that ran only for the sake of its subtests is missing proof where it had none of those that were selected,
//     and so is an alternative that selected none in any test.
//     A constraint that a test reports as not holding is a failure of that test, unless it is only a warning; one that the recipe
//     states and no test reports is missing proof, and so is a check that could not run.
//  3. Whatever is neither is Error, with the reason that explains most.
//
// The package is pure: values in, values out. It imports the event stream's values and the API's constants, and no client.
package verdict

import "github.com/validation-operator/validation-operator/internal/gotest"

// Evidence is everything that is known about the one run of a phase's validator.
type Evidence struct {
	// Exit is how the validator's container ended, nil where nobody saw that.
	Exit *Exit
	// Trouble is what befell the pod before its validator's end was observed, nil for none.
	Trouble *Trouble
	// GoTest is what the event stream of a goTest phase showed; nil for a container phase.
	GoTest *GoTest
}

// GoTest is the evidence that only a goTest phase has.
type GoTest struct {
	// Stream is what was read of the log.
	Stream gotest.Result
	// Witness is what the termination message showed: the tail of the same stream by another way. It can only add failures.
	Witness gotest.Result
	// LogMissing says what of the log is known to be missing, or why its end is unproven; empty where it was read whole.
	LogMissing string
	// Manifest are the top-level tests that have to end, by the binary's own list; nil where there is no list.
	Manifest []string
	// ListLost says why the binary's list could not be read, empty where it was, or where there is none.
	ListLost string
	// Run is the pattern by which the binary selected its tests, empty for all.
	Run string
	// Listed is how many tests the binary has, before any selection; for messages.
	Listed int
	// ExpectedTests is the number of top-level tests that the spec expects, 0 for any.
	ExpectedTests int
	// All are the top-level tests of the binary's own list before any selection; nil where that is not known apart from Manifest.
	All []string
	// Checks are the checks that the phase names, each of which has to be exactly one test of the list; empty where it names none.
	Checks []string
	// Constraints are those that the recipe states for the phase. Some test has to report each.
	Constraints []WantedConstraint
	// DenySkips says that a skip is missing proof.
	DenySkips bool
}

// Exit is how a container ended.
type Exit struct {
	// Code is the exit code.
	Code int32
	// Signal is the signal that ended it, where the runtime says so.
	Signal int32
	// Reason is the runtime's word, such as Completed, Error, OOMKilled or StartError.
	Reason string
	// Message is the termination message.
	Message string
}

// Trouble is what befell a pod: infrastructure, a timeout, somebody's deletion.
type Trouble struct {
	// Reason is one of the API's reasons.
	Reason string
	// Message says it for people.
	Message string
}
