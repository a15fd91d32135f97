package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// Renews says whether the run asks for another attempt than the one that its status is about.
func Renews(run *v1alpha1.ValidationRun, specChanged bool) bool {
	if run.Status.Attempt == 0 || specChanged || !fits(run) {
		return true
	}
	rerun := rerunOf(run)
	return rerun != "" && rerun != run.Status.LastHandledRerun
}

// rerunBytes is how long a value of the annotation may be to be kept as it is.
const rerunBytes = 128

// rerunOf is the value of the annotation that asks for a rerun, or its digest where it is long: an annotation may be, and a status not.
func rerunOf(run *v1alpha1.ValidationRun) string {
	value := run.Annotations[v1alpha1.AnnotationRerun]
	if len(value) <= rerunBytes {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// fits says whether status is about the phases of the run's spec, where that has not changed. It always is, unless somebody else has
// written it.
func fits(run *v1alpha1.ValidationRun) bool { return isOf(&run.Status, &run.Spec) }

// isOf says whether a status is one of an attempt on this spec, with all that a step relies on.
func isOf(status *v1alpha1.ValidationRunStatus, spec *v1alpha1.ValidationRunSpec) bool {
	if status.StartTime == nil || status.Verdict != "" && status.CompletionTime == nil {
		return false
	}
	for i := range status.Phases {
		p := &status.Phases[i]
		if p.State == v1alpha1.PhaseRunning && p.StartTime == nil || p.State.Ended() && p.CompletionTime == nil {
			return false
		}
		if p.FanOut != nil && slices.ContainsFunc(p.FanOut.Active, stray) {
			return false
		}
	}
	if spec.Recipe != nil { // what follows the preflight is for the recipe to say
		return len(status.Phases) > 0 && status.Phases[0].Name == v1alpha1.PhasePreflight
	}
	named := func(p v1alpha1.PhaseStatus, st stage) bool { return p.Name == st.Name }
	return slices.EqualFunc(status.Phases, stages(spec, nil), named)
}

// stray says that an item is in a state that none can be in which has not ended.
func stray(a v1alpha1.ItemStatus) bool {
	return a.State != v1alpha1.PhasePending && (a.State != v1alpha1.PhaseRunning || a.StartTime == nil)
}

// begin starts the next attempt: status forgets the last one but for its place in history, and the first phase is due.
func (s *step) begin() {
	old := s.Status
	s.Finalizer = true
	s.seen.Recipe, s.seen.InvalidRecipe, s.seen.Snapshot, s.seen.InvalidSnapshot, s.seen.Nodes = nil, "", nil, "", nil
	s.spec, s.stages, s.Keep, s.waiting, s.ending, s.Follow, s.Store, s.After = s.wish, stages(s.wish, nil), nil, nil, nil, nil, false, 0
	s.Status = v1alpha1.ValidationRunStatus{
		ObservedGeneration: s.run.Generation,
		Attempt:            max(old.Attempt, s.seen.HighestAttempt) + 1,
		StartTime:          s.time(),
		LastHandledRerun:   old.LastHandledRerun,
		LastCompleted:      old.LastCompleted,
		History:            old.History,
		Conditions:         old.Conditions,
	}
	if rerun := rerunOf(s.run); rerun != "" {
		s.Status.LastHandledRerun = rerun
	}
	if old.Attempt > 0 && old.Verdict != "" {
		// Each attempt is in it once, or no status could be written any more: one that was set back may name attempts that it is before.
		earlier := slices.DeleteFunc(slices.Clone(old.History), func(p v1alpha1.PastAttempt) bool { return p.Attempt >= old.Attempt })
		s.Status.History = slices.Insert(earlier, 0, past(&old))
	}
	for i := range s.stages {
		s.Status.Phases = append(s.Status.Phases, v1alpha1.PhaseStatus{Name: s.stages[i].Name, State: v1alpha1.PhasePending})
	}
	if s.wish.Suspend {
		s.countSuspension()
		s.rest()
	}
	s.schedule()
	s.trim()
	s.Prune = false // what is superfluous goes when the attempt is set up, at the latest
	s.setConditions()
}

// past is what history says of an attempt.
func past(s *v1alpha1.ValidationRunStatus) v1alpha1.PastAttempt {
	out := v1alpha1.PastAttempt{
		Attempt: s.Attempt, Verdict: s.Verdict, StartTime: s.StartTime, CompletionTime: s.CompletionTime, Summary: s.Summary,
	}
	if cutShort(s, v1alpha1.ReasonSuperseded) {
		out.Reason = v1alpha1.ReasonSuperseded
	}
	if len(s.Results) > 0 {
		out.ConfigMap = s.Results[0].ConfigMap
	}
	return out
}

// cutShort says whether phases of the attempt did not come to their own end for one of these reasons.
func cutShort(s *v1alpha1.ValidationRunStatus, reasons ...string) bool {
	return slices.ContainsFunc(s.Phases, func(p v1alpha1.PhaseStatus) bool {
		return (p.State == v1alpha1.PhaseError || p.State == v1alpha1.PhaseNotRun) && slices.Contains(reasons, p.Reason)
	})
}

// trim keeps as much of history as the spec says.
func (s *step) trim() {
	limit := int(*s.wish.HistoryLimit)
	if len(s.Status.History) > limit {
		s.Status.History = s.Status.History[:limit]
		s.Prune = true
	}
}

// close ends an attempt that the next one supersedes, and says whether it has: its current phase is judged by what is known of it, and
// its result is stored.
func (s *step) close() bool {
	if s.Status.Attempt == 0 || s.Status.Verdict != "" {
		return true
	}
	s.ending = &verdict.Trouble{Reason: v1alpha1.ReasonSuperseded, Message: "the next attempt began"}
	if !s.legible() {
		s.closeBlindly()
		return true
	}
	s.advance()
	if s.Status.Verdict == "" {
		s.setConditions()
		return false
	}
	return !s.Store && len(s.Unkept(&s.seen)) == 0
}

// legible says whether the spec that the attempt validates is at hand.
func (s *step) legible() bool {
	return isOf(&s.Status, s.spec) && (!s.seen.SpecChanged || s.seen.Spec != nil)
}

// hold keeps the next attempt from starting while the run is cancelled. What status says stays about the spec that it is about.
func (s *step) hold() {
	s.held = s.seen.SpecChanged
	if !s.held {
		s.Status.ObservedGeneration = s.run.Generation
	}
	switch {
	case s.Status.Attempt == 0 || !s.held && !fits(s.run):
		s.neverStarted()
	case s.Status.Verdict == "" && !s.legible():
		s.ending = &verdict.Trouble{Reason: v1alpha1.ReasonCancelled, Message: "the run was cancelled"}
		s.tidy()
		s.closeBlindly()
		s.setConditions()
	default:
		s.proceed()
	}
}

// neverStarted is the status of a run that was cancelled before its first attempt.
func (s *step) neverStarted() {
	old := s.Status
	s.tidy()
	s.Finalizer = s.active() > 0
	s.Status = v1alpha1.ValidationRunStatus{
		ObservedGeneration: s.run.Generation, Attempt: old.Attempt, StartTime: old.StartTime, CompletionTime: old.CompletionTime,
		Verdict: v1alpha1.VerdictCancelled, LastHandledRerun: old.LastHandledRerun, LastCompleted: old.LastCompleted,
		History: old.History, Conditions: old.Conditions,
	}
	if old.CompletionTime == nil || old.Verdict != v1alpha1.VerdictCancelled {
		s.Status.CompletionTime = s.time()
	}
	if s.Status.StartTime == nil {
		s.Status.StartTime = s.Status.CompletionTime
	}
	for _, st := range stages(s.wish, nil) {
		s.Status.Phases = append(s.Status.Phases, v1alpha1.PhaseStatus{
			Name: st.Name, State: v1alpha1.PhaseNotRun, Reason: v1alpha1.ReasonCancelled, Message: "the run was cancelled before it started",
			CompletionTime: s.Status.CompletionTime,
		})
	}
	s.summarize()
	s.setConditions()
}

// complete says the verdict, once the result that it announces is stored. What keeps the result from being stored is waited for a
// little: quotas are raised, and what is in the way of its name may be about to go.
func (s *step) complete() {
	superseded := s.ending != nil && s.ending.Reason == v1alpha1.ReasonSuperseded
	if !superseded && s.stopping() {
		return
	}
	refused := s.seen.StoreRefused
	s.Store = s.seen.Stored == nil && refused == nil && (s.ran() || !superseded)
	if refused != nil && !refused.Final && !superseded {
		if left := s.lastEnd().Add(storeWait).Sub(s.now); left > 0 {
			s.waiting = &Block{Reason: refused.Reason, Message: "the result cannot be stored for now: " + refused.Message}
			s.lookIn(min(left, lookSoon))
			return
		}
	}
	s.conclude()
}

// conclude says the verdict.
func (s *step) conclude() {
	states := make([]v1alpha1.PhaseState, 0, len(s.Status.Phases))
	for _, p := range s.Status.Phases {
		if own(p.Name) && p.State == v1alpha1.PhasePassed && len(s.Status.Phases) > 1 {
			continue // it proves nothing of the cluster
		}
		states = append(states, p.State)
	}
	s.Status.Verdict = verdict.Run(states, cutShort(&s.Status, v1alpha1.ReasonCancelled, v1alpha1.ReasonSuperseded))
	s.Status.CompletionTime = s.time()
	s.Status.Results = s.seen.Stored
	s.endSuspension()
	s.Finalizer = s.active() > 0
	if !cutShort(&s.Status, v1alpha1.ReasonSuperseded) {
		done := past(&s.Status)
		s.Status.LastCompleted = &v1alpha1.CompletedAttempt{
			Attempt: done.Attempt, Verdict: done.Verdict, CompletionTime: done.CompletionTime, ConfigMap: done.ConfigMap,
		}
	}
	s.summarize()
}

// ran says whether the attempt ever had a Job.
func (s *step) ran() bool {
	return slices.ContainsFunc(s.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return len(p.Jobs) > 0 || p.FanOut != nil })
}

// stopping says whether a cancelled attempt still has pods: that nothing runs any more is what its end is to mean.
func (s *step) stopping() bool {
	if !cutShort(&s.Status, v1alpha1.ReasonCancelled) {
		return false
	}
	left := s.lastEnd().Add(stopWait).Sub(s.now)
	if s.active() == 0 || left <= 0 {
		return false
	}
	s.waiting = &Block{Reason: v1alpha1.ReasonStopping, Message: fmt.Sprintf("stopping the Jobs of the cancelled attempt (%d left)", s.active())}
	s.lookIn(left)
	return true
}

// limit is when the attempt's timeout is over. Time in suspension does not count.
func (s *step) limit() time.Time {
	limit := s.Status.StartTime.Add(s.spec.Timeout.Duration + time.Duration(s.Status.SuspendedSeconds)*time.Second)
	if since := s.Status.SuspendedSince; since != nil {
		limit = limit.Add(max(s.now.Sub(since.Time), 0))
	}
	return limit
}

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

func (s *step) overtime() bool { return !s.now.Before(s.limit()) }
