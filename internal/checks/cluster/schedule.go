package cluster

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// Unschedulable is what the scheduler says of a pod that it has found no node for; empty for one that has a node, for one that no
// scheduler has looked at, and for one that the scheduler has failed at.
func Unschedulable(pod *corev1.Pod) string {
	if pod.Spec.NodeName != "" {
		return ""
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse &&
			(c.Reason == corev1.PodReasonUnschedulable || c.Reason == corev1.PodReasonSchedulingGated) {
			return cmp.Or(c.Message, c.Reason)
		}
	}
	return ""
}

// NoRoom keeps that no node has taken a pod, and reports whether that is so. A cluster that is full, or whose nodes are others', does what
// it should; what the pod was to prove is not proven.
func NoRoom(f *finding.Finding, pod *corev1.Pod) bool {
	words := Unschedulable(pod)
	if words != "" {
		f.CouldNotRun("no node has taken pod %s: %s To mend: make room for it, or give the run the nodeSelector and the tolerations with "+
			"which a node takes it", pod.Name, sentence(words))
	}
	return words != ""
}

// full and volumeless are words of schedulers about nodes that have no room, and about those for which a pod's volume cannot be had.
var (
	full = []string{
		"Insufficient ", "Too many pods", "exceed max volume count", // of Kubernetes and of most others
		"resource fit failed", "pod number exceeded", // of Volcano
		"have enough resources", // of KAI
	}
	volumeless = []string{
		"unbound immediate PersistentVolumeClaims", "find available persistent volumes to bind", "have enough free storage",
		"bound to non-existent pv",
	}
)

// Full reports whether a scheduler's words are about nodes that have no room.
func Full(words string) bool { return containsAny(words, full) }

// LacksVolume reports whether a scheduler's words are about a volume that cannot be had, and not about room as well.
func LacksVolume(words string) bool { return containsAny(words, volumeless) && !Full(words) }

func containsAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// sentence ends words as a sentence does.
func sentence(words string) string {
	if words[len(words)-1] == '.' {
		return words
	}
	return words + "."
}
