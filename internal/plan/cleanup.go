package plan

import (
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// cleanAtLast is how long Jobs stay that spec.cleanup does not delete.
const cleanAtLast = 7 * 24 * time.Hour

// clean deletes the Jobs of a complete attempt when their time has come.
func (s *step) clean() {
	if s.Status.CompletionTime == nil {
		return
	}
	after := s.wish.Cleanup.After.Duration
	switch s.wish.Cleanup.Jobs {
	case v1alpha1.CleanupAlways:
	case v1alpha1.CleanupOnSuccess:
		if !s.Status.Verdict.Succeeded(s.spec.AllSkipped) {
			after = max(after, cleanAtLast)
		}
	case v1alpha1.CleanupNever:
		after = max(after, cleanAtLast)
	}
	wait := s.Status.CompletionTime.Add(after).Sub(s.now)
	for _, job := range s.seen.Jobs {
		switch {
		case job.Gone || job.Deleting || slices.Contains(s.Stop, job.Name):
		case wait > 0:
			s.lookIn(wait)
		default:
			s.Stop = append(s.Stop, job.Name)
		}
	}
}

// Child is a ConfigMap that was made for a run.
type Child struct {
	// Name and Component are its name and what it is for.
	Name, Component string
	// Attempt is the attempt that it belongs to.
	Attempt int64
}

// Superfluous are those of a run's ConfigMaps that nothing needs any more: inputs of earlier attempts, evidence that a result holds, and
// results of attempts that status does not name. The latest results stay even then, as many as history may name: a status can be lost.
func Superfluous(run *v1alpha1.ValidationRun, status *v1alpha1.ValidationRunStatus, children []Child) (names []string) {
	named := []int64{}
	for _, past := range status.History {
		named = append(named, past.Attempt)
	}
	if c := status.LastCompleted; c != nil {
		named = append(named, c.Attempt)
	}
	stored := attempts(children, workload.ComponentResult, status.Attempt)
	limit := v1alpha1.DefaultHistoryLimit
	if l := run.Spec.HistoryLimit; l != nil {
		limit = int(*l)
	}
	latest := stored[:min(limit, len(stored))]
	for _, c := range children {
		kept := slices.Contains(named, c.Attempt) || slices.Contains(latest, c.Attempt)
		switch {
		case c.Attempt >= status.Attempt || c.Attempt == 0:
			continue
		case c.Component == workload.ComponentResult && kept:
			continue
		case c.Component == workload.ComponentEvidence && slices.Contains(named, c.Attempt) && !slices.Contains(stored, c.Attempt):
			continue
		case c.Component == workload.ComponentResult, c.Component == workload.ComponentEvidence, c.Component == workload.ComponentInput:
			names = append(names, c.Name)
		}
	}
	return names
}

// attempts are the earlier attempts that have a child of a kind, the latest first.
func attempts(children []Child, component string, before int64) (out []int64) {
	for _, c := range children {
		if c.Component == component && c.Attempt < before && c.Attempt > 0 {
			out = append(out, c.Attempt)
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return slices.Compact(out)
}
