package health

import (
	"fmt"

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

// Schedulable reports whether a pod without tolerations may be put on the node.
func Schedulable(node *corev1.Node) bool {
	if node.Spec.Unschedulable {
		return false
	}
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoSchedule || taint.Effect == corev1.TaintEffectNoExecute {
			return false
		}
	}
	return true
}
