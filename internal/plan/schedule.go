package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
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
			if p.Reason == v1alpha1.ReasonPending {
				why.Message += "; it was waiting: " + p.Message
			}
			p.State, p.Reason, p.Message = v1alpha1.PhaseNotRun, why.Reason, report.Clip(why.Message, report.MessageBytes)
			p.Summary, p.Running, p.CompletionTime = v1alpha1.Summary{}, "", s.time()
		case turn && !s.wish.Suspend && s.ending == nil:
			s.enter(i)
		case p.Reason == v1alpha1.ReasonPending:
			p.Reason, p.Message = "", ""
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

// enter makes a phase due whose turn has come, or says what has to be over before it can start.
func (s *step) enter(i int) {
	p := &s.Status.Phases[i]
	exclusive := s.stage(p.Name).Exclusive
	names := s.inTheWay(exclusive)
	if len(names) == 0 {
		s.due(i)
		return
	}
	p.Reason, p.Message = v1alpha1.ReasonPending, fmt.Sprintf("it waits for %s, which is exclusive, to end", strings.Join(names, ", "))
	if exclusive {
		p.Message = fmt.Sprintf("it is exclusive, and waits for the pods of %s to be gone", strings.Join(names, ", "))
		s.lookIn(lookSoon)
	}
	p.Message = report.Clip(p.Message, report.MessageBytes)
}

// inTheWay are the phases that keep a phase from starting: one that is exclusive needs to be alone, with no pod left that has not ended,
// and leaves the others waiting.
func (s *step) inTheWay(exclusive bool) (names []string) {
	for j := range s.Status.Phases {
		p := &s.Status.Phases[j]
		running := p.State == v1alpha1.PhaseRunning
		if exclusive && (running || s.busy(p.Name)) || running && s.stage(p.Name).Exclusive {
			names = append(names, p.Name)
		}
	}
	for k := range s.seen.Jobs {
		if phase := s.seen.Jobs[k].Item.Phase; exclusive && s.phaseStatus(phase) == nil && s.busy(phase) && !slices.Contains(names, phase) {
			names = append(names, phase) // of an earlier attempt
		}
	}
	return names
}

// busy says whether pods of a phase are left that have not ended.
func (s *step) busy(phase string) bool {
	return slices.ContainsFunc(s.seen.Jobs, func(job Job) bool {
		return job.Item.Phase == phase && !job.Gone && !job.Finished && !job.podsEnded()
	})
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
