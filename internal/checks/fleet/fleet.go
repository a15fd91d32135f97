// Package fleet has what the checks of the readiness phase do: they look at the API server, and at the nodes, their versions,
// resources, GPUs and clocks. It asks through a client that it is given, changes nothing, and must not import a phase's checks.
package fleet

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// pageSize keeps each answer small in a large cluster.
const pageSize = 500

// List reads all nodes. Without any there is nothing to run on, which is a failure.
func List(ctx context.Context, client kubernetes.Interface, f *finding.Finding) []corev1.Node {
	var all []corev1.Node
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.CoreV1().Nodes().List(ctx, options)
		if err != nil {
			f.Refused("list nodes", fmt.Errorf("listing nodes: %w", err))
			return nil
		}
		for i := range page.Items {
			// Of thousands of nodes these take most of the memory, and no check reads them.
			page.Items[i].ManagedFields, page.Items[i].Status.Images = nil, nil
		}
		all = append(all, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	if len(all) == 0 {
		f.Fail("nodes", "none", "join a node to the cluster")
	}
	return all
}

// judged are the nodes that a check judges. Those that are apart, and why, are noted; that none is left proves nothing.
func judged(f *finding.Finding, all []corev1.Node, apart func(*corev1.Node) string) []*corev1.Node {
	nodes := make([]*corev1.Node, 0, len(all))
	for i := range all {
		if why := apart(&all[i]); why != "" {
			f.Note("node %s is left out: %s", all[i].Name, why)
			continue
		}
		nodes = append(nodes, &all[i])
	}
	if len(nodes) == 0 && len(all) > 0 {
		f.CouldNotRun("all of the %d nodes are left out: of node %s, %s", len(all), all[0].Name, apart(&all[0]))
	}
	return nodes
}

// eachPod visits all pods of the cluster, a page at a time, so that no more than a page of them is held.
func eachPod(ctx context.Context, client kubernetes.Interface, visit func(*corev1.Pod)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		for i := range page.Items {
			visit(&page.Items[i])
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return nil
		}
	}
}
