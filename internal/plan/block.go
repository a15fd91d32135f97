package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// blocked is what keeps a pod's validator from starting, nil where nothing is known to.
func blocked(pod *corev1.Pod) *Block {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &Block{Reason: v1alpha1.ReasonUnschedulable, Message: "no node takes the pod: " + orUnknown(c.Message)}
		}
	}
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if s.Name != workload.ListContainer && s.Name != workload.ValidatorContainer || s.State.Waiting == nil {
			continue
		}
		if b := waiting(s.Image, s.State.Waiting); b != nil {
			return b
		}
	}
	return nil
}

// waiting reads the kubelet's reason for a container that does not start (pkg/kubelet/images/types.go, pkg/kubelet/container/sync_result.go).
func waiting(image string, w *corev1.ContainerStateWaiting) *Block {
	switch w.Reason {
	case "", "ContainerCreating", "PodInitializing":
		return nil
	case "InvalidImageName", "ErrImageNeverPull":
		return &Block{Reason: v1alpha1.ReasonInvalidImage, Message: fmt.Sprintf("image %s: %s: %s", image, w.Reason, orUnknown(w.Message)), Final: true}
	case "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
		return &Block{Reason: v1alpha1.ReasonImagePullFailed, Message: fmt.Sprintf("image %s: %s: %s", image, w.Reason, orUnknown(w.Message))}
	case "CreateContainerConfigError":
		if missing(w.Message) {
			return &Block{Reason: v1alpha1.ReasonInputMissing, Message: w.Message}
		}
	case "CreateContainerError":
		if strings.Contains(w.Message, "no command specified") { // containerd's and CRI-O's words
			return &Block{
				Reason: v1alpha1.ReasonStartFailed, Message: fmt.Sprintf("image %s has no entrypoint: set container.command (%s)", image, w.Message), Final: true,
			}
		}
	}
	return &Block{Reason: v1alpha1.ReasonContainerNotCreated, Message: fmt.Sprintf("%s: %s", w.Reason, orUnknown(w.Message))}
}

// missing says whether a message of the kubelet is about an object or a key that is not there. It only chooses the word for a wait.
func missing(message string) bool {
	return strings.Contains(message, "not found") || strings.Contains(message, "couldn't find key") || strings.Contains(message, "non-existent")
}

// BlockedPod is what the events about a pod say of a pod that does not start, beyond its status: volumes that cannot be mounted.
func BlockedPod(events []eventsv1.Event) *Block {
	e := latest(events, "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
	if e == nil {
		return nil
	}
	if missing(e.Note) {
		return &Block{Reason: v1alpha1.ReasonInputMissing, Message: e.Note}
	}
	return &Block{Reason: v1alpha1.ReasonContainerNotCreated, Message: e.Reason + ": " + e.Note}
}

// BlockedJob is what the events about a Job say of a Job that has no pod. The Job controller gives the API server's refusal as text
// alone, so the words that admission plugins begin with tell one from another.
func BlockedJob(events []eventsv1.Event) *Block {
	e := latest(events, "FailedCreate")
	if e == nil {
		return nil
	}
	b := &Block{Reason: v1alpha1.ReasonPodNotCreated, Message: e.Note}
	switch {
	case strings.Contains(e.Note, "violates PodSecurity"):
		b.Reason, b.Final = v1alpha1.ReasonForbidden, true
	case strings.Contains(e.Note, "exceeded quota"):
		b.Reason = v1alpha1.ReasonQuotaExceeded
	case strings.Contains(e.Note, "failed quota"): // it bounds what the pod says nothing of
		b.Reason, b.Message = v1alpha1.ReasonQuotaExceeded, e.Note+": set validator.resources"
	case strings.Contains(e.Note, "serviceaccount") && missing(e.Note):
		b.Reason = v1alpha1.ReasonInputMissing
	case strings.Contains(e.Note, "is invalid:"):
		b.Reason, b.Final = v1alpha1.ReasonInvalidSpec, true
	}
	return b
}

// latest is the newest event of the given reasons.
func latest(events []eventsv1.Event, reasons ...string) *eventsv1.Event {
	var out *eventsv1.Event
	for i := range events {
		e := &events[i]
		if slices.Contains(reasons, e.Reason) && (out == nil || seenAt(e).After(seenAt(out))) {
			out = e
		}
	}
	return out
}

// seenAt is when an event was seen last: three fields, by the age of the client that wrote it.
func seenAt(e *eventsv1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.DeprecatedLastTimestamp.Time
}
