package health

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPodUnrest(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }
	ready := func(status corev1.ConditionStatus, since time.Duration) []corev1.PodCondition {
		return []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: ago(since)}}
	}
	tests := map[string]struct {
		pod  corev1.Pod
		want string
	}{
		"ready":            {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready(corev1.ConditionTrue, time.Hour)}}, ""},
		"succeeded":        {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded, Conditions: ready(corev1.ConditionFalse, time.Hour)}}, ""},
		"just not ready":   {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready(corev1.ConditionFalse, time.Minute)}}, ""},
		"long not ready":   {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: ready(corev1.ConditionFalse, time.Hour)}}, "not ready for 1h0m0s"},
		"just created":     {corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: ago(time.Minute)}, Status: corev1.PodStatus{Phase: corev1.PodPending}}, ""},
		"long pending":     {corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: ago(time.Hour)}, Status: corev1.PodStatus{Phase: corev1.PodPending}}, "pending for 1h0m0s"},
		"failed":           {corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Message: "evicted"}}, "it has failed: Failed; evicted"},
		"failed, of a Job": {corev1.Pod{ObjectMeta: metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Job", Controller: new(true)}}}, Status: corev1.PodStatus{Phase: corev1.PodFailed}}, ""},
		"going":            {corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: new(ago(time.Minute))}, Status: corev1.PodStatus{Phase: corev1.PodFailed}}, ""},
		"held":             {corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: new(ago(time.Hour)), Finalizers: []string{"a/b"}}}, `gone 1h0m0s ago, held by ["a/b"]`},
		"waits for its image": {corev1.Pod{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: ago(time.Minute)}, Status: corev1.PodStatus{
			Phase:             corev1.PodPending,
			ContainerStatuses: []corev1.ContainerStatus{{Name: "c", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}},
		}}, "waits in ImagePullBackOff"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(PodUnrest(&tt.pod, now), "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClaimProblem(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		phase corev1.PersistentVolumeClaimPhase
		age   time.Duration
		want  string
	}{
		{corev1.ClaimBound, time.Hour, ""},
		{corev1.ClaimPending, time.Minute, ""},
		{corev1.ClaimPending, time.Hour, "it is Pending for 1h0m0s"},
		{corev1.ClaimLost, time.Minute, "its volume is lost"},
	} {
		claim := &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(now.Add(-tt.age))},
			Status:     corev1.PersistentVolumeClaimStatus{Phase: tt.phase},
		}
		if got := ClaimProblem(claim, now); got != tt.want {
			t.Errorf("%s after %s: %q, want %q", tt.phase, tt.age, got, tt.want)
		}
	}
}
