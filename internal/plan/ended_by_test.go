package plan

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A validator that has ended may have been ended from outside, unless it had ended before anything could have done that, by whatever clock.
func TestEndedBy(t *testing.T) {
	const skew = int(clockSkew / time.Second)
	ended := func(second int) shape { return validator(exited(0, "Completed", 4, second)) }
	never := validator(corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}})
	grace := func(seconds *int64) shape {
		return func(pod *corev1.Pod) { pod.DeletionGracePeriodSeconds = seconds }
	}
	behind := func(seconds int) shape {
		return func(pod *corev1.Pod) { pod.Status.StartTime = new(at(-seconds)) }
	}
	noDeadline := func(pod *corev1.Pod) { pod.Spec.ActiveDeadlineSeconds = nil }
	unstarted := func(pod *corev1.Pod) { pod.Status.StartTime = nil }
	undone := func(pod *corev1.Pod) {
		pod.Status.Conditions[len(pod.Status.Conditions)-1].Status = corev1.ConditionFalse
	}
	tests := map[string]struct {
		shapes []shape
		want   bool
	}{
		"by itself":                                      {[]shape{ended(9), phase(corev1.PodSucceeded)}, false},
		"by itself, and failed":                          {[]shape{ended(9), phase(corev1.PodFailed)}, false},
		"a second before the deadline":                   {[]shape{ended(599), failed(reasonDeadlineExceeded, "")}, false},
		"in the second of the deadline":                  {[]shape{ended(600), failed(reasonDeadlineExceeded, "")}, true},
		"after the deadline":                             {[]shape{ended(601), failed(reasonDeadlineExceeded, "")}, true},
		"by a deadline, and nobody knows when":           {[]shape{never, failed(reasonDeadlineExceeded, "")}, true},
		"by a deadline that is gone":                     {[]shape{ended(9), failed(reasonDeadlineExceeded, ""), noDeadline}, true},
		"by a deadline since nobody knows when":          {[]shape{ended(9), failed(reasonDeadlineExceeded, ""), unstarted}, true},
		"before the deadline of a pod that was deleted":  {[]shape{ended(9), failed(reasonDeadlineExceeded, ""), deleted(8)}, true},
		"when it was deleted":                            {[]shape{ended(9), deleted(8)}, true},
		"just before it was deleted, by some clock":      {[]shape{ended(9), deleted(9 + skew)}, true},
		"well before it was deleted":                     {[]shape{ended(9), deleted(10 + skew)}, false},
		"when it was deleted without grace":              {[]shape{ended(9), deleted(39 + skew), grace(new(int64(0)))}, false},
		"when it was deleted, and the grace is not told": {[]shape{ended(9), deleted(8), grace(nil)}, true},
		"before it was deleted, by a clock that is behind": {
			[]shape{ended(9 - 600), deleted(9 + skew), behind(600)}, true},
		"well before it was deleted, by a clock that is behind": {
			[]shape{ended(9 - 600), deleted(10 + skew), behind(600)}, false},
		"when it was disrupted":                    {[]shape{ended(9), disrupted(8, "EvictionByEvictionAPI", "")}, true},
		"well before it was disrupted":             {[]shape{ended(9), disrupted(10+skew, "EvictionByEvictionAPI", "")}, false},
		"before a disruption that came to nothing": {[]shape{ended(9), disrupted(8, "EvictionByEvictionAPI", ""), undone}, false},
		"by a deletion, and its node was lost much later": {
			[]shape{ended(9), deleted(8), disrupted(3600, "DeletionByPodGC", "")}, true},
		"by a kubelet that evicted it and set no condition": {[]shape{ended(9), failed("Evicted", "low on memory")}, true},
		"by a shutdown without a condition":                 {[]shape{ended(9), failed("Terminated", "")}, true},
		"of a pod that failed for a reason of its own":      {[]shape{ended(9), failed("Unknown", "")}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pod := newPod(test.shapes...)
			validator := lookContainer(pod.Status.ContainerStatuses, "validator")
			if got := endedBy(pod, &validator); got != test.want {
				t.Errorf("ended from outside: %t, want %t", got, test.want)
			}
		})
	}
}
