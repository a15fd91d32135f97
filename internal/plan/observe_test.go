package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What an operator sees of a world, as the controller looks at a cluster.

// observe is what an operator sees of the run's surroundings.
func (w *world) observe() Observed {
	var seen Observed
	for _, job := range w.jobs {
		seen.Jobs = append(seen.Jobs, w.look(job))
	}
	for _, p := range w.run.Status.Phases {
		w.observeGone(&seen, p)
	}
	w.observeGoneItems(&seen)
	slices.SortFunc(seen.Jobs, func(a, b Job) int { return strings.Compare(a.Name, b.Name) })
	if w.run.DeletionTimestamp == nil {
		w.observeSpec(&seen)
		w.observeInputs(&seen)
	}
	return seen
}

// observeGone adds the Jobs that status names for a phase that has not ended, and that are not there.
func (w *world) observeGone(seen *Observed, p v1alpha1.PhaseStatus) {
	for _, unlisted := range []bool{false, true} {
		item := workload.Item{Attempt: w.run.Status.Attempt, Phase: p.Name, Restart: p.Restarts, Unlisted: unlisted}
		name := workload.JobName(w.run, item)
		there := slices.ContainsFunc(seen.Jobs, func(j Job) bool { return j.Name == name })
		if !p.State.Ended() && !there && slices.Contains(p.Jobs, name) {
			seen.Jobs = append(seen.Jobs, Job{Name: name, Item: item, Gone: true, Pods: w.remembered(name, nil)})
		}
	}
}

func (w *world) observeSpec(seen *Observed) {
	status := &w.run.Status
	if status.Attempt > 0 && w.run.Generation != status.ObservedGeneration {
		frozen := w.configMaps[workload.InputName(w.run, status.Attempt, workload.InputSpec)]
		seen.SpecChanged = frozen == nil && (len(status.Inputs) > 0 || status.Verdict != "") ||
			frozen != nil && string(frozen.data) != w.encodedSpec()
		if seen.SpecChanged && frozen != nil {
			seen.Spec = &v1alpha1.ValidationRunSpec{}
			if err := json.Unmarshal(frozen.data, seen.Spec); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if Renews(w.run, seen.SpecChanged) {
		seen.HighestAttempt = w.highest()
	}
}

// highest is the highest attempt that any child belongs to.
func (w *world) highest() (n int64) {
	for _, job := range w.jobs {
		n = max(n, job.item.Attempt)
	}
	for _, cm := range w.configMaps {
		n = max(n, cm.Attempt)
	}
	return n
}

func (w *world) observeInputs(seen *Observed) {
	status := &w.run.Status
	if status.Attempt > 0 && status.Verdict == "" {
		w.observeDocuments(status.Attempt, seen)
		w.observeNodes(seen)
	}
	if status.Attempt == 0 || len(status.Inputs) > 0 || seen.SpecChanged {
		return
	}
	missing := []string{}
	for _, input := range []string{workload.InputSpec, workload.InputRecipe, workload.InputSnapshot} {
		if name := workload.InputName(w.run, status.Attempt, input); w.configMaps[name] != nil {
			seen.Frozen = append(seen.Frozen, v1alpha1.Input{Name: input, ConfigMap: name})
		} else if why := w.sourceMissing(input); why != "" {
			missing = append(missing, why)
		}
	}
	if w.missing != "" {
		missing = append(missing, w.missing)
	}
	if !w.run.Spec.Suspend {
		seen.Missing = strings.Join(missing, "; ")
	}
}

// sourceMissing is what an input's original lacks to be copied.
func (w *world) sourceMissing(input string) string {
	for _, source := range workload.Sources(&w.run.Spec) {
		if source.Input == input && w.absent[source.From.Name] {
			return fmt.Sprintf("%s: ConfigMap %s does not exist", input, source.From.Name)
		}
	}
	return ""
}

func (w *world) look(job *simJob) Job {
	out := Job{Name: job.name, Item: job.item, Finished: job.finished, Deleting: job.deleting, Blocked: job.blocked}
	for _, pod := range job.pods {
		p := Look(pod)
		if slices.Contains(w.follow, p.UID) {
			w.memory[p.UID] = p
			if job.sealed {
				p.Log.Sought, p.Log.Missing = w.followed[p.UID], "its checkpoint cannot be read"
			} else {
				w.read(job, &p)
			}
		}
		out.Pods = append(out.Pods, p)
	}
	out.Pods = append(out.Pods, w.remembered(job.name, out.Pods)...)
	return out
}

// remembered are followed pods of a Job that are gone.
func (w *world) remembered(job string, there []Pod) (out []Pod) {
	for _, uid := range w.follow {
		pod, ok := w.memory[uid]
		if !ok || !strings.HasPrefix(pod.Name, job+"-") || slices.ContainsFunc(there, func(p Pod) bool { return p.UID == uid }) {
			continue
		}
		pod.Gone = true
		out = append(out, pod)
	}
	return out
}

// read fills in what a follower of the pod has read by now.
func (w *world) read(job *simJob, pod *Pod) {
	if e := pod.List.Exit; e != nil && e.Code == 0 {
		pod.Listing = Listing{Read: true, Tests: gotest.ParseList([]byte(job.listing))}
	}
	stream := gotest.NewStream(gotest.DefaultLimits())
	_, _ = stream.Write([]byte(job.log))
	pod.Log.Since = w.followed[pod.UID].Add(-catchUp) // what there was is read at once
	pod.Log.Ended = pod.Validator.Exit != nil && !job.logNeverEnds
	if pod.Log.Ended {
		_ = stream.Close()
	}
	pod.Log.Progress, pod.Log.Stream = stream.Progress(), stream.Result()
	w.memory[pod.UID] = *pod
}

func (w *world) encodedSpec() string {
	data, err := workload.EncodeSpec(&w.run.Spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}
