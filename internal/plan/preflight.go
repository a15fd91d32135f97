package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// legit says whether the preflight can go on: whether the recipe is one, and whether every phase can be run as it is.
func (u *unit) legit() bool {
	switch why := u.mistake(); {
	case u.seen.InvalidRecipe != "":
		u.refuse(v1alpha1.ReasonInvalidRecipe, "the recipe is not valid: "+u.seen.InvalidRecipe)
	case u.spec.Recipe != nil && u.seen.Recipe == nil:
		u.refuse(v1alpha1.ReasonInputMissing, "the frozen recipe is gone: request a rerun")
	case u.seen.InvalidSnapshot != "":
		u.refuse(v1alpha1.ReasonInvalidRecipe, "the snapshot is not valid: "+u.seen.InvalidSnapshot)
	case why != "":
		u.refuse(v1alpha1.ReasonInvalidSpec, why)
	default:
		return true
	}
	return false
}

// mistake is what spec and recipe together cannot mean, empty for nothing.
func (u *unit) mistake() string {
	for i := range u.stages {
		st := &u.stages[i]
		if st.invalid != "" {
			return st.invalid
		}
		if len(st.constraints) > 0 && u.spec.Snapshot == nil {
			return fmt.Sprintf("the recipe has constraints to be held against a snapshot (%d), and the run has none: "+
				"set spec.snapshot.capture, or spec.snapshot.configMap", len(st.constraints))
		}
	}
	if !slices.ContainsFunc(u.stages, func(st stage) bool { return !own(st.Name) }) {
		return "the recipe's validation section names no checks and it has no constraints, and the run has no phases: there is nothing to validate"
	}
	return ""
}

// ask is the test binary that the unit asks for its checks, nil where it does something else.
func (u *unit) ask() *ask {
	for i := range u.stage.asks {
		if u.stage.asks[i].name == u.check {
			return &u.stage.asks[i]
		}
	}
	return nil
}

// answer judges a binary's list of tests by the checks that are named.
func (a *ask) answer(tests []string) verdict.Outcome {
	_, trouble := verdict.MatchChecks(a.checks, tests)
	if trouble == nil {
		return verdict.Outcome{State: v1alpha1.PhasePassed}
	}
	return verdict.Outcome{
		State: v1alpha1.PhaseError, Reason: trouble.Reason,
		Message: fmt.Sprintf("phase %s (%s): %s", strings.Join(a.phases, ", "), a.binary.GoTest.Command[0], trouble.Message),
	}
}

// answered is what a test binary's answer comes to.
func (u *unit) answered(a *ask, pod *Pod) verdict.Outcome {
	switch {
	case pod.Listing.Failed != "":
		return verdict.Outcome{State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonListFailed, Message: whyUnlistable(u.phase, pod)}
	case !pod.Listing.Read:
		return verdict.Outcome{
			State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonEvidenceIncomplete,
			Message: fmt.Sprintf("the list of tests of pod %s could not be read: %s", pod.Name, pod.Listing.lost()),
		}
	}
	return a.answer(pod.Listing.Tests)
}
