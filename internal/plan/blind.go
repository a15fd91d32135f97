package plan

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// closeBlindly ends an attempt of which nobody can say any more what it validated, by what status says of it and what was
// read since.
func (s *step) closeBlindly() {
	for i := range s.Status.Phases {
		p := &s.Status.Phases[i]
		if p.State.Ended() {
			continue
		}
		switch s.recount(p); {
		case p.Summary.Failed > 0, p.FanOut != nil && p.FanOut.Failed > 0:
			p.State, p.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
			p.Message = fmt.Sprintf("%d failed until %s", p.Summary.Failed, s.ending.Message)
		default:
			p.State, p.Reason, p.Message = v1alpha1.PhaseNotRun, s.ending.Reason, s.ending.Message
		}
		p.Running, p.CompletionTime = "", s.time()
		if p.FanOut != nil {
			p.FanOut.Active = nil
		}
	}
	s.conclude()
}

// recount counts the failures of a phase that goes on by what was read of its Jobs' logs: status is written now and then, and counts the
// top-level tests that have ended.
func (s *step) recount(p *v1alpha1.PhaseStatus) {
	item := workload.Item{Attempt: s.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
	if p.FanOut == nil {
		p.Summary = s.withFailures(item, p.Summary)
		return
	}
	for k := range p.FanOut.Active {
		a := &p.FanOut.Active[k]
		item.Check, item.Node, item.Restart = a.Check, a.Node, a.Restarts
		now := s.withFailures(item, a.Summary)
		p.Summary, a.Summary = verdict.Add(verdict.Sub(p.Summary, a.Summary), now), now
	}
}

// withFailures adds to the count of an item's tests the failures that its logs show beyond those. What a binary runs that was asked for the
// names of its tests is none of them.
func (s *step) withFailures(item workload.Item, sum v1alpha1.Summary) v1alpha1.Summary {
	for j := range s.seen.Jobs {
		job := &s.seen.Jobs[j]
		of := job.Item
		if of.Unlisted = false; of != item || item.Phase == v1alpha1.PhasePreflight {
			continue
		}
		for i := range job.Pods {
			log := &job.Pods[i].Log
			out := verdict.Judge(verdict.Evidence{Trouble: &verdict.Trouble{}, GoTest: &verdict.GoTest{Stream: log.Stream, Witness: log.Witness}})
			if out.State == v1alpha1.PhaseFailed {
				sum.Failed = max(sum.Failed, out.Summary.Failed, 1)
			}
		}
	}
	sum.Total = max(sum.Total, sum.Passed+sum.Failed+sum.Skipped+sum.Errored)
	return sum
}
