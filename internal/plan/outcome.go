package plan

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// maxFailures is how many failures status names.
const maxFailures = 20

// end records the outcome of a phase, and makes the next one due or not run.
func (s *step) end(i int, out judged) {
	status := &s.Status.Phases[i]
	kept := report.NewPhase(s.info(status, out), out.Outcome, out.pod.Log.Stream)
	kept.Retries = status.Retries
	kept.Flaky = status.Retries > 0 && kept.State == v1alpha1.PhasePassed
	if k := s.seen.Kept; k != nil && k.Name == status.Name {
		kept = *k
	}
	s.Keep, s.KeepAs = &kept, workload.Item{Attempt: s.Status.Attempt, Phase: status.Name, Restart: status.Restarts}
	s.waiting, s.Follow, s.Shorten = nil, "", nil
	if s.retries(i, kept) {
		s.again(i, kept)
		return
	}
	status.State, status.Reason, status.Summary, status.Flaky = kept.State, kept.Reason, kept.Summary, kept.Flaky
	status.Message, status.Running = report.Clip(kept.Message, report.MessageBytes), ""
	status.CompletionTime = s.time()
	if kept.CompletionTime != nil {
		status.CompletionTime = &metav1.Time{Time: *kept.CompletionTime}
	}
	s.Status.Failures = append(s.Status.Failures, report.Failures([]report.Phase{kept})...)
	if len(s.Status.Failures) > maxFailures {
		s.Status.Failures = s.Status.Failures[:maxFailures]
	}
	s.next(i, kept)
}

// next says what the end of a phase means for those behind it.
func (s *step) next(i int, out report.Phase) {
	if s.ending != nil {
		s.notRun(i + 1)
		return
	}
	timeout := out.Reason == v1alpha1.ReasonRunTimeout || s.overtime()
	stop := verdict.Stops(out.State) && s.spec.Phases[i].OnFailure != v1alpha1.Continue
	for j := i + 1; j < len(s.Status.Phases); j++ {
		later := &s.Status.Phases[j]
		switch {
		case timeout:
			later.State, later.Reason = v1alpha1.PhaseNotRun, v1alpha1.ReasonRunTimeout
			later.Message = fmt.Sprintf("the attempt's timeout of %s was over", s.spec.Timeout.Duration)
		case stop:
			later.State, later.Reason = v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase
			later.Message = fmt.Sprintf("phase %s is %s", s.Status.Phases[i].Name, out.State)
		case s.wish.Suspend:
			return
		default:
			s.due(j)
			return
		}
		later.CompletionTime = s.time()
	}
}

func (s *step) info(status *v1alpha1.PhaseStatus, out judged) report.PhaseInfo {
	info := report.PhaseInfo{
		Name: status.Name, StartTime: status.StartTime.Time, CompletionTime: s.now,
		Pod: out.pod.Name, Node: out.pod.Node, ImageDigest: out.pod.Validator.ImageDigest, Image: s.image(status.Name), LogGaps: out.pod.Log.Gaps,
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
	for i := range s.spec.Phases {
		if p := &s.spec.Phases[i]; p.Name == phase && p.Validator != nil && p.Validator.Image != nil {
			return *p.Validator.Image
		}
	}
	return s.spec.Validator.Image
}
