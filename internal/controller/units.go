package controller

import (
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// unit is what has a Job by status and has not ended: a phase, or an item of a phase that has several.
type unit struct {
	item  workload.Item
	state v1alpha1.PhaseState
	jobs  []string
	since time.Time
}

// units are those of a run.
func units(run *v1alpha1.ValidationRun) (out []unit) {
	for i := range run.Status.Phases {
		p := &run.Status.Phases[i]
		item := workload.Item{Attempt: run.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
		switch {
		case p.State.Ended():
		case p.FanOut == nil:
			out = append(out, unit{item: item, state: p.State, jobs: p.Jobs, since: timeOf(p.StartTime)})
		default:
			for k := range p.FanOut.Active {
				a := &p.FanOut.Active[k]
				item.Check, item.Node, item.Restart = a.Check, a.Node, a.Restarts
				out = append(out, unit{item: item, state: a.State, jobs: a.Jobs, since: timeOf(a.StartTime)})
			}
		}
	}
	return out
}

// counts says whether an item is one that runs, and this the run of it that counts.
func counts(run *v1alpha1.ValidationRun, item workload.Item) bool {
	item.Unlisted = false
	return slices.ContainsFunc(units(run), func(u unit) bool { return u.item == item && u.state == v1alpha1.PhaseRunning })
}

// jobsThatCount are the Jobs of a unit's current run, by status: one, or one that could not list its tests and one that does not.
func (u unit) jobsThatCount(run *v1alpha1.ValidationRun) (names []string) {
	for _, unlisted := range []bool{false, true} {
		item := u.item
		item.Unlisted = unlisted
		if name := workload.JobName(run, item); slices.Contains(u.jobs, name) {
			names = append(names, name)
		}
	}
	return names
}

// itemOf is what a Job of the current attempt is for by its name, which nobody can edit; what it is labelled with serves for Jobs that do
// not count any more.
func itemOf(run *v1alpha1.ValidationRun, job *batchv1.Job) workload.Item {
	for i := range run.Status.Phases {
		p := &run.Status.Phases[i]
		if item, ok := named(run, job.Name, workload.Item{Attempt: run.Status.Attempt, Phase: p.Name, Restart: p.Restarts}); ok {
			return item
		}
	}
	for _, u := range units(run) {
		if item, ok := named(run, job.Name, u.item); ok {
			return item
		}
	}
	return workload.Item{
		Attempt: workload.Attempt(job.Labels), Phase: job.Labels[v1alpha1.LabelPhase],
		Check: job.Labels[v1alpha1.LabelCheck], Node: job.Annotations[v1alpha1.AnnotationNode],
	}
}

// named is the item, or an earlier run of it, whose Job has a name.
func named(run *v1alpha1.ValidationRun, name string, item workload.Item) (workload.Item, bool) {
	for ; item.Restart >= 0; item.Restart-- {
		for _, unlisted := range []bool{false, true} {
			item.Unlisted = unlisted
			if workload.JobName(run, item) == name {
				return item, true
			}
		}
	}
	return workload.Item{}, false
}
