package plan

import (
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// interrupt ends the attempt before its end: the current phase is judged by what is known of it, where its validator has started, and
// later ones do not run. A validator that has ended by itself is judged as ever.
func (s *step) interrupt(i int) {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	job := s.latest(spec.Name)
	if job != nil {
		status.Jobs = addName(status.Jobs, job.Name)
	}
	if status.State == v1alpha1.PhasePending || !started(job) {
		s.notRun(i)
		return
	}
	if !s.settle(i, job) && !s.unread(spec, job) {
		s.end(i, s.judge(spec, job, s.ending))
	}
}

// settle takes a phase whose validator has ended, or whose Job has two pods, to its judgement as ever, and says whether it is one.
func (s *step) settle(i int, job *Job) bool {
	spec := &s.spec.Phases[i]
	pod := job.first()
	switch {
	case len(job.Pods) > 1:
		s.watch(i, job)
	case pod.Validator.Exit == nil:
		return false
	case s.overtime() && !s.unread(spec, job):
		s.end(i, s.judge(spec, job, pod.Trouble))
	case s.endless(spec, job, pod):
		return false
	default:
		s.pod(i, job, pod)
	}
	return true
}

// endless says that the log of a validator that has ended has been read for long, and not to its end: an attempt that is to stop does not
// wait for it any longer.
func (s *step) endless(spec *v1alpha1.Phase, job *Job, pod *Pod) bool {
	if spec.GoTest == nil || pod.Gone || pod.Log.Since.IsZero() || pod.Log.Ended && pod.listed(workload.Lists(spec, job.Item)) {
		return false
	}
	from := pod.Log.Since
	if f := pod.Validator.Finished; f.After(from) && !f.After(s.now) {
		from = pod.Validator.Finished
	}
	return !s.now.Before(from.Add(overdue))
}

// started says whether the Job's validator has.
func started(job *Job) bool {
	if job == nil || len(job.Pods) == 0 {
		return false
	}
	pod := job.first()
	return len(job.Pods) > 1 || !pod.Validator.Started.IsZero() || pod.Validator.Exit != nil
}

// notRun leaves a phase and those behind it without a run.
func (s *step) notRun(i int) {
	for ; i < len(s.Status.Phases); i++ {
		p := &s.Status.Phases[i]
		p.State, p.Reason, p.Message = v1alpha1.PhaseNotRun, s.ending.Reason, s.ending.Message
		p.Summary, p.Running, p.CompletionTime = v1alpha1.Summary{}, "", s.time()
	}
}

// suspend has nothing new start, and stops what runs. A failure that was read stands; otherwise the phase is begun anew later.
func (s *step) suspend(i int) {
	status := &s.Status.Phases[i]
	s.fix()
	if status.State == v1alpha1.PhaseRunning {
		if !s.shelved(i) {
			return
		}
		status.State, status.Reason, status.Message, status.StartTime = v1alpha1.PhasePending, "", "", nil
		status.Summary, status.Running = v1alpha1.Summary{}, ""
		status.Restarts++
	}
	s.rest()
}

// fix freezes the spec of an attempt that does not come to it by itself, so that an edit of what says how to deal with the attempt can be
// told from one of what it validates.
func (s *step) fix() {
	if len(s.Status.Inputs) == 0 && !s.seen.SpecChanged && !s.froze(workload.InputSpec) {
		s.Freeze = s.seen.Refused == nil
		s.lookIn(lookLate)
	}
}

// rest is being suspended, once nothing runs any more.
func (s *step) rest() {
	left := s.active() > 0
	// One that came with a refused request stays: to take it away and put it back at each look would be writes without end.
	s.Finalizer = left || s.seen.Refused != nil
	s.waiting = &Block{Reason: v1alpha1.ReasonSuspended, Message: "the run is suspended"}
	if left {
		s.waiting = &Block{Reason: v1alpha1.ReasonStopping, Message: "stopping what runs, to suspend it"}
	}
}

// shelved says whether a running phase can be put off.
func (s *step) shelved(i int) bool {
	spec, status := &s.spec.Phases[i], &s.Status.Phases[i]
	job := s.latest(spec.Name)
	if !started(job) {
		return true
	}
	status.Jobs = addName(status.Jobs, job.Name)
	if s.settle(i, job) || s.unread(spec, job) {
		return false
	}
	out := s.judge(spec, job, &verdict.Trouble{Reason: v1alpha1.ReasonSuspended, Message: "the run was suspended"})
	if out.State != v1alpha1.PhaseFailed {
		return true
	}
	s.end(i, out)
	return false
}

// countSuspension minds the time that the attempt spends suspended.
func (s *step) countSuspension() {
	switch {
	case !s.wish.Suspend:
		s.endSuspension()
	case s.Status.SuspendedSince == nil:
		s.Status.SuspendedSince = s.time()
	}
}

func (s *step) endSuspension() {
	if since := s.Status.SuspendedSince; since != nil {
		s.Status.SuspendedSeconds += int64(max(s.now.Sub(since.Time), 0) / time.Second)
		s.Status.SuspendedSince = nil
	}
}
