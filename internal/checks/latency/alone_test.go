package latency

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

func TestRequests(t *testing.T) {
	tests := map[string]struct {
		limit string
		world func(*world)
		skip  finding.Skip
		words []string
	}{
		"with an API server that answers": {limit: "<= 1m"},
		"too slow":                        {limit: "<= 1ns", words: []string{"false", "etcd's disk"}},
		"a limit that is none":            {limit: "fast", skip: finding.CouldNotRun, words: []string{"correct the recipe"}},
		"without the right to get pods": {limit: "<= 1s", world: func(w *world) { w.forbid("get", "pods") },
			skip: finding.CouldNotRun, words: []string{"the right to get pods"}},
		"without the right to list": {limit: "<= 1s", world: func(w *world) { w.forbid("list", "configmaps") },
			skip: finding.CouldNotRun, words: []string{"list configmaps"}},
		"with an API server that breaks off": {limit: "<= 1s", world: breakOff, words: []string{"request 1 of 5", "connection reset"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(registryID)
			if tt.world != nil {
				tt.world(w)
			}
			w.try(t, Requests(limit(tt.limit)), tt.skip, tt.words...)
		})
	}
}

func TestNothingMeasuredIsNoPass(t *testing.T) {
	var f finding.Finding
	judge(&f, limit("<= 1s"), nil, "wait")
	if f.Passed() || f.Skip != finding.CouldNotRun {
		t.Errorf("without a measurement: passed = %t, skip = %q", f.Passed(), f.Skip)
	}
}

func TestWatch(t *testing.T) {
	ends := func(w *world) {
		w.client.PrependWatchReactor("configmaps", func(clienttesting.Action) (bool, watch.Interface, error) {
			ended := watch.NewFake()
			ended.Stop()
			return true, ended, nil
		})
	}
	silent := func(w *world) {
		w.client.PrependWatchReactor("configmaps", func(clienttesting.Action) (bool, watch.Interface, error) {
			return true, watch.NewFake(), nil
		})
	}
	tests := map[string]struct {
		limit string
		world func(*world)
		skip  finding.Skip
		words []string
	}{
		"fast enough":  {limit: "<= 1m"},
		"a watch ends": {limit: "<= 1s", world: ends, words: []string{"change 1 of 50", "the watch has ended"}},
		"no word":      {limit: "<= 1s", world: silent, words: []string{"change 1 of 50", "no word of it"}},
		"without the right to watch": {limit: "<= 1s", skip: finding.CouldNotRun, words: []string{"the right to watch configmaps"},
			world: func(w *world) {
				w.client.PrependWatchReactor("configmaps", func(clienttesting.Action) (bool, watch.Interface, error) {
					return true, nil, noRule("configmaps")
				})
			}},
		"without the right to update": {limit: "<= 1s", skip: finding.CouldNotRun, words: []string{"the right to update configmaps"},
			world: func(w *world) { w.forbid("update", "configmaps") }},
		"without the right to create": {limit: "<= 1s", skip: finding.CouldNotRun, words: []string{"create configmaps"},
			world: func(w *world) { w.forbid("create", "configmaps") }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(registryID)
				if tt.world != nil {
					tt.world(w)
				}
				w.try(t, Watch(limit(tt.limit)), tt.skip, tt.words...)
			})
		})
	}
}

func TestPodStart(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := func(code int32, reason string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
	}
	waits := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}
	tests := map[string]struct {
		limit string
		took  time.Duration
		state corev1.ContainerState
		world func(*world)
		skip  finding.Skip
		words []string
	}{
		"fast enough":            {limit: "<= 5s", took: 2 * time.Second, state: running},
		"over before it is seen": {limit: "<= 5s", took: 2 * time.Second, state: ended(0, "Completed")},
		"too slow":               {limit: "<= 5s", took: 20 * time.Second, state: running, words: []string{"20s false", "scheduling"}},
		"never":                  {limit: "<= 5s", took: time.Second, state: waits, words: []string{"to start within 2m0s", "ImagePullBackOff"}},
		"no node has room":       {limit: "<= 5s", skip: finding.CouldNotRun, words: []string{"1 Insufficient cpu. To mend: make room"}, world: crowd},
		"a container that the runtime cannot start": {limit: "<= 5s", took: time.Second, state: ended(128, "StartError"),
			words: []string{"to start within", "exit code 128 (StartError)"}},
		"without the right to create": {limit: "<= 5s", skip: finding.CouldNotRun, words: []string{"create pods"},
			world: func(w *world) { w.forbid("create", "pods") }},
		"without the right to watch": {limit: "<= 5s", skip: finding.CouldNotRun, words: []string{"the right to watch pods"},
			world: func(w *world) {
				w.client.PrependWatchReactor("pods", func(clienttesting.Action) (bool, watch.Interface, error) {
					return true, nil, noRule("pods")
				})
			}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(registryID)
				w.starts(tt.took, tt.state)
				if tt.world != nil {
					tt.world(w)
				}
				w.try(t, PodStart(limit(tt.limit)), tt.skip, tt.words...)
			})
		})
	}
}

// crowd has the scheduler find no node for any pod.
func crowd(w *world) {
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		pod.UID, pod.ResourceVersion, pod.Namespace = "waiting", "1", "ns"
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse,
			Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available: 1 Insufficient cpu."}}
		return true, pod, w.client.Tracker().Add(pod)
	})
}

// starts brings each pod's container into a state after a while.
func (w *world) starts(after time.Duration, state corev1.ContainerState) {
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		w.pods++
		pod := action.(clienttesting.CreateAction).GetObject().(*corev1.Pod)
		pod.UID, pod.ResourceVersion, pod.Namespace = types.UID(fmt.Sprint("pod-", w.pods)), "1", "ns"
		if err := w.client.Tracker().Add(pod); err != nil {
			return true, nil, err
		}
		changed := pod.DeepCopy()
		changed.ResourceVersion = "2"
		changed.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, State: state}}
		go func() {
			time.Sleep(after)
			_ = w.client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("pods"), changed, changed.Namespace)
		}()
		return true, pod, nil
	})
}
