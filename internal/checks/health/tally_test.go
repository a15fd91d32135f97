package health

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owned is a pod of a controller.
func owned(kind, owner, hash, name string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", Labels: map[string]string{"pod-template-hash": hash},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, Controller: new(true)}}},
		Spec:   corev1.PodSpec{RestartPolicy: corev1.RestartPolicyAlways},
		Status: corev1.PodStatus{Phase: phase, Reason: "Evicted", Message: "The node was low on resource: memory."},
	}
}

func TestDisplacedPods(t *testing.T) {
	never := owned("Workflow", "w", "", "w-1", corev1.PodFailed)
	never.Spec.RestartPolicy = corev1.RestartPolicyNever
	going := owned("ReplicaSet", "x-77c", "77c", "x-2", corev1.PodRunning)
	going.DeletionTimestamp = &metav1.Time{}
	elsewhere := owned("ReplicaSet", "x-77c", "77c", "x-2", corev1.PodRunning)
	elsewhere.Namespace = "other"
	evicted := owned("ReplicaSet", "x-77c", "77c", "x-1", corev1.PodFailed)
	tests := map[string]struct {
		pods           []*corev1.Pod
		replaced, lost []string
	}{
		"none":                           {[]*corev1.Pod{owned("ReplicaSet", "x-77c", "77c", "x-2", corev1.PodRunning)}, nil, nil},
		"another in its place":           {[]*corev1.Pod{evicted, owned("ReplicaSet", "x-77c", "77c", "x-2", corev1.PodRunning)}, []string{"ns/x-1"}, nil},
		"one of a newer generation":      {[]*corev1.Pod{owned("ReplicaSet", "x-88d", "88d", "x-3", corev1.PodPending), evicted}, []string{"ns/x-1"}, nil},
		"nobody in its place":            {[]*corev1.Pod{evicted}, nil, []string{"ns/x-1"}},
		"one that goes":                  {[]*corev1.Pod{evicted, going}, nil, []string{"ns/x-1"}},
		"one of another namespace":       {[]*corev1.Pod{evicted, elsewhere}, nil, []string{"ns/x-1"}},
		"one of another workload":        {[]*corev1.Pod{evicted, owned("ReplicaSet", "y-77c", "77c", "y-1", corev1.PodRunning)}, nil, []string{"ns/x-1"}},
		"a pod that ended by itself":     {[]*corev1.Pod{never}, nil, nil},
		"a pod of a Job, which decides":  {[]*corev1.Pod{owned("Job", "j", "", "j-1", corev1.PodFailed)}, nil, nil},
		"a pod of nobody":                {[]*corev1.Pod{{Status: corev1.PodStatus{Phase: corev1.PodFailed}}}, nil, nil},
		"a daemon's pod, and its second": {[]*corev1.Pod{owned("DaemonSet", "d", "", "d-1", corev1.PodFailed), owned("DaemonSet", "d", "", "d-2", corev1.PodRunning)}, []string{"ns/d-1"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var tally Tally
			later := 0
			for _, pod := range tt.pods {
				if tally.Add(pod) {
					later++
				}
			}
			var replaced, lost []string
			for _, d := range tally.Displaced() {
				if d.Replaced {
					replaced = append(replaced, d.Name)
				} else {
					lost = append(lost, d.Name)
				}
				if want := "Failed; The node was low on resource: memory."; d.Why != want {
					t.Errorf("why = %q, want %q", d.Why, want)
				}
			}
			if diff := cmp.Diff(tt.replaced, replaced); diff != "" {
				t.Errorf("replaced (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.lost, lost); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
			if later != len(replaced)+len(lost) {
				t.Errorf("%d pods are to be judged later, and %d are", later, len(replaced)+len(lost))
			}
		})
	}
}

func TestClaimsInUse(t *testing.T) {
	var tally Tally
	tally.Add(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{Name: "a", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		{Name: "b", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
		{Name: "c", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}}})
	for path, want := range map[string]bool{"ns/data": true, "ns/p-b": true, "ns/p-c": false, "other/data": false, "ns/spare": false} {
		namespace, name, _ := strings.Cut(path, "/")
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
		if got := tally.Uses(claim); got != want {
			t.Errorf("Uses(%s/%s) = %t, want %t", namespace, name, got, want)
		}
	}
}

func TestAwaitsPod(t *testing.T) {
	late, at := storagev1.VolumeBindingWaitForFirstConsumer, storagev1.VolumeBindingImmediate
	classes := []storagev1.StorageClass{
		{ObjectMeta: metav1.ObjectMeta{Name: "late"}, VolumeBindingMode: &late},
		{ObjectMeta: metav1.ObjectMeta{Name: "at-once"}, VolumeBindingMode: &at}, {ObjectMeta: metav1.ObjectMeta{Name: "silent"}},
	}
	for class, want := range map[string]bool{"late": true, "at-once": false, "silent": false, "gone": false, "": false} {
		claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}}
		if got := AwaitsPod(claim, classes); got != want {
			t.Errorf("AwaitsPod of class %q = %t, want %t", class, got, want)
		}
	}
	if AwaitsPod(&corev1.PersistentVolumeClaim{}, classes) {
		t.Error("a claim without a class waits for a pod")
	}
}
