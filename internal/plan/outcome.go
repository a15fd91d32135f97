package plan

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
)

// maxFailures is how many failures status names.
const maxFailures = 20

// end records the outcome of the unit.
func (u *unit) end(out judged) {
	status := u.status
	kept := report.NewPhase(u.info(out), out.Outcome, out.pod.Log.Stream)
	kept.Retries = status.Retries
	kept.Flaky = status.Retries > 0 && kept.State == v1alpha1.PhasePassed
	u.keep(kept)
}

// keep has evidence kept, and records the outcome that it holds.
func (u *unit) keep(kept report.Phase) {
	status, as := u.status, u.item()
	if kept.Check = u.check; kept.Node == "" || u.node != "" {
		kept.Node = u.node
	}
	kept = u.vouched(kept)
	u.Keep = append(u.Keep, Keeping{As: as, Phase: kept})
	u.waiting, u.follow, u.shorten = nil, "", nil
	if u.retries(kept) {
		u.again(kept)
		return
	}
	status.State, status.Reason, status.Summary, status.Flaky = kept.State, kept.Reason, kept.Summary, kept.Flaky
	status.Message, status.Running = report.Clip(kept.Message, report.MessageBytes), ""
	status.CompletionTime = u.time()
	if kept.CompletionTime != nil {
		status.CompletionTime = &metav1.Time{Time: *kept.CompletionTime}
	}
	for _, f := range report.Failures([]report.Phase{kept}) {
		if len(u.Status.Failures) < maxFailures {
			f.Node = u.node
			u.Status.Failures = append(u.Status.Failures, f)
		}
	}
}

func (u *unit) info(out judged) report.PhaseInfo {
	status := u.status
	info := report.PhaseInfo{
		Name: status.Name, StartTime: status.StartTime.Time, CompletionTime: u.now,
		Pod: out.pod.Name, Node: out.pod.Node, ImageDigest: out.pod.Validator.ImageDigest, Image: u.image(status.Name), LogGaps: out.pod.Log.Gaps,
	}
	if out.job != nil {
		info.Job = out.job.Name
	}
	if exit := out.pod.Validator.Exit; exit != nil {
		info.ExitCode = &exit.Code
	}
	return info
}

func (s *step) image(phase string) string {
	for i := range s.stages {
		if p := &s.stages[i]; p.Name == phase && p.Validator != nil && p.Validator.Image != nil {
			return *p.Validator.Image
		}
	}
	return s.spec.Validator.Image
}
