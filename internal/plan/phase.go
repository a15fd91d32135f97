package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// phase takes the phase that is due one step further.
func (s *step) phase(i int) {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	item := workload.Item{Attempt: s.Status.Attempt, Phase: spec.Name, Restart: status.Restarts}
	job := s.latest(spec.Name)
	if job != nil && spec.GoTest != nil && spec.GoTest.ExpectedTests != nil && s.unlistable(spec, job) {
		status.Jobs = addName(status.Jobs, job.Name)
		item.Unlisted = true
		job = nil
	}
	if trouble, over := s.runTimeout(); over {
		if status.Reason != "" && (job == nil || len(job.Pods) == 0 || job.first().Validator.Started.IsZero()) {
			trouble.Message += fmt.Sprintf("; it was waiting: %s: %s", status.Reason, status.Message)
		}
		if !s.unread(spec, job) {
			s.end(i, s.judge(spec, job, s.unlessEnded(job, trouble)))
		}
		return
	}
	if !s.equipped(i) {
		return
	}
	if job == nil {
		if left := s.abandoned(i); left > 0 {
			s.wait(i, Block{Reason: v1alpha1.ReasonStopping, Message: fmt.Sprintf("stopping an earlier Job of the phase (%d left)", left)})
			return
		}
		if s.othersLeft(i) {
			return
		}
		s.Create = &item
		s.refused(i)
		return
	}
	status.Jobs = addName(status.Jobs, job.Name)
	s.stopLister(job)
	s.watch(i, job)
}

// stopLister stops the Job that could not list the tests, once the one that does without the list is there.
func (s *step) stopLister(job *Job) {
	if !job.Item.Unlisted {
		return
	}
	item := job.Item
	item.Unlisted = false
	lister := s.job(item)
	ended := func(p Pod) bool { return p.Ended }
	if lister != nil && !lister.Gone && !lister.Deleting && !lister.Finished && !slices.ContainsFunc(lister.Pods, ended) {
		s.Stop = append(s.Stop, lister.Name)
	}
}

// abandoned is how many Jobs of other runs of a phase may still have a pod: earlier ones, or later ones where status was set back.
func (s *step) abandoned(i int) (n int) {
	status := &s.Status.Phases[i]
	for _, job := range s.seen.Jobs {
		if job.Item.Attempt == s.Status.Attempt && job.Item.Phase == status.Name && job.Item.Restart != status.Restarts && !job.Gone && !job.Finished {
			n++
		}
	}
	return n
}

// equipped says whether the attempt has what its Jobs need: identity and inputs.
func (s *step) equipped(i int) bool {
	if len(s.Status.Inputs) > 0 {
		return true
	}
	if !s.froze(workload.InputSpec) {
		s.Freeze = true
		s.refused(i)
		return false
	}
	if s.seen.Missing != "" {
		s.wait(i, Block{Reason: v1alpha1.ReasonInputMissing, Message: s.seen.Missing})
		return false
	}
	for _, source := range workload.Sources(s.spec) {
		if !s.froze(source.Input) {
			s.Setup = true
			s.refused(i)
			return false
		}
	}
	s.Status.Inputs = s.seen.Frozen
	return true
}

func (s *step) froze(input string) bool {
	return slices.ContainsFunc(s.seen.Frozen, func(in v1alpha1.Input) bool { return in.Name == input })
}

// othersLeft waits for the Jobs of other attempts to be gone: of earlier ones, or of later ones where status was set back.
func (s *step) othersLeft(i int) bool {
	left := 0
	for _, job := range s.seen.Jobs {
		if !job.Gone && job.Item.Attempt != s.Status.Attempt {
			left++
		}
	}
	if left > 0 {
		s.wait(i, Block{Reason: v1alpha1.ReasonStopping, Message: fmt.Sprintf("stopping Jobs of an earlier attempt (%d left)", left)})
	}
	return left > 0
}

// refused takes into account that the API server did not take what this step asks for.
func (s *step) refused(i int) {
	block := s.seen.Refused
	if block == nil {
		block = &Block{Reason: v1alpha1.ReasonStarting, Message: "creating the Job"}
		if last := s.Status.Phases[i]; last.Reason != "" {
			// What it has waited for until now is why it comes too late, if it does.
			block = &Block{Reason: last.Reason, Message: last.Message}
		}
		s.wait(i, *block)
		return
	}
	s.Freeze, s.Setup, s.Create = false, false, nil
	s.wait(i, *block)
}

