package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	for i := range all {
		node := &all[i]
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

// Schedulable looks for a healthy node that takes ordinary pods.
func Schedulable(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	if len(all) == 0 {
		return f
	}
	schedulable := 0
	for i := range all {
		if health.Schedulable(&all[i]) && len(health.NodeProblems(&all[i])) == 0 {
			schedulable++
		}
	}
	f.Measure("nodes", len(all))
	f.Measure("nodes.schedulable", schedulable)
	if schedulable == 0 {
		f.Fail("a node that takes ordinary pods", fmt.Sprintf("none among %d, which are cordoned, tainted or not healthy", len(all)),
			"kubectl uncordon a node, or take its taint away")
	}
	return f
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
	for i := range all {
		node := &all[i]
		switch err := constraint.Skew(server, node.Status.NodeInfo.KubeletVersion); {
		case errors.Is(err, constraint.ErrVague):
			f.CouldNotRun("node %s: %v. To mend: see kubectl get nodes for versions that are none", node.Name, err)
		case err != nil:
			f.Fail(fmt.Sprintf("node %s to have a supported version", node.Name), err.Error(), "upgrade whichever is older")
		}
	}
	return f
}
