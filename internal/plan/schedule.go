package plan

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// schedule makes those phases due whose turn has come, and leaves without a run those whose turn will not come any more.
func (s *step) schedule() {
	for i := range s.Status.Phases {
		p := &s.Status.Phases[i]
		if p.State != v1alpha1.PhasePending {
			continue
		}
		why, turn := s.turn(i)
		switch {
		case why != nil && p.FanOut != nil:
			s.abandon(i, *why)
		case why != nil:
			p.State, p.Reason, p.Message = v1alpha1.PhaseNotRun, why.Reason, why.Message
			p.Summary, p.Running, p.CompletionTime = v1alpha1.Summary{}, "", s.time()
		case turn && !s.wish.Suspend && s.ending == nil && s.alone(i):
			s.due(i)
		}
	}
}

// turn says whether a phase's turn has come, and why it never will.
func (s *step) turn(i int) (never *Block, now bool) {
	if s.ending != nil {
		if s.running() > 0 {
			return nil, false
		}
		return &Block{Reason: s.ending.Reason, Message: s.ending.Message}, false
	}
	timeout := s.overtime()
	for _, j := range s.needs(i) {
		p := &s.Status.Phases[j]
		if !p.State.Ended() {
			return nil, false
		}
		timeout = timeout || p.Reason == v1alpha1.ReasonRunTimeout
	}
	if timeout {
		return &Block{
			Reason: v1alpha1.ReasonRunTimeout, Message: fmt.Sprintf("the attempt's timeout of %s was over", s.spec.Timeout.Duration),
		}, false
	}
	for _, j := range s.needs(i) {
		p := &s.Status.Phases[j]
		switch {
		case p.State == v1alpha1.PhaseNotRun:
			return &Block{Reason: p.Reason, Message: p.Message}, false
		case verdict.Stops(p.State) && s.stage(p.Name).OnFailure != v1alpha1.Continue:
			return &Block{Reason: v1alpha1.ReasonEarlierPhase, Message: fmt.Sprintf("phase %s is %s", p.Name, p.State)}, false
		}
	}
	return nil, true
}

// alone says whether a phase can start beside what runs: one that is exclusive needs to be alone, and leaves the others waiting.
func (s *step) alone(i int) bool {
	if s.stage(s.Status.Phases[i].Name).Exclusive && (s.running() > 0 || s.busy()) {
		s.lookIn(lookSoon)
		return false
	}
	for j := range s.Status.Phases {
		if p := &s.Status.Phases[j]; p.State == v1alpha1.PhaseRunning && s.stage(p.Name).Exclusive {
			return false
		}
	}
	return true
}

// busy says whether pods of the run are left that have not ended.
func (s *step) busy() bool {
	for i := range s.seen.Jobs {
		if job := &s.seen.Jobs[i]; !job.Gone && !job.Finished && !job.podsEnded() {
			return true
		}
	}
	return false
}

// running is how many phases are due and have not ended.
func (s *step) running() (n int) {
	for i := range s.Status.Phases {
		if s.Status.Phases[i].State == v1alpha1.PhaseRunning {
			n++
		}
	}
	return n
}