// wait leaves the phase where it is, for a reason, until its startTimeout.
func (s *step) wait(i int, block Block) {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	left := status.StartTime.Add(spec.StartTimeout.Duration).Sub(s.now)
	if !block.Final && left > 0 {
		status.Reason, status.Message = block.Reason, report.Clip(block.Message, report.MessageBytes)
		s.waiting = &block
		s.lookIn(left)
		s.lookIn(min(max(s.now.Sub(status.StartTime.Time)/4, lookSoon), lookLate))
		return
	}
	trouble := &verdict.Trouble{Reason: block.Reason, Message: block.Message}
	if !block.Final {
		if block.Reason == v1alpha1.ReasonStarting || block.Reason == v1alpha1.ReasonStopping {
			trouble.Reason = v1alpha1.ReasonStartTimeout
		}
		trouble.Message = fmt.Sprintf("the validator did not start within startTimeout of %s: %s", spec.StartTimeout.Duration, block.Message)
	}
	s.Freeze, s.Setup, s.Create, s.waiting = false, false, nil, nil
	job := s.latest(spec.Name)
	s.end(i, s.judge(spec, job, trouble))
}

// watch takes the phase's Job from its creation to its judgement.
func (s *step) watch(i int, job *Job) {
	spec := &s.spec.Phases[i]
	switch {
	case len(job.Pods) > 1 && s.unread(spec, job):
	case len(job.Pods) > 1:
		s.end(i, s.judge(spec, job, &verdict.Trouble{
			Reason: v1alpha1.ReasonPodReplaced, Message: fmt.Sprintf("Job %s has %d pods", job.Name, len(job.Pods)),
		}))
	case len(job.Pods) == 1:
		s.pod(i, job, &job.Pods[0])
	case job.Gone || job.Deleting:
		s.end(i, s.judge(spec, job, jobDeleted(job)))
	case job.Finished:
		s.end(i, s.judge(spec, job, &verdict.Trouble{
			Reason: v1alpha1.ReasonPodDeleted, Message: fmt.Sprintf("Job %s ended without a pod: it was deleted", job.Name),
		}))
	case job.Blocked != nil:
		s.wait(i, *job.Blocked)
	default:
		s.wait(i, Block{Reason: v1alpha1.ReasonStarting, Message: "waiting for the pod"})
	}
}

func jobDeleted(job *Job) *verdict.Trouble {
	return &verdict.Trouble{Reason: v1alpha1.ReasonJobDeleted, Message: fmt.Sprintf("Job %s was deleted", job.Name)}
}

// pod takes the one pod of the phase's Job to its judgement.
func (s *step) pod(i int, job *Job, pod *Pod) {
	spec := &s.spec.Phases[i]
	if spec.GoTest != nil && (pod.Validator.Running() || pod.Validator.Exit != nil) {
		s.Follow = pod.UID
	}
	trouble := pod.Trouble
	switch {
	case trouble != nil && trouble.Reason == v1alpha1.ReasonPodDeleted && (job.Gone || job.Deleting):
		trouble = jobDeleted(job)
	case trouble != nil || pod.Validator.Exit != nil:
	case job.Gone || job.Deleting:
		trouble = jobDeleted(job)
	case pod.Gone:
		trouble = &verdict.Trouble{Reason: v1alpha1.ReasonPodDeleted, Message: fmt.Sprintf("pod %s is gone, and nobody saw how it ended", pod.Name)}
	}
	switch {
	case pod.Validator.Exit != nil, pod.Gone, pod.Ended && trouble != nil:
		s.harvest(i, job, pod, trouble)
	case pod.Validator.Running():
		s.running(i, job, pod, trouble)
	case trouble != nil:
		s.end(i, s.judge(spec, job, trouble))
	case s.unlistable(spec, job):
		s.end(i, s.judge(spec, job, &verdict.Trouble{Reason: v1alpha1.ReasonListFailed, Message: whyUnlistable(spec, pod)}))
	case pod.List.Running():
		s.wait(i, Block{Reason: v1alpha1.ReasonStarting, Message: "listing the tests"})
		s.lookIn(s.ownTime(spec, pod, pod.List.Started).Add(listTimeout(spec)).Sub(s.now))
	case pod.Blocked != nil:
		s.wait(i, *pod.Blocked)
	default:
		s.wait(i, Block{Reason: v1alpha1.ReasonStarting, Message: "starting pod " + pod.Name})
	}
}

