package plan

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// make makes what a decision asks for, or refuses it, and says which.
func (w *world) make(d Decision, seen *Observed) string {
	switch {
	case d.Keep != nil && seen.Kept == nil:
		return w.keep(d, seen)
	case d.Store:
		if w.refuseStore != nil {
			if block := w.refuseStore(); block != nil {
				seen.StoreRefused = block
				return "store (refused)"
			}
		}
		seen.Stored = []v1alpha1.Result{{ConfigMap: workload.ResultName(w.run, d.Status.Attempt)}}
		return "store"
	case d.Freeze:
		w.run.Finalizers = []string{v1alpha1.Finalizer}
		if block := w.refusal("setup"); block != nil {
			seen.Refused = block
			return "setup (refused)"
		}
		w.specs[d.Status.Attempt] = w.encodedSpec()
		w.highest = max(w.highest, d.Status.Attempt)
		seen.Frozen = w.inputs()
		return "setup"
	}
	w.run.Finalizers = []string{v1alpha1.Finalizer}
	what := "create " + label(*d.Create)
	if block := w.refusal(what); block != nil {
		seen.Refused = block
		return what + " (refused)"
	}
	w.mayCreate(*d.Create)
	job := &simJob{name: workload.JobName(w.run, *d.Create), item: *d.Create}
	job.script = w.scripts[d.Create.Phase]
	if s, ok := w.scripts[label(*d.Create)]; ok {
		job.script = s
	}
	w.jobs = append(w.jobs, job)
	seen.Jobs = append(seen.Jobs, Job{Name: job.name, Item: job.item})
	for _, s := range job.script.stages(w, job) {
		w.after(s.second, func() {
			if slices.Contains(w.jobs, job) && !job.deleting {
				s.do()
			}
		})
	}
	return what
}

// keep keeps the evidence of a phase, or finds what an earlier pass has kept of it.
func (w *world) keep(d Decision, seen *Observed) string {
	key, did := fmt.Sprintf("%d/%s", d.Status.Attempt, d.Keep.Name), "keep "+d.Keep.Name
	if _, ok := w.kept[key]; ok {
		did = "keep " + d.Keep.Name + " (kept before)"
	} else {
		data, err := report.EncodePhase(*d.Keep)
		if err != nil {
			w.t.Fatal(err)
		}
		w.kept[key] = data
	}
	kept, err := report.DecodePhase(w.kept[key])
	if err != nil {
		w.t.Fatal(err)
	}
	seen.Kept = &kept
	return did
}

func (w *world) refusal(what string) *Block {
	if w.refuse == nil {
		return nil
	}
	return w.refuse(what)
}

// label is a Job in the transcript.
func label(item workload.Item) string {
	out := item.Phase
	if item.Unlisted {
		out += "/unlisted"
	}
	if item.Attempt > 1 {
		out += fmt.Sprintf("@%d", item.Attempt)
	}
	return out
}

func (w *world) job(name string) *simJob {
	for _, job := range w.jobs {
		if job.name == name {
			return job
		}
	}
	w.t.Fatalf("there is no Job %s\n%s", name, w.said.String())
	return nil
}

// act does the rest of what a decision says.
func (w *world) act(d Decision) (asked []string) {
	for _, name := range d.Stop {
		job := w.job(name)
		asked = append(asked, "stop "+label(job.item))
		w.stop(job)
	}
	if s := d.Shorten; s != nil {
		for _, job := range w.jobs {
			for _, pod := range job.pods {
				if pod.UID == s.UID && pod.Name == s.Pod {
					if old := pod.Spec.ActiveDeadlineSeconds; old != nil && *old <= s.Seconds {
						w.t.Errorf("a deadline of %ds is no shorter than %ds", s.Seconds, *old)
					}
					pod.Spec.ActiveDeadlineSeconds = new(s.Seconds)
					w.deadline(job, pod)
					asked = append(asked, fmt.Sprintf("shorten %s to %ds", label(job.item), s.Seconds))
				}
			}
		}
	}
	if d.Follow != w.follow {
		w.follow = d.Follow
	}
	return asked
}

