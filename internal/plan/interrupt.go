package plan

import (
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// interrupt ends the attempt before its end: the current phase is judged by what is known of it, where its validator has started, and
// later ones do not run. A validator that has ended by itself is judged as ever.
func (u *unit) interrupt() {
	job := u.latest()
	if job != nil {
		u.status.Jobs = addName(u.status.Jobs, job.Name)
	}
	if !started(job) {
		u.notRun(Block{Reason: u.ending.Reason, Message: u.ending.Message})
		return
	}
	if !u.settle(job) && !u.unread(job) {
		u.end(u.judge(job, u.ending))
	}
}

// notRun leaves the unit without an outcome of its own.
func (u *unit) notRun(why Block) {
	p := u.status
	p.State, p.Reason, p.Message = v1alpha1.PhaseNotRun, why.Reason, why.Message
	p.Summary, p.Running, p.CompletionTime = v1alpha1.Summary{}, "", u.time()
}

// settle takes a phase whose validator has ended, or whose Job has two pods, to its judgement as ever, and says whether it is one.
func (u *unit) settle(job *Job) bool {
	pod := job.first()
	switch {
	case len(job.Pods) > 1:
		u.watch(job)
	case pod.Validator.Exit == nil:
		return false
	case u.overtime() && !u.unread(job):
		u.end(u.judge(job, pod.Trouble))
	case u.endless(job, pod):
		return false
	default:
		u.pod(job, pod)
	}
	return true
}

// endless says that the log of a validator that has ended has been read for long and not to its end, or cannot be read at all: an attempt that
// is to stop does not wait for it any longer.
func (u *unit) endless(job *Job, pod *Pod) bool {
	spec, from := u.phase, pod.Log.Since
	switch {
	case spec.GoTest == nil || pod.Gone || pod.Log.Ended && pod.listed(workload.Lists(spec, job.Item)):
		return false
	case from.IsZero():
		return !pod.Log.Sought.IsZero() && !u.now.Before(u.hopeless(pod.Log.Sought))
	}
	if f := pod.Validator.Finished; f.After(from) && !f.After(u.now) {
		from = pod.Validator.Finished
	}
	return !u.now.Before(from.Add(overdue))
}

// started says whether the Job's validator has.
func started(job *Job) bool {
	if job == nil || len(job.Pods) == 0 {
		return false
	}
	pod := job.first()
	return len(job.Pods) > 1 || !pod.Validator.Started.IsZero() || pod.Validator.Exit != nil
}

// suspend has nothing new start, and stops what runs. A failure that was read stands; otherwise the phase is begun anew later.
func (s *step) suspend() {
	s.fix()
	before := s.running()
	s.each((*unit).shelve)
	if left := s.running(); left == 0 && (before == 0 || len(s.Keep) == 0) {
		s.rest()
	}
}

// shelve puts the unit off, unless it has to be judged first.
func (u *unit) shelve() {
	if !u.shelved() {
		return
	}
	p := u.status
	p.State, p.Reason, p.Message, p.StartTime = v1alpha1.PhasePending, "", "", nil
	p.Summary, p.Running = v1alpha1.Summary{}, ""
	p.Restarts++
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
func (u *unit) shelved() bool {
	job := u.latest()
	if !started(job) {
		return true
	}
	u.status.Jobs = addName(u.status.Jobs, job.Name)
	if u.settle(job) || u.unread(job) {
		return false
	}
	out := u.judge(job, &verdict.Trouble{Reason: v1alpha1.ReasonSuspended, Message: "the run was suspended"})
	if out.State != v1alpha1.PhaseFailed {
		return true
	}
	u.end(out)
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
