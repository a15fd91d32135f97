package plan

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// Look says what a pod of a Job shows. Listing and Log are not in the pod: who reads logs fills them in.
func Look(pod *corev1.Pod) Pod {
	out := Pod{
		Name: pod.Name, UID: pod.UID, Node: pod.Spec.NodeName,
		Ended:     pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed,
		List:      lookContainer(pod.Status.InitContainerStatuses, workload.ListContainer),
		Validator: lookContainer(pod.Status.ContainerStatuses, workload.ValidatorContainer),
		Framed:    workload.Framed(&pod.Spec),
	}
	if pod.Status.StartTime != nil {
		out.Started = pod.Status.StartTime.Time
	}
	if pod.Spec.ActiveDeadlineSeconds != nil {
		out.Deadline = *pod.Spec.ActiveDeadlineSeconds
	}
	if e := out.List.Exit; e != nil && e.Code != 0 && !out.List.StartFailed {
		out.Listing.Failed = "it ended with " + e.String()
		if text := strings.TrimSpace(e.Message); text != "" {
			out.Listing.Failed += ": " + text
		}
	}
	out.Trouble = trouble(pod, &out)
	if out.Validator.Started.IsZero() && out.Validator.Exit == nil {
		out.Blocked = blocked(pod)
	}
	out.correct(scheduled(pod))
	return out
}

// correct moves the times that a kubelet wrote whose clock is behind: it cannot have seen the pod before the scheduler gave it one. By
// such a clock everything would seem to last for long.
func (p *Pod) correct(scheduled time.Time) {
	if p.Started.IsZero() || !p.Started.Before(scheduled) {
		return
	}
	behind := scheduled.Sub(p.Started)
	for _, t := range []*time.Time{&p.Started, &p.List.Started, &p.List.Finished, &p.Validator.Started, &p.Validator.Finished} {
		if !t.IsZero() {
			*t = t.Add(behind)
		}
	}
}

// scheduled is when the scheduler bound a pod.
func scheduled(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

func lookContainer(statuses []corev1.ContainerStatus, name string) Container {
	for i := range statuses {
		if statuses[i].Name == name {
			return lookStatus(&statuses[i])
		}
	}
	return Container{}
}

func lookStatus(status *corev1.ContainerStatus) Container {
	out := Container{ID: status.ContainerID, ImageDigest: digest(status.ImageID)}
	switch {
	case status.State.Running != nil:
		out.Started = status.State.Running.StartedAt.Time
	case status.State.Terminated != nil:
		t := status.State.Terminated
		out.Started, out.Finished = known(t.StartedAt.Time), known(t.FinishedAt.Time)
		out.Exit = &verdict.Exit{Code: t.ExitCode, Signal: t.Signal, Reason: t.Reason, Message: t.Message}
		if t.ContainerID != "" {
			out.ID = t.ContainerID
		}
		out.StartFailed = t.Reason == "StartError" || t.Reason == "ContainerCannotRun"
	}
	return out
}

// known drops the times that a runtime gives for what never happened: a container that could not be started has startedAt 1970.
func known(t time.Time) time.Time {
	if t.Unix() <= 0 {
		return time.Time{}
	}
	return t
}

// digest is the digest of the image that a container status names: imageID is <repository>@sha256:…, or sha256:… alone where the image
// has no repository.
func digest(imageID string) string {
	if _, after, found := strings.Cut(imageID, "@"); found {
		return after
	}
	return imageID
}

// notExecuted says why a container's command was not executed, and, of a package that is not in the image, what to do.
func notExecuted(message string) string {
	text := "the command could not be executed: " + strings.TrimSpace(message)
	if strings.Contains(message, `.test": executable file not found`) {
		text += "; build the test binary of goTest.package into the image, under this name and in its PATH or in goTest.testDir"
	}
	return text
}

// trouble is what befell a pod before its validator ended. Afterwards it counts for nothing.
func trouble(pod *corev1.Pod, seen *Pod) *verdict.Trouble {
	validator := &seen.Validator
	for _, c := range []*Container{&seen.List, validator} {
		switch {
		case c.StartFailed:
			return &verdict.Trouble{Reason: v1alpha1.ReasonStartFailed, Message: notExecuted(c.Exit.Message)}
		case c.Exit != nil && c.Exit.Reason == "OOMKilled" && (c == validator || c.Exit.Code != 0):
			return &verdict.Trouble{Reason: v1alpha1.ReasonOOMKilled, Message: "the validator was killed for using more memory than its limit"}
		}
	}
	unseen := validator.Exit != nil && validator.Exit.Reason == reasonStatusUnknown
	if validator.Exit != nil && !unseen && restarts(pod) == 0 && !endedBy(pod, validator) {
		return nil
	}
	if restarts(pod) > 0 && !unseen {
		return &verdict.Trouble{Reason: v1alpha1.ReasonPodReplaced, Message: fmt.Sprintf("the validator was restarted in pod %s", pod.Name)}
	}
	if t := disruption(pod); t != nil {
		return t
	}
	if t := podReason(pod); t != nil {
		return t
	}
	if pod.DeletionTimestamp != nil {
		return &verdict.Trouble{Reason: v1alpha1.ReasonPodDeleted, Message: fmt.Sprintf("pod %s was deleted", pod.Name)}
	}
	if unseen {
		return &verdict.Trouble{
			Reason:  v1alpha1.ReasonEvidenceIncomplete,
			Message: fmt.Sprintf("nobody saw how the validator of pod %s ended: %s", pod.Name, orUnknown(validator.Exit.Message)),
		}
	}
	if seen.Ended && validator.Exit == nil && seen.Listing.Failed == "" {
		return &verdict.Trouble{
			Reason:  v1alpha1.ReasonEvidenceIncomplete,
			Message: fmt.Sprintf("pod %s ended and nobody saw how: %s", pod.Name, orUnknown(pod.Status.Message)),
		}
	}
	return nil
}

func restarts(pod *corev1.Pod) int32 {
	for _, s := range pod.Status.ContainerStatuses {
		if s.Name == workload.ValidatorContainer {
			return s.RestartCount
		}
	}
	return 0
}

// clockSkew is how far the clocks of a node and of the control plane may be apart without a container that was told to stop, and then
// exited with 0, being taken for one that had passed before.
const clockSkew = 5 * time.Minute

// endedBy says whether a validator that has ended may have been ended from outside: by the pod's deadline, which the kubelet measures as it
// does the end, or after its deletion or disruption had begun, of which the control plane wrote the time. Any one of them will do.
func endedBy(pod *corev1.Pod, validator *Container) bool {
	after := func(t time.Time) bool {
		return validator.Finished.IsZero() || !validator.Finished.Before(t.Truncate(time.Second))
	}
	margin := clockSkew
	if start := pod.Status.StartTime; start != nil {
		margin += max(scheduled(pod).Sub(start.Time), 0) // the kubelet's clock is known to be behind by that much
	}
	if pod.DeletionTimestamp != nil {
		grace := time.Duration(0)
		if pod.DeletionGracePeriodSeconds != nil {
			grace = time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
		}
		if after(pod.DeletionTimestamp.Add(-grace - margin)) {
			return true
		}
	}
	if pod.Status.Reason == reasonDeadlineExceeded {
		start, deadline := pod.Status.StartTime, pod.Spec.ActiveDeadlineSeconds
		return start == nil || deadline == nil || after(start.Add(time.Duration(*deadline)*time.Second))
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return after(c.LastTransitionTime.Add(-margin))
		}
	}
	// A kubelet that ends a pod without that condition does not say when.
	return pod.Status.Phase == corev1.PodFailed && byKubelet(pod.Status.Reason) != ""
}

