package readiness

import (
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// pageSize keeps each answer small in a cluster of thousands of nodes.
const pageSize = 500

// nodes reads all nodes of the cluster; a cluster without any is no place for workloads.
func nodes(t *testing.T) []corev1.Node {
	t.Helper()
	c, ctx := cluster.Connect(t), cluster.Context(t, 2*requestTime)
	var nodes []corev1.Node
	options := metav1.ListOptions{Limit: pageSize}
	for {
		list, err := c.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			t.Fatalf("listing nodes: %v. To mend: give the run's ServiceAccount the right to list nodes", err)
		}
		nodes = append(nodes, list.Items...)
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	if len(nodes) == 0 {
		t.Fatal("expected nodes; found none. To mend: join a node to the cluster")
	}
	t.Attr("nodes", strconv.Itoa(len(nodes)))
	return nodes
}

// TestNodesReady proves that each node is ready and short of neither memory, disk, processes nor network. Cordoned nodes count:
// they are named, and whether they are wanted is not for a check to say. It needs to list nodes.
func TestNodesReady(t *testing.T) {
	for _, node := range nodes(t) {
		if node.Spec.Unschedulable {
			t.Logf("node %s is cordoned", node.Name)
		}
		if problems := health.NodeProblems(&node); len(problems) > 0 {
			t.Errorf("expected node %s to be healthy; found %s. To mend: see kubectl describe node %s and the kubelet's log there",
				node.Name, strings.Join(problems, "; "), node.Name)
		}
	}
}

// TestNodesSchedulable proves that there is at least one ready node that takes ordinary pods: one neither cordoned nor tainted.
// It needs to list nodes.
func TestNodesSchedulable(t *testing.T) {
	schedulable := 0
	all := nodes(t)
	for _, node := range all {
		if health.Schedulable(&node) && len(health.NodeProblems(&node)) == 0 {
			schedulable++
		}
	}
	t.Attr("nodes.schedulable", strconv.Itoa(schedulable))
	if schedulable == 0 {
		t.Errorf("expected a node that takes ordinary pods; found none among %d, which are cordoned, tainted or not healthy. "+
			"To mend: kubectl uncordon a node, or take its taint away", len(all))
	}
}

// TestNodeVersionSkew proves that no kubelet is newer than the API server or more than three minor versions older, beyond which
// Kubernetes supports nothing. It needs to list nodes and to get the non-resource URL /version.
func TestNodeVersionSkew(t *testing.T) {
	server := version(t)
	t.Attr(serverVersion, server)
	for _, node := range nodes(t) {
		if err := constraint.Skew(server, node.Status.NodeInfo.KubeletVersion); err != nil {
			t.Errorf("expected node %s to have a supported version; found %v. To mend: upgrade whichever is older", node.Name, err)
		}
	}
}
