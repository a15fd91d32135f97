package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// act does the rest of what a decision says.
func (w *world) act(d Decision) (asked []string) {
	for _, name := range d.Stop {
		job := w.job(name)
		w.mayStop(job)
		asked = append(asked, "stop "+label(job.item))
		w.stop(job)
	}
	for i := range d.Shorten {
		asked = append(asked, w.shorten(&d.Shorten[i])...)
	}
	w.listen(d.Follow)
	return asked
}

// shorten lowers a pod's deadline.
func (w *world) shorten(s *Shorten) (asked []string) {
	for _, job := range w.jobs {
		for _, pod := range job.pods {
			if pod.UID != s.UID || pod.Name != s.Pod {
				continue
			}
			if old := pod.Spec.ActiveDeadlineSeconds; old != nil && *old <= s.Seconds {
				w.t.Errorf("a deadline of %ds is no shorter than %ds", s.Seconds, *old)
			}
			pod.Spec.ActiveDeadlineSeconds = new(s.Seconds)
			w.touch()
			w.deadline(job, pod)
			asked = append(asked, fmt.Sprintf("shorten %s to %ds", label(job.item), s.Seconds))
		}
	}
	return asked
}

func (w *world) release(d Decision) {
	if !d.Finalizer && len(w.run.Finalizers) > 0 {
		if w.run.DeletionTimestamp == nil && len(w.run.Status.Results) > 0 {
			maps.DeleteFunc(w.configMaps, func(_ string, cm *simConfigMap) bool {
				return cm.Component == workload.ComponentEvidence && cm.Attempt == w.run.Status.Attempt
			})
		}
		w.run.Finalizers = nil
		w.touch()
	}
	w.finished = w.run.DeletionTimestamp != nil && len(w.run.Finalizers) == 0
}

// stop deletes a Job in the foreground: its pod is told to stop, and both are gone when it has.
func (w *world) stop(job *simJob) {
	if job.deleting {
		return
	}
	job.deleting = true
	w.touch()
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
		w.after(1, func() { job.finished = true })
	})
}

func (w *world) remove(job *simJob) {
	w.jobs = slices.DeleteFunc(w.jobs, func(j *simJob) bool { return j == job })
	w.touch()
}

// removePod takes a pod away and lets the Job controller notice.
func (w *world) removePod(job *simJob) {
	job.pods = nil
	w.after(1, func() { job.finished = true })
}

// bind makes the pod of a Job, as the scheduler and the kubelet take it.
func (w *world) bind(job *simJob, shapes ...shape) *corev1.Pod {
	phase := job.phase
	pod := newPod(shapes...)
	pod.Name = job.name + fmt.Sprintf("-%05d", len(job.pods))
	pod.UID = types.UID(pod.Name)
	if job.item.Node != "" && pod.Spec.NodeName != "" {
		pod.Spec.NodeName = job.item.Node
	}
	pod.Spec.ActiveDeadlineSeconds = new(workload.StartDeadline(phase))
	pod.Status.StartTime = new(metav1.NewTime(w.now))
	if !workload.Lists(phase, job.item) {
		pod.Status.InitContainerStatuses = nil
	}
	job.pods = append(job.pods, pod)
	w.deadline(job, pod)
	if pod.Status.Phase == corev1.PodFailed {
		w.after(1, func() { job.finished = true })
	}
	return pod
}

// phase is a phase of the attempt as it goes.
func (w *world) phase(name string) *v1alpha1.Phase {
	return &w.stage(name).Phase
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
	if was, before := w.book.exits[job.name]; name == workload.ValidatorContainer && (!before || was != 0) {
		w.book.exits[job.name] = code // of two Jobs of one name, one that somebody deleted, either may be the proof
	}
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
