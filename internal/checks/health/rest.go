package health

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// settleTime is how long a pod, a claim or a deletion may take to come to rest.
const settleTime = 5 * time.Minute

// PodUnrest says what keeps a pod from being at rest: what keeps its containers from running, and that it is pending, not ready
// or held in its deletion for long, or has failed and no Job tries again in its place.
func PodUnrest(pod *corev1.Pod, now time.Time) []string {
	problems := PodProblems(pod, now)
	switch {
	case pod.DeletionTimestamp != nil:
		if late := now.Sub(pod.DeletionTimestamp.Time); late > settleTime {
			problems = append(problems, fmt.Sprintf("it should have gone %s ago, held by %q", late.Round(time.Second), pod.Finalizers))
		}
	case pod.Status.Phase == corev1.PodFailed && !ownedByJob(pod):
		problems = append(problems, "it has failed: "+DescribePod(pod))
	case PodFinished(pod) || len(problems) > 0:
	case pod.Status.Phase == corev1.PodPending:
		if age := now.Sub(pod.CreationTimestamp.Time); age > settleTime {
			problems = append(problems, fmt.Sprintf("it is pending for %s: %s", age.Round(time.Second), DescribePod(pod)))
		}
	default:
		if since := unreadySince(pod); !since.IsZero() && now.Sub(since) > settleTime {
			problems = append(problems, fmt.Sprintf("it is not ready for %s", now.Sub(since).Round(time.Second)))
		}
	}
	return problems
}

func ownedByJob(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job"
}

// unreadySince is when a pod that runs was last ready, or began to run; zero for one that is ready.
func unreadySince(pod *corev1.Pod) time.Time {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			if condition.Status == corev1.ConditionTrue {
				return time.Time{}
			}
			return condition.LastTransitionTime.Time
		}
	}
	return pod.CreationTimestamp.Time
}

// ClaimProblem says why a claim has no storage; empty if it has some, or may yet get it.
func ClaimProblem(claim *corev1.PersistentVolumeClaim, now time.Time) string {
	age := now.Sub(claim.CreationTimestamp.Time)
	switch claim.Status.Phase {
	case corev1.ClaimBound:
		return ""
	case corev1.ClaimLost:
		return "its volume is lost"
	default:
		if age <= settleTime {
			return ""
		}
		return fmt.Sprintf("it is %s for %s", claim.Status.Phase, age.Round(time.Second))
	}
}
