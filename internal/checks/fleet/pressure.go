package fleet

import (
	"context"
	"fmt"
	"math"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// Pressure looks for nodes that are short of resources.
func Pressure(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	if len(all) == 0 {
		return f
	}
	f.Measure("nodes", len(all))
	loads := make(map[string]health.NodeLoad, len(all))
	for i := range all {
		loads[all[i].Name] = health.NodeLoad{}
	}
	err := eachPod(ctx, client, func(pod *corev1.Pod) {
		if load, found := loads[pod.Spec.NodeName]; found {
			load.Add(pod)
		}
	})
	if err != nil {
		f.Refused("list pods in the whole cluster", err)
		// Half a sum proves nothing.
		loads = nil
	}
	for _, node := range judged(&f, all, health.NoMachine) {
		if problems := health.NodePressure(node, loads[node.Name]); len(problems) > 0 {
			f.Fail(fmt.Sprintf("node %s to have resources to give", node.Name), strings.Join(problems, "; "),
				fmt.Sprintf("see kubectl describe node %s for what takes them: move pods away, free its disk, or add nodes", node.Name))
		}
	}
	if loads != nil {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods} {
			f.Measure("requested."+string(name), requested(all, loads, name))
		}
	}
	return f
}

// requested is the share of the cluster's allocatable resources of a kind that pods ask for.
func requested(all []corev1.Node, loads map[string]health.NodeLoad, name corev1.ResourceName) string {
	asked, gives := 0.0, 0.0
	for i := range all {
		load, allocatable := loads[all[i].Name][name], all[i].Status.Allocatable[name]
		asked += load.AsApproximateFloat64()
		gives += allocatable.AsApproximateFloat64()
	}
	if gives == 0 {
		return "nothing is allocatable"
	}
	return fmt.Sprintf("%.0f%%", math.Ceil(100*asked/gives))
}