// running shows the progress of a running validator, and minds its deadline.
func (s *step) running(i int, job *Job, pod *Pod, trouble *verdict.Trouble) {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	status.Reason, status.Message = "", ""
	s.progress(spec, status, pod)
	deadline := workload.RunningDeadline(spec, pod.Validator.Started.Sub(pod.Started))
	if pod.Deadline == 0 || pod.Deadline > deadline {
		s.Shorten = &Shorten{Pod: pod.Name, UID: pod.UID, Seconds: deadline}
	}
	left := s.ownTime(spec, pod, pod.Validator.Started).Add(workload.Deadline(spec) + overdue).Sub(s.now)
	if left > 0 {
		s.lookIn(left)
		return
	}
	if s.unread(spec, job) {
		return
	}
	if trouble == nil {
		trouble = &verdict.Trouble{
			Reason:  v1alpha1.ReasonDeadlineExceeded,
			Message: fmt.Sprintf("the validator did not end within its timeout of %s, and nobody said how it ended", spec.Timeout.Duration),
		}
	}
	s.end(i, s.judge(spec, job, trouble))
}

// progress counts what the stream says so far.
func (s *step) progress(spec *v1alpha1.Phase, status *v1alpha1.PhaseStatus, pod *Pod) {
	if spec.GoTest == nil {
		return
	}
	p := pod.Log.Progress
	total := p.Ended
	if names, _, err := selected(spec.GoTest, pod.Listing); err == nil && names != nil {
		total = len(names)
	} else if spec.GoTest.ExpectedTests != nil {
		total = int(*spec.GoTest.ExpectedTests)
	}
	status.Summary = v1alpha1.Summary{
		Total: int32(max(total, p.Ended)), Passed: int32(max(p.Ended-p.Failed-p.Skipped, 0)), Failed: int32(p.Failed), Skipped: int32(p.Skipped),
	}
	status.Running = report.Clip(p.Running, report.NameBytes)
}

// harvest judges a validator that has ended, once its log is read.
func (s *step) harvest(i int, job *Job, pod *Pod, trouble *verdict.Trouble) {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	started := !pod.Validator.Started.IsZero() && !pod.Validator.StartFailed
	read := pod.Log.Ended && pod.listed(workload.Lists(spec, job.Item))
	if spec.GoTest != nil && started && !read && !pod.Gone {
		s.progress(spec, status, pod)
		s.waiting = &Block{Reason: v1alpha1.ReasonRunning, Message: "reading the log to its end"}
		s.lookIn(overdue)
		return
	}
	s.end(i, s.judge(spec, job, trouble))
}

// unlistable says that the Job's pod cannot say which tests there are.
func (s *step) unlistable(spec *v1alpha1.Phase, job *Job) bool {
	if len(job.Pods) != 1 || job.Pods[0].Trouble != nil {
		return false
	}
	pod := &job.Pods[0]
	if !pod.Validator.Started.IsZero() || pod.Validator.Exit != nil {
		return false
	}
	return pod.Listing.Failed != "" || pod.List.Running() && !s.now.Before(s.ownTime(spec, pod, pod.List.Started).Add(listTimeout(spec)))
}

func whyUnlistable(spec *v1alpha1.Phase, pod *Pod) string {
	why := pod.Listing.Failed
	if why == "" {
		why = fmt.Sprintf("it did not end within %s", listTimeout(spec))
	}
	return "the test binary cannot list its tests: " + why + "; set expectedTests to run it without the list"
}

func listTimeout(spec *v1alpha1.Phase) time.Duration { return spec.StartTimeout.Duration / listPart }

// job is the Job of an item, nil where there is none yet.
func (s *step) job(item workload.Item) *Job {
	for j := range s.seen.Jobs {
		if s.seen.Jobs[j].Item == item {
			return &s.seen.Jobs[j]
		}
	}
	return nil
}

// latest is the Job that counts for a phase of this attempt, nil where there is none yet.
func (s *step) latest(phase string) *Job {
	item := workload.Item{Attempt: s.Status.Attempt, Phase: phase, Restart: s.phaseStatus(phase).Restarts}
	listed := s.job(item)
	item.Unlisted = true
	if job := s.job(item); job != nil {
		return job
	}
	return listed
}

func addName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	names = append(names, name)
	return names[max(0, len(names)-maxJobs):]
}

// maxJobs is how many Jobs of a phase status names.
const maxJobs = 16
