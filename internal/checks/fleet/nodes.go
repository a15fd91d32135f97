package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// Ready looks for nodes that are not healthy. Whether a cordoned one is wanted is not for a check to say.
func Ready(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	f.Measure("nodes", len(all))
	for _, node := range judged(&f, all, health.Leaving) {
		if node.Spec.Unschedulable {
			f.Note("node %s is cordoned", node.Name)
		}
		if problems := health.NodeProblems(node); len(problems) > 0 {
			f.Fail(fmt.Sprintf("node %s to be healthy", node.Name), strings.Join(problems, "; "),
				fmt.Sprintf("see kubectl describe node %s and the kubelet's log there", node.Name))
		}
	}
	return f
}

// Schedulable looks for a healthy node that takes ordinary pods. Where all are tainted on purpose, ordinary pods are those that tolerate
// that, as the run's own pod does, which is asked for only then.
func Schedulable(ctx context.Context, client kubernetes.Interface, own func() (*corev1.Pod, error)) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	nodes := judged(&f, all, health.Leaving)
	if len(nodes) == 0 {
		return f
	}
	nodes = slices.DeleteFunc(nodes, func(node *corev1.Node) bool {
		return node.Spec.Unschedulable || len(health.NodeProblems(node)) > 0
	})
	found := fmt.Sprintf("none among %d, which are cordoned, tainted or not healthy", len(all))
	schedulable := tolerating(nodes, nil)
	if schedulable == 0 && len(nodes) > 0 {
		pod, err := own()
		if err != nil {
			f.Refused("get pods in the run's namespace", fmt.Errorf("finding the validator's own pod, to see what taints it tolerates: %w", err))
			return f
		}
		schedulable = tolerating(nodes, pod.Spec.Tolerations)
		f.Note("no node takes pods without tolerations, and %d take those with the run's own", schedulable)
		found += "; nor does any take the run's own pod"
	}
	f.Measure("nodes", len(all))
	f.Measure("nodes.schedulable", schedulable)
	if schedulable == 0 {
		f.Fail("a node that takes ordinary pods", found,
			"kubectl uncordon a node, take its taint away, or give the run a toleration for it if all are tainted on purpose")
	}
	return f
}

// tolerating is how many nodes have no taint beyond these tolerations.
func tolerating(nodes []*corev1.Node, tolerations []corev1.Toleration) int {
	count := 0
	for _, node := range nodes {
		if health.Untolerated(node, tolerations) == nil {
			count++
		}
	}
	return count
}

// Skew looks for kubelets that the API server does not support. A version that does not tell is no proof either way.
func Skew(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	server, ok := versionOf(ctx, client, &f)
	if !ok {
		return f
	}
	f.Measure(serverVersion, server)
	all := List(ctx, client, &f)
	f.Measure("nodes", len(all))
	for _, node := range judged(&f, all, health.NoMachine) {
		switch err := constraint.Skew(server, node.Status.NodeInfo.KubeletVersion); {
		case errors.Is(err, constraint.ErrVague):
			f.CouldNotRun("node %s: %v. To mend: see kubectl get nodes for versions that are none", node.Name, err)
		case err != nil:
			f.Fail(fmt.Sprintf("node %s to have a supported version", node.Name), err.Error(), "upgrade whichever is older")
		}
	}
	return f
}
