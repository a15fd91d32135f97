package plan

import (
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// tidy stops Jobs whose outcome does not count any more: those of other attempts, those of other runs of a phase than the one that status
// is about, and those of phases that status holds the outcome of.
func (s *step) tidy() {
	for _, job := range s.seen.Jobs {
		if job.Gone || job.Deleting {
			continue
		}
		if job.Item.Attempt != s.Status.Attempt {
			s.Stop = append(s.Stop, job.Name)
			continue
		}
		p := s.phaseStatus(job.Item.Phase)
		if p == nil || job.Finished {
			continue
		}
		ended, counts := s.standing(p, &job)
		if !ended && counts {
			continue
		}
		if !ended && job.podsEnded() {
			continue // it is about to finish, and stays for as long as those do that have
		}
		if ended && job.validatorEnded() {
			if wait := lingers(p, &job).Sub(s.now); wait > 0 {
				s.lookIn(wait)
				continue
			}
		}
		s.Stop = append(s.Stop, job.Name)
	}
}

// standing says of a Job of the current attempt whether what it is for has ended, and whether it is the run of that which counts. An item
// that status does not tell of yet may have its Job already: it is made before status is written.
func (s *step) standing(p *v1alpha1.PhaseStatus, job *Job) (ended, counts bool) {
	item := job.Item
	switch {
	case p.State.Ended():
		return true, false
	case p.FanOut == nil:
		return false, item.Restart == p.Restarts
	}
	if restarts, runs := counting(p.FanOut, item); runs {
		return false, item.Restart == restarts
	}
	n := slices.Index(s.items(s.stage(p.Name)), key{item.Check, item.Node})
	if n < 0 || n >= len(p.FanOut.Outcomes) {
		return false, false
	}
	pending := p.FanOut.Outcomes[n] == letterPending
	return !pending, pending && item.Restart == 0
}

// lingers is until when what was injected beside a validator that has ended may go on.
func lingers(p *v1alpha1.PhaseStatus, job *Job) time.Time {
	if p.CompletionTime != nil {
		return p.CompletionTime.Add(linger)
	}
	return job.Pods[0].Validator.Finished.Add(linger)
}

func (j Job) podsEnded() bool {
	return len(j.Pods) > 0 && !slices.ContainsFunc(j.Pods, func(p Pod) bool { return !p.Ended && !p.Gone })
}

func (j Job) validatorEnded() bool {
	return len(j.Pods) > 0 && j.Pods[0].Validator.Exit != nil
}