func (w *world) release(d Decision) {
	if d.Finalizer || len(w.run.Finalizers) == 0 {
		w.finished = w.run.DeletionTimestamp != nil && len(w.run.Finalizers) == 0
		return
	}
	for _, job := range w.jobs {
		overdue := w.run.DeletionTimestamp != nil && w.now.Sub(w.run.DeletionTimestamp.Time) >= stopWait
		if !job.finished && !overdue {
			w.t.Errorf("the finalizer goes before Job %v\n%s", job.item, w.said.String())
		}
	}
	w.run.Finalizers = nil
	w.finished = w.run.DeletionTimestamp != nil
}

// stop deletes a Job in the foreground: its pod is told to stop, and both are gone when it has.
func (w *world) stop(job *simJob) {
	if job.deleting {
		return
	}
	job.deleting = true
	for _, pod := range job.pods {
		w.terminate(job, pod)
	}
	if !job.script.immortal {
		w.after(3, func() { w.remove(job) })
	}
}

// terminate is what deleting a pod comes to.
func (w *world) terminate(job *simJob, pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil {
		return
	}
	deleted(w.second())(pod)
	if job.script.immortal {
		return
	}
	w.after(2, func() {
		for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if s.State.Running != nil {
				w.exit(job, pod, s.Name, 143, "Error", "")
			}
		}
		pod.Status.Phase = corev1.PodFailed
	})
}

func (w *world) remove(job *simJob) {
	w.jobs = slices.DeleteFunc(w.jobs, func(j *simJob) bool { return j == job })
}

// removePod takes a pod away and lets the Job controller notice.
func (w *world) removePod(job *simJob) {
	job.pods = nil
	w.after(1, func() { job.finished = true })
}

// bind makes the pod of a Job, as the scheduler and the kubelet take it.
func (w *world) bind(job *simJob, shapes ...shape) *corev1.Pod {
	phase := w.phase(job.item.Phase)
	pod := newPod(shapes...)
	pod.Name = job.name + fmt.Sprintf("-%05d", len(job.pods))
	pod.UID = types.UID(pod.Name)
	pod.Spec.ActiveDeadlineSeconds = new(workload.StartDeadline(phase))
	pod.Status.StartTime = new(metav1.NewTime(w.now))
	if !workload.Lists(phase, job.item) {
		pod.Status.InitContainerStatuses = nil
	}
	job.pods = append(job.pods, pod)
	w.deadline(job, pod)
	return pod
}

func (w *world) phase(name string) *v1alpha1.Phase {
	spec := w.run.Spec.DeepCopy()
	spec.SetDefaults()
	for i := range spec.Phases {
		if spec.Phases[i].Name == name {
			return &spec.Phases[i]
		}
	}
	w.t.Fatalf("there is no phase %s", name)
	return nil
}

// deadline has the kubelet end the pod when its activeDeadlineSeconds are over.
func (w *world) deadline(job *simJob, pod *corev1.Pod) {
	over := func() time.Time {
		return pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second)
	}
	w.after(int(over().Sub(w.now).Seconds()), func() {
		if w.now.Before(over()) || pod.DeletionTimestamp != nil || job.script.immortal {
			return
		}
		for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if s.State.Running != nil {
				w.exit(job, pod, s.Name, 137, "Error", "")
				pod.Status.Reason = reasonDeadlineExceeded
			}
		}
	})
}

// state changes the state of one container.
func (w *world) state(pod *corev1.Pod, name string, state corev1.ContainerState) {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			if statuses[i].Name == name {
				statuses[i].State = state
			}
		}
	}
	if state.Running != nil {
		pod.Status.Phase = corev1.PodRunning
	}
}

// exit ends a container, and with it the pod, unless it was the list.
func (w *world) exit(job *simJob, pod *corev1.Pod, name string, code int32, reason, message string) {
	started := w.second()
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if s.Name == name && s.State.Running != nil {
			started = int(s.State.Running.StartedAt.Sub(epoch).Seconds())
		}
	}
	state := exited(code, reason, started, w.second())
	state.Terminated.Message = message
	w.state(pod, name, state)
	switch {
	case name == workload.ListContainer && code == 0:
		return
	case code == 0:
		pod.Status.Phase = corev1.PodSucceeded
	default:
		pod.Status.Phase = corev1.PodFailed
	}
	w.after(1, func() { job.finished = true })
}
