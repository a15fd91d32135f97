package plan

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// Outweighs says whether what is seen now counts against what was kept of the same Job before: a failure that was read outweighs whatever
// else was made of it. Otherwise what was kept is the outcome, since the pod and its log may be gone by now.
func Outweighs(fresh, kept *report.Phase) bool {
	return fresh.State == v1alpha1.PhaseFailed && kept.State != v1alpha1.PhaseFailed
}

// vouched is the evidence that counts: what an earlier step kept, where that is evidence of this run of the unit. What somebody else put
// in its place proves nothing, and only a failure that was read now stands beside it.
func (u *unit) vouched(fresh report.Phase) report.Phase {
	kept := u.seen.Kept[u.item()]
	if kept == nil {
		return fresh
	}
	why := u.foreign(kept)
	good := kept.State == v1alpha1.PhasePassed || kept.State == v1alpha1.PhaseSkipped
	switch outweighed := Outweighs(&fresh, kept); {
	case why == "" && good && (outweighed || u.evaluates()) && fresh.State != kept.State:
		why = fmt.Sprintf("it is %s, and what is seen is %s", kept.State, fresh.State)
	case why == "" && outweighed:
		return fresh
	case why == "":
		return *kept
	}
	text := fmt.Sprintf("ConfigMap %s has not the evidence that the operator kept: %s; delete it, and request a rerun",
		workload.EvidenceName(u.run, u.item()), why)
	if fresh.State == v1alpha1.PhaseFailed {
		fresh.Notes = append(fresh.Notes, text)
		return fresh
	}
	fresh.State, fresh.Reason, fresh.Message, fresh.Flaky = v1alpha1.PhaseError, v1alpha1.ReasonEvidenceIncomplete, text, false
	return fresh
}

// reasonBytes bounds a reason in status.
const reasonBytes = 32

// foreign says why what was kept is no evidence of this run of the unit, empty where it is.
func (u *unit) foreign(kept *report.Phase) string {
	item := u.item()
	unlisted := item
	unlisted.Unlisted = true
	is, want := key{kept.Check, ""}, key{u.check, ""}
	if u.node != "" {
		is.node, want.node = kept.Node, u.node
	}
	switch {
	case kept.Name != u.status.Name || is != want:
		return fmt.Sprintf("it is of phase %s %s", kept.Name, is)
	case kept.Job != "" && kept.Job != workload.JobName(u.run, item) && kept.Job != workload.JobName(u.run, unlisted):
		return fmt.Sprintf("it is of Job %s", kept.Job)
	case kept.Job == "" && kept.State != v1alpha1.PhaseError && !u.evaluates():
		return fmt.Sprintf("it is %s without a Job", kept.State)
	case len(kept.Reason) > reasonBytes:
		return "its reason is none"
	}
	return u.unproven(kept)
}

// unproven says how an outcome that was kept contradicts itself, empty where it does not.
func (u *unit) unproven(kept *report.Phase) string {
	sum := kept.Summary
	switch kept.State {
	case v1alpha1.PhaseFailed, v1alpha1.PhaseError:
		return ""
	case v1alpha1.PhasePassed, v1alpha1.PhaseSkipped:
		if sum.Failed != 0 || sum.Errored != 0 {
			return fmt.Sprintf("it is %s, with %d failed and %d in error", kept.State, sum.Failed, sum.Errored)
		}
		for i := range kept.Tests {
			if t := &kept.Tests[i]; t.Status == verdict.Failed {
				return fmt.Sprintf("it is %s, and %.80s failed", kept.State, t.Name)
			}
		}
		if kept.State == v1alpha1.PhasePassed && sum.Passed <= 0 && u.ask() == nil {
			return "it is Passed, and nothing in it passed"
		}
		return ""
	case v1alpha1.PhasePending, v1alpha1.PhaseRunning, v1alpha1.PhaseNotRun:
	}
	return fmt.Sprintf("it is %.20q", string(kept.State))
}
