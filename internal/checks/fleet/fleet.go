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
