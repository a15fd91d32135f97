package controller

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// CacheOptions are what the operator keeps in memory: the runs, and of Jobs and pods those that it has labelled, without what it never
// looks at.
func CacheOptions() cache.Options {
	labelled, err := labels.NewRequirement(v1alpha1.LabelRunUID, selection.Exists, nil)
	if err != nil {
		// A constant key and an operator without values are always a valid requirement.
		panic(err)
	}
	mine := cache.ByObject{Label: labels.NewSelector().Add(*labelled), Transform: strip}
	return cache.Options{
		ReaderFailOnMissingInformer: true,
		DefaultTransform:            cache.TransformStripManagedFields(),
		ByObject:                    map[client.Object]cache.ByObject{&batchv1.Job{}: mine, &corev1.Pod{}: mine},
	}
}

// strip leaves out of a Job and of a pod the specs that the operator wrote itself, which are most of them.
func strip(o any) (any, error) {
	switch o := o.(type) {
	case *batchv1.Job:
		o.ManagedFields = nil
		o.Spec = batchv1.JobSpec{}
	case *corev1.Pod:
		o.ManagedFields = nil
		o.Spec = corev1.PodSpec{NodeName: o.Spec.NodeName, ActiveDeadlineSeconds: o.Spec.ActiveDeadlineSeconds}
	}
	return o, nil
}

func runOf(o client.Object) []string {
	if uid := o.GetLabels()[v1alpha1.LabelRunUID]; uid != "" {
		return []string{uid}
	}
	return nil
}

// urgent is the priority of a run that a validator has told something about, above that of runs that are to be started: where many start
// at once, nobody waits for a verdict because of them.
const urgent = 10

type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]

func enqueue(q queue, run types.NamespacedName, priority int) {
	request := ctrl.Request{NamespacedName: run}
	if p, ok := q.(priorityqueue.PriorityQueue[ctrl.Request]); ok {
		p.AddWithOpts(priorityqueue.AddOpts{Priority: &priority}, request)
		return
	}
	q.Add(request)
}

// onPod brings a pod's run into the queue.
func onPod() handler.EventHandler {
	enqueuePod := func(o client.Object, q queue) {
		name := o.GetLabels()[v1alpha1.LabelRun]
		if name == "" {
			return
		}
		priority := 0
		if pod, ok := o.(*corev1.Pod); ok && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed) {
			priority = urgent
		}
		enqueue(q, types.NamespacedName{Namespace: o.GetNamespace(), Name: name}, priority)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { enqueuePod(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { enqueuePod(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { enqueuePod(e.Object, q) },
	}
}

// onLog brings a run into the queue of whose log something was read.
func onLog() handler.TypedEventHandler[types.NamespacedName, ctrl.Request] {
	return handler.TypedFuncs[types.NamespacedName, ctrl.Request]{
		GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q queue) {
			enqueue(q, e.Object, urgent)
		},
	}
}
