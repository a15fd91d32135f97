package plan

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// retries says whether a phase that came to this outcome is run again.
func (u *unit) retries(out report.Phase) bool {
	spec, status, s := u.phase, u.status, u.step
	return out.State == v1alpha1.PhaseError && s.ending == nil && !s.overtime() && status.Retries < *spec.Retries && s.retryable(spec, out.Reason)
}

// retryable says whether a reason is infrastructure's: what a panic, a hang or a wrong spec came to once it comes to again.
func (s *step) retryable(spec *v1alpha1.Phase, reason string) bool {
	switch reason {
	case v1alpha1.ReasonEvicted, v1alpha1.ReasonPreempted, v1alpha1.ReasonNodeShutdown, v1alpha1.ReasonNodeLost, v1alpha1.ReasonPodDeleted,
		v1alpha1.ReasonPodRejected, v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonUnschedulable, v1alpha1.ReasonPodNotCreated,
		v1alpha1.ReasonContainerNotCreated, v1alpha1.ReasonEvidenceIncomplete:
		return true
	case v1alpha1.ReasonOOMKilled:
		// Without a limit of its own it was the node that had no memory.
		_, limited := workload.Merge(s.spec.Validator, spec.Validator).Resources.Limits["memory"]
		return !limited
	}
	return false
}

// again begins a phase anew, as a retry.
func (u *unit) again(out report.Phase) {
	status := u.status
	status.Restarts++
	status.Retries++
	status.State, status.Reason, status.CompletionTime = v1alpha1.PhaseRunning, out.Reason, nil
	status.Summary, status.Running = v1alpha1.Summary{}, ""
	status.Message = report.Clip(fmt.Sprintf("retry %d of %d, after: %s", status.Retries, *u.phase.Retries, out.Message), report.MessageBytes)
	status.StartTime = u.time()
	u.waiting = &Block{Reason: status.Reason, Message: status.Message}
	if u.wish.Suspend {
		status.State, status.StartTime = v1alpha1.PhasePending, nil
	}
	u.lookIn(lookSoon)
}
