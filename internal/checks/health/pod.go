package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// loopRestarts and loopWindow tell a container that crashes again and again, and happens to run just now, from one that
	// once did: the kubelet's back-off grows to five minutes, so a loop shows at least one crash in ten.
	loopRestarts = 3
	loopWindow   = 10 * time.Minute
)

// PodProblems says which containers of a pod cannot run: those that crash again and again and those that cannot be started.
// A pod that has ended or is on its way out has no problems.
func PodProblems(pod *corev1.Pod, now time.Time) []string {
	if pod.DeletionTimestamp != nil || PodFinished(pod) {
		return nil
	}
	var problems []string
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if problem := containerProblem(status, now); problem != "" {
			problems = append(problems, fmt.Sprintf("container %s %s", status.Name, problem))
		}
	}
	return problems
}

func containerProblem(status corev1.ContainerStatus, now time.Time) string {
	if waiting := status.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "", "ContainerCreating", "PodInitializing":
		default:
			return fmt.Sprintf("waits in %s after %d restarts: %s", waiting.Reason, status.RestartCount, waiting.Message)
		}
	}
	// Between two starts the kubelet may show the end of the last one in place of the wait for the next.
	switch ended := status.State.Terminated; {
	case ended == nil:
	case ended.ExitCode == 0:
		return "" // whatever came before: an init container, say, that found at last what it waited for
	case status.RestartCount > 0:
		return crashes(status, ended)
	}
	last := status.LastTerminationState.Terminated
	if last == nil || last.ExitCode == 0 || status.RestartCount < loopRestarts || now.Sub(last.FinishedAt.Time) > loopWindow {
		return ""
	}
	return crashes(status, last)
}

func crashes(status corev1.ContainerStatus, last *corev1.ContainerStateTerminated) string {
	return fmt.Sprintf("crashes again and again: %d restarts, last ended with exit code %d (%s)",
		status.RestartCount, last.ExitCode, last.Reason)
}

// PodReady reports whether a pod counts as an endpoint of its Services.
func PodReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// PodFinished reports whether all containers of a pod have ended for good.
func PodFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// DescribePod says how far a pod has come, for the message of a wait that was in vain.
func DescribePod(pod *corev1.Pod) string {
	parts := []string{string(pod.Status.Phase)}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status != corev1.ConditionTrue {
			parts = append(parts, fmt.Sprintf("not scheduled: %s: %s", condition.Reason, condition.Message))
		}
	}
	for _, status := range pod.Status.ContainerStatuses {
		switch {
		case status.State.Waiting != nil:
			parts = append(parts, strings.TrimSuffix(
				fmt.Sprintf("container waits: %s: %s", status.State.Waiting.Reason, status.State.Waiting.Message), ": "))
		case status.State.Terminated != nil:
			parts = append(parts, fmt.Sprintf("container ended with exit code %d (%s)",
				status.State.Terminated.ExitCode, status.State.Terminated.Reason))
		}
	}
	if pod.Status.Message != "" {
		parts = append(parts, pod.Status.Message)
	}
	return strings.Join(parts, "; ")
}
