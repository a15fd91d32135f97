package health

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// NodeProblems says what keeps a node from being healthy. That it is cordoned is somebody's decision and no problem.
func NodeProblems(node *corev1.Node) []string {
	var problems []string
	ready := false
	for _, condition := range node.Status.Conditions {
		switch condition.Type {
		case corev1.NodeReady:
			ready = true
			if condition.Status != corev1.ConditionTrue {
				problems = append(problems, describeCondition(condition))
			}
		case corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable:
			if condition.Status != corev1.ConditionFalse {
				problems = append(problems, describeCondition(condition))
			}
		default:
			// Of the others, none says that the node is unfit.
		}
	}
	if !ready {
		problems = append(problems, "it has no Ready condition")
	}
	return problems
}

func describeCondition(c corev1.NodeCondition) string {
	return fmt.Sprintf("%s is %s (%s: %s)", c.Type, c.Status, c.Reason, c.Message)
}

// Leaving says that a node is on its way out: whoever removes it waits for its pods to end, and it need not be well any more. Empty for all
// others.
func Leaving(node *corev1.Node) string {
	if node.DeletionTimestamp == nil {
		return ""
	}
	return "it is being deleted since " + node.DeletionTimestamp.UTC().Format(time.RFC3339)
}

// NoMachine says why a node is not judged as a machine that is to stay: it is on its way out, or a service behind a virtual kubelet, whose
// version, clock and resources are of its own kind. Empty for all others.
func NoMachine(node *corev1.Node) string {
	if why := Leaving(node); why != "" {
		return why
	}
	if node.Labels["type"] == "virtual-kubelet" || strings.Contains(node.Status.NodeInfo.KubeletVersion, "-vk-") {
		return "it is a virtual node"
	}
	return ""
}