// reasonDeadlineExceeded is what the kubelet gives a pod whose activeDeadlineSeconds are over (pkg/kubelet/active_deadline.go).
const reasonDeadlineExceeded = "DeadlineExceeded"

// reasonStatusUnknown is what the kubelet gives a container that it lost sight of, with an exit code and a restart that are of its own
// making (pkg/kubelet/status/status_manager.go, TerminatePod).
const reasonStatusUnknown = "ContainerStatusUnknown"

// disruption reads the condition that says why Kubernetes ended a pod (kubernetes.io/docs/concepts/workloads/pods/disruptions).
func disruption(pod *corev1.Pod) *verdict.Trouble {
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.DisruptionTarget || c.Status != corev1.ConditionTrue {
			continue
		}
		reason := v1alpha1.ReasonEvicted
		switch c.Reason {
		case corev1.PodReasonPreemptionByScheduler:
			reason = v1alpha1.ReasonPreempted
		case "DeletionByTaintManager", "DeletionByPodGC":
			reason = v1alpha1.ReasonNodeLost
		case corev1.PodReasonTerminationByKubelet:
			if r := byKubelet(pod.Status.Reason); r != "" {
				reason = r
			}
		}
		return &verdict.Trouble{Reason: reason, Message: fmt.Sprintf("pod %s: %s: %s", pod.Name, c.Reason, orUnknown(c.Message))}
	}
	return nil
}

// podReason reads the reason of a failed pod.
func podReason(pod *corev1.Pod) *verdict.Trouble {
	if pod.Status.Phase != corev1.PodFailed || pod.Status.Reason == "" {
		return nil
	}
	if pod.Status.Reason == reasonDeadlineExceeded {
		return &verdict.Trouble{Reason: v1alpha1.ReasonDeadlineExceeded, Message: fmt.Sprintf("pod %s was ended by its deadline", pod.Name)}
	}
	reason := byKubelet(pod.Status.Reason)
	if reason == "" {
		reason = v1alpha1.ReasonPodRejected
	}
	return &verdict.Trouble{Reason: reason, Message: fmt.Sprintf("pod %s: %s: %s", pod.Name, pod.Status.Reason, orUnknown(pod.Status.Message))}
}

// byKubelet is our reason for one that the kubelet gives a pod which it ends, empty where it is none of those.
func byKubelet(reason string) string {
	switch reason {
	case "Evicted":
		return v1alpha1.ReasonEvicted
	case "Preempting":
		return v1alpha1.ReasonPreempted
	case "NodeLost":
		return v1alpha1.ReasonNodeLost
	case "NodeShutdown", "Shutdown", "Terminated":
		return v1alpha1.ReasonNodeShutdown
	}
	return ""
}

func orUnknown(text string) string {
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	return "no message was given"
}
