package plan

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

const (
	// stopWait bounds how long a deleted or cancelled run waits for its pods to end: the longest that a kubelet is likely to need.
	stopWait = 5 * time.Minute
	// linger is how long a pod may go on after its validator has ended, for containers that were injected beside it.
	linger = 30 * time.Second
	// listPart is the part of startTimeout that the listing of tests may take, which testing's own -test.timeout does not cover: a kubelet
	// that starts many pods at once tells of its end late.
	listPart = 5
	// storeWait bounds how long an attempt waits for its result to be storable.
	storeWait = 2 * time.Minute
	// overdue is how long after its deadline a validator is taken for lost if nobody says how it ended.
	overdue = 2 * time.Minute
	// lookSoon and lookLate bound when to look again whether something outside of the watched objects has healed: soon at first, and the
	// later the longer it lasts.
	lookSoon = 5 * time.Second
	lookLate = 30 * time.Second
	// catchUp is how long a log that has not ended is read before anything is judged by it.
	catchUp = 10 * time.Second
)

// Decide is one step.
func Decide(run *v1alpha1.ValidationRun, seen Observed, now time.Time) Decision {
	s := newStep(run, seen, now)
	switch {
	case !run.DeletionTimestamp.IsZero():
		s.wind()
	case !Renews(run, seen.SpecChanged):
		s.Status.ObservedGeneration = run.Generation
		s.proceed()
	case run.Spec.Cancel:
		s.hold()
	case s.close():
		s.begin()
	}
	return s.Decision
}

// step is one step in the making.
type step struct {
	Decision
	run *v1alpha1.ValidationRun
	// stages are the phases of the current attempt as it goes through them.
	stages []stage
	// spec is the spec of the current attempt, and wish the run's as it is now: of that, how to deal with attempts is heard at once.
	spec, wish *v1alpha1.ValidationRunSpec
	seen       Observed
	now        time.Time
	// waiting is why the current phase does not go on, nil while it does.
	waiting *Block
	// ending is why the attempt is to end before its end, nil where it is not.
	ending *verdict.Trouble
	// held says that the next attempt would start if the run were not cancelled.
	held bool
}

func newStep(run *v1alpha1.ValidationRun, seen Observed, now time.Time) *step {
	s := &step{run: run, seen: seen, now: now, wish: run.Spec.DeepCopy()}
	s.wish.SetDefaults()
	s.spec = s.wish
	if seen.SpecChanged && seen.Spec != nil {
		s.spec = seen.Spec.DeepCopy()
		s.spec.SetDefaults()
	}
	s.Status = *run.Status.DeepCopy()
	s.plot()
	s.Finalizer = true
	return s
}

// proceed takes the current attempt further.
func (s *step) proceed() {
	s.tidy()
	s.advance()
	s.trim()
	s.setConditions()
}

// wind ends a run that is being deleted: its pods first, and only then, with the finalizer, its identity and everything else.
func (s *step) wind() {
	left := 0
	for _, job := range s.seen.Jobs {
		if job.Gone {
			continue
		}
		left++
		if !job.Deleting {
			s.Stop = append(s.Stop, job.Name)
		}
	}
	wait := s.run.DeletionTimestamp.Add(stopWait).Sub(s.now)
	s.Finalizer = left > 0 && wait > 0
	if s.Finalizer {
		s.lookIn(wait)
	}
}

// advance takes the current phase as far as it goes, or completes the attempt.
func (s *step) advance() {
	if s.Status.Verdict != "" {
		s.Finalizer = s.active() > 0
		s.clean()
		return
	}
	s.countSuspension()
	switch {
	case s.current() < 0:
	case s.ending != nil:
		s.each((*unit).interrupt)
	case s.wish.Cancel:
		s.fix()
		s.ending = &verdict.Trouble{Reason: v1alpha1.ReasonCancelled, Message: "the run was cancelled"}
		s.each((*unit).interrupt)
	case s.wish.Suspend:
		s.suspend()
	default:
		s.schedule()
		s.each((*unit).proceed)
	}
	s.schedule()
	if s.current() < 0 {
		// The outcome of the last phase and the result go into the same write of status.
		s.complete()
	}
}

// each takes each phase that is due a step further.
func (s *step) each(on func(*unit)) {
	for i := range s.Status.Phases {
		if s.Status.Phases[i].State != v1alpha1.PhaseRunning {
			continue
		}
		waiting := s.take(i, on)
		if s.waiting == nil && i == s.current() {
			s.waiting = waiting
		}
	}
}

// take takes a phase a step further, and says why it does not go on.
func (s *step) take(i int, on func(*unit)) *Block {
	if s.Status.Phases[i].FanOut != nil || s.stage(s.Status.Phases[i].Name).fans() {
		return s.fan(i, on)
	}
	u := s.unit(i)
	on(u)
	u.collect()
	return u.waiting
}

// current is the first phase that has not ended, -1 for none.
func (s *step) current() int {
	for i := range s.Status.Phases {
		if !s.Status.Phases[i].State.Ended() {
			return i
		}
	}
	return -1
}

// due starts the clock of a phase.
func (s *step) due(i int) {
	s.Status.Phases[i].State = v1alpha1.PhaseRunning
	s.Status.Phases[i].Reason, s.Status.Phases[i].Message = "", ""
	s.Status.Phases[i].StartTime = s.time()
}

// lastEnd is when the last phase ended.
func (s *step) lastEnd() time.Time {
	var last time.Time
	for _, p := range s.Status.Phases {
		if p.CompletionTime != nil && p.CompletionTime.After(last) {
			last = p.CompletionTime.Time
		}
	}
	return last
}

// active is how many Jobs of the run may still have a pod.
func (s *step) active() (n int) {
	for _, job := range s.seen.Jobs {
		if !job.Gone && !job.Finished {
			n++
		}
	}
	return n
}

func (s *step) phaseStatus(name string) *v1alpha1.PhaseStatus {
	i := slices.IndexFunc(s.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Status.Phases[i]
}

// lookIn asks for another look no later than after d.
func (s *step) lookIn(d time.Duration) {
	if s.After == 0 || d < s.After {
		s.After = max(d, time.Nanosecond)
	}
}

// time is now as status holds it: whole seconds.
func (s *step) time() *metav1.Time {
	t := metav1.NewTime(s.now).Rfc3339Copy()
	return &t
}

// ownTime is a kubelet's time of a pod by the operator's clock, as far as the two can be told to differ: no pod starts before its phase is
// due, and what has happened has happened within startTimeout.
func (u *unit) ownTime(pod *Pod, t time.Time) time.Time {
	due := u.status.StartTime
	if due == nil || pod.Started.IsZero() {
		return t
	}
	if behind := due.Sub(pod.Started); behind > 0 {
		t = t.Add(behind)
	}
	if latest := due.Add(u.phase.StartTimeout.Duration); t.After(u.now) && t.After(latest) {
		return latest
	}
	return t
}
