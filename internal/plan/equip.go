package plan

import (
	"fmt"
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// abandoned is how many Jobs of other runs of a phase may still have a pod: earlier ones, or later ones where status was set back.
func (u *unit) abandoned() (n int) {
	status := u.status
	for _, job := range u.seen.Jobs {
		if u.mine(&job) && job.Item.Restart != status.Restarts && !job.Gone && !job.Finished {
			n++
		}
	}
	return n
}

// equipped says whether the attempt has what its Jobs need: identity and inputs.
func (u *unit) equipped() bool {
	if len(u.Status.Inputs) > 0 {
		return own(u.stage.Name) || u.captured()
	}
	if !u.froze(workload.InputSpec) {
		u.Freeze = true
		u.refused(u.seen.Refused)
		return false
	}
	if u.seen.Missing != "" {
		u.wait(Block{Reason: v1alpha1.ReasonInputMissing, Message: u.seen.Missing})
		return false
	}
	for _, source := range workload.Sources(u.spec) {
		if !u.froze(source.Input) {
			u.Setup = true
			u.refused(u.seen.Refused)
			return false
		}
	}
	u.Status.Inputs = u.seen.Frozen
	return own(u.stage.Name) || u.captured()
}

// captured says whether the snapshot is there, where the attempt takes it itself.
func (u *unit) captured() bool {
	isSnapshot := func(in v1alpha1.Input) bool { return in.Name == workload.InputSnapshot }
	if u.spec.Snapshot == nil || u.spec.Snapshot.Capture == nil || slices.ContainsFunc(u.Status.Inputs, isSnapshot) {
		return true
	}
	if in := u.seen.Captured; in != nil {
		u.Status.Inputs = append(u.Status.Inputs, *in)
		return true
	}
	u.Capture = true
	u.refused(u.seen.CaptureRefused)
	return false
}

func (s *step) froze(input string) bool {
	return slices.ContainsFunc(s.seen.Frozen, func(in v1alpha1.Input) bool { return in.Name == input })
}

// othersLeft waits for the Jobs of other attempts to be gone: of earlier ones, or of later ones where status was set back.
func (u *unit) othersLeft() bool {
	left := 0
	for _, job := range u.seen.Jobs {
		if !job.Gone && job.Item.Attempt != u.Status.Attempt {
			left++
		}
	}
	if left > 0 {
		u.wait(Block{Reason: v1alpha1.ReasonStopping, Message: fmt.Sprintf("stopping Jobs of an earlier attempt (%d left)", left)})
	}
	return left > 0
}
