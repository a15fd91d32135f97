package health

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/klog/v2"
)

// Untolerated is a taint of a node that keeps pods with these tolerations away; nil if none does.
func Untolerated(node *corev1.Node, tolerations []corev1.Toleration) *corev1.Taint {
	for i := range node.Spec.Taints {
		taint := &node.Spec.Taints[i]
		if taint.Effect == corev1.TaintEffectPreferNoSchedule {
			continue
		}
		if !slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool { return t.ToleratesTaint(klog.Background(), taint, true) }) {
			return taint
		}
	}
	return nil
}

// Selected reports whether a node has the labels that a pod asks for, by its node selector and its required affinity. Which node a term
// names is left out of account: it is how a run has a validator on each node, and is not about the pods that the validator starts.
func Selected(node *corev1.Node, pod *corev1.PodSpec) bool {
	has := labels.Set(node.Labels)
	if !labels.SelectorFromSet(pod.NodeSelector).Matches(has) {
		return false
	}
	if pod.Affinity == nil || pod.Affinity.NodeAffinity == nil {
		return true
	}
	required := pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	return required == nil || slices.ContainsFunc(required.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
		// A term that asks for nothing is met by no node.
		return len(term.MatchExpressions)+len(term.MatchFields) > 0 &&
			!slices.ContainsFunc(term.MatchExpressions, func(r corev1.NodeSelectorRequirement) bool { return !meets(has, r) })
	})
}

// operators are those of node selectors, as selectors of labels have them.
var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn: selection.In, corev1.NodeSelectorOpNotIn: selection.NotIn,
	corev1.NodeSelectorOpExists: selection.Exists, corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt: selection.GreaterThan, corev1.NodeSelectorOpLt: selection.LessThan,
}

func meets(has labels.Set, asks corev1.NodeSelectorRequirement) bool {
	requirement, err := labels.NewRequirement(asks.Key, operators[asks.Operator], asks.Values)
	return err == nil && requirement.Matches(has)
}
