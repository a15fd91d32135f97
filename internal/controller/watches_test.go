package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/validation-operator/validation-operator/internal/plan"
)

// What the cache leaves out of Jobs and pods makes no difference to what is seen of them.
func TestWhatIsLeftOutIsNotLookedAt(t *testing.T) {
	run := newRun(started)
	b := newBench(t, interceptor.Funcs{}, run)
	job, pod := jobOf(t, run), podOf(t, run)
	pod.Spec = job.Spec.Template.Spec
	pod.Spec.NodeName, pod.Spec.ActiveDeadlineSeconds = "node-1", new(int64(600))
	look := func() plan.Job {
		seen, err := b.lookAtJob(t.Context(), b.kinOf(run, []corev1.Pod{*pod}), job)
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	whole := look()
	for _, o := range []any{job, pod} {
		if _, err := strip(o); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(whole, look()); diff != "" {
		t.Errorf("(-whole +stripped):\n%s", diff)
	}
	if whole.Pods[0].Node != "node-1" || whole.Pods[0].Deadline != 600 {
		t.Errorf("it is %+v", whole.Pods[0])
	}
	if diff := cmp.Diff(batchv1.JobSpec{}, job.Spec); diff != "" || len(pod.Spec.Containers) > 0 {
		t.Errorf("left is %+v, %+v", job.Spec, pod.Spec)
	}
}

// A run whose pod has ended comes before runs that are to be started.
func TestVerdictsComeBeforeStarts(t *testing.T) {
	q := priorityqueue.New[ctrl.Request]("test")
	defer q.ShutDown()
	for _, name := range []string{"one", "two", "three"} {
		q.Add(ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}})
	}
	pod := podOf(t, newRun())
	onPod().Create(t.Context(), event.CreateEvent{Object: pod}, q)
	q.Add(ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "four"}})
	pod.Status.Phase = corev1.PodFailed
	onPod().Update(t.Context(), event.UpdateEvent{ObjectOld: pod, ObjectNew: pod}, q)
	if first, _ := q.Get(); first.Name != "run" {
		t.Errorf("first comes %s", first)
	}
}
