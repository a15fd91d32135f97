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

// roster is what the Jobs of a run are for, worked out once for a pass: names are digests, and a run has thousands of Jobs.
type roster struct {
	units  []unit
	named  map[string]workload.Item
	counts map[workload.Item]unit
}

func rosterOf(run *v1alpha1.ValidationRun) *roster {
	r := &roster{units: units(run), named: map[string]workload.Item{}, counts: map[workload.Item]unit{}}
	for _, u := range r.units {
		r.name(run, u.item)
		if u.state == v1alpha1.PhaseRunning {
			r.counts[u.item] = u
		}
	}
	for i := range run.Status.Phases {
		p := &run.Status.Phases[i]
		r.name(run, workload.Item{Attempt: run.Status.Attempt, Phase: p.Name, Restart: p.Restarts})
	}
	return r
}

// name enters the names of the Jobs of an item and of its earlier runs.
func (r *roster) name(run *v1alpha1.ValidationRun, item workload.Item) {
	for ; item.Restart >= 0; item.Restart-- {
		for _, unlisted := range []bool{false, true} {
			item.Unlisted = unlisted
			r.named[workload.JobName(run, item)] = item
		}
	}
}

// itemOf is what a Job of the current attempt is for by its name, which nobody can edit; what it is labelled with serves for Jobs that do
// not count any more.
func (r *roster) itemOf(job *batchv1.Job) workload.Item {
	if item, ok := r.named[job.Name]; ok {
		return item
	}
	return workload.Item{
		Attempt: workload.Attempt(job.Labels), Phase: job.Labels[v1alpha1.LabelPhase],
		Check: job.Labels[v1alpha1.LabelCheck], Node: job.Annotations[v1alpha1.AnnotationNode],
	}
}

// running is the unit whose Job an item's is, as long as it runs and this is the run of it that counts.
func (r *roster) running(item workload.Item) (unit, bool) {
	item.Unlisted = false
	u, ok := r.counts[item]
	return u, ok
}
