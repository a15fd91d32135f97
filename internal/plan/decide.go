package plan

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

const (
	// stopWait bounds how long a deleted run is kept for its pods to end: the longest that a kubelet is likely to need.
	stopWait = 5 * time.Minute
	// linger is how long a pod may go on after its validator has ended, for containers that were injected beside it.
	linger = 30 * time.Second
	// listTimeout bounds the listing of tests, which testing's own -test.timeout does not cover.
	listTimeout = time.Minute
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
	spec := run.Spec.DeepCopy()
	spec.SetDefaults()
	s := &step{run: run, spec: spec, seen: seen, now: now}
	s.Status = *run.Status.DeepCopy()
	s.Finalizer = true
	switch {
	case !run.DeletionTimestamp.IsZero():
		s.wind()
	case s.Status.Attempt == 0 || seen.SpecChanged || !s.fits():
		s.begin()
	default:
		s.Status.ObservedGeneration = run.Generation
		s.tidy()
		s.advance()
		s.setConditions()
	}
	return s.Decision
}

// step is one step in the making.
type step struct {
	Decision
	run  *v1alpha1.ValidationRun
	spec *v1alpha1.ValidationRunSpec
	seen Observed
	now  time.Time
	// waiting is why the current phase does not go on, nil while it does.
	waiting *Block
}

// fits says whether status is about the phases of the spec. It always is, unless somebody else has written it.
func (s *step) fits() bool {
	return slices.EqualFunc(s.Status.Phases, s.spec.Phases, func(status v1alpha1.PhaseStatus, spec v1alpha1.Phase) bool {
		return status.Name == spec.Name
	}) && s.Status.StartTime != nil
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

// begin starts the next attempt: status forgets the last one, and the first phase is due.
func (s *step) begin() {
	number := max(s.Status.Attempt, s.seen.HighestAttempt) + 1
	conditions := s.Status.Conditions
	s.Status = v1alpha1.ValidationRunStatus{
		ObservedGeneration: s.run.Generation,
		Attempt:            number,
		StartTime:          s.time(),
		Conditions:         conditions,
	}
	for _, p := range s.spec.Phases {
		s.Status.Phases = append(s.Status.Phases, v1alpha1.PhaseStatus{Name: p.Name, State: v1alpha1.PhasePending})
	}
	s.due(0)
	s.setConditions()
}

// advance takes the current phase as far as it goes, or completes the attempt.
func (s *step) advance() {
	if s.Status.Verdict != "" {
		s.Finalizer = s.active()
		return
	}
	i := s.current()
	if i < 0 {
		s.complete()
		return
	}
	if s.Status.Phases[i].State == v1alpha1.PhasePending {
		s.due(i)
	}
	s.phase(i)
	if s.current() < 0 {
		// The outcome of the last phase and the result go into the same write of status.
		s.complete()
	}
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
	s.Status.Phases[i].StartTime = s.time()
}

// complete says the verdict, once the result that it announces is stored. What keeps the result from being stored is waited for a
// little: quotas are raised, and what is in the way of its name may be about to go.
func (s *step) complete() {
	refused := s.seen.StoreRefused
	s.Store = s.seen.Stored == nil && refused == nil
	if refused != nil && !refused.Final {
		if left := s.lastEnd().Add(storeWait).Sub(s.now); left > 0 {
			s.waiting = &Block{Reason: refused.Reason, Message: "the result cannot be stored for now: " + refused.Message}
			s.lookIn(min(left, lookSoon))
			return
		}
	}
	states := make([]v1alpha1.PhaseState, 0, len(s.Status.Phases))
	for _, p := range s.Status.Phases {
		states = append(states, p.State)
	}
	s.Status.Verdict = verdict.Run(states)
	s.Status.CompletionTime = s.time()
	s.Status.Results = s.seen.Stored
	s.Finalizer = s.active()
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

// active says whether any Job of the run may still have a pod.
func (s *step) active() bool {
	for _, job := range s.seen.Jobs {
		if !job.Gone && !job.Finished {
			return true
		}
	}
	return false
}

// tidy stops Jobs whose outcome does not count any more: those of earlier attempts, and those of phases that status holds the outcome of.
func (s *step) tidy() {
	for _, job := range s.seen.Jobs {
		if job.Gone || job.Deleting {
			continue
		}
		if job.Item.Attempt < s.Status.Attempt {
			s.Stop = append(s.Stop, job.Name)
			continue
		}
		p := s.phaseStatus(job.Item.Phase)
		if p == nil || !p.State.Ended() || job.Finished {
			continue
		}
		if wait := p.CompletionTime.Add(linger).Sub(s.now); job.validatorEnded() && wait > 0 {
			s.lookIn(wait)
			continue
		}
		s.Stop = append(s.Stop, job.Name)
	}
}

func (j Job) validatorEnded() bool {
	return len(j.Pods) > 0 && j.Pods[0].Validator.Exit != nil
}

func (s *step) phaseStatus(name string) *v1alpha1.PhaseStatus {
	for i := range s.Status.Phases {
		if s.Status.Phases[i].Name == name {
			return &s.Status.Phases[i]
		}
	}
	return nil
}

// earlier are the Jobs of earlier attempts that are still there.
func (s *step) earlier() (names []string) {
	for _, job := range s.seen.Jobs {
		if !job.Gone && job.Item.Attempt < s.Status.Attempt {
			names = append(names, job.Name)
		}
	}
	return names
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

// limit is when the attempt's timeout is over.
func (s *step) limit() time.Time { return s.Status.StartTime.Add(s.spec.Timeout.Duration) }

// runTimeout is what befell a phase that the attempt's timeout ended.
func (s *step) runTimeout() (*verdict.Trouble, bool) {
	left := s.limit().Sub(s.now)
	if left > 0 {
		s.lookIn(left)
		return nil, false
	}
	return &verdict.Trouble{
		Reason:  v1alpha1.ReasonRunTimeout,
		Message: fmt.Sprintf("the attempt did not end within its timeout of %s", s.spec.Timeout.Duration),
	}, true
}
