package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// tolerated is how far apart clocks may be. Certificates, tokens and logs bear minutes and seconds; five seconds are what no node
// with a running time service reaches.
const tolerated = 5 * time.Second

// Clocks looks for nodes whose clock differs from the API server's. Of a node that is not ready the lease tells of the clock that it
// had, so that it is left to the check of what it is that it is not ready.
func Clocks(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	if len(all) == 0 {
		return f
	}
	leases, err := nodeLeases(ctx, client)
	if err != nil {
		f.Refused("list leases in the namespace "+corev1.NamespaceNodeLease, err)
		return f
	}
	known, largest := 0, time.Duration(0)
	var silent []string
	for _, node := range judged(&f, all, health.NoMachine) {
		name := node.Name
		if !ready(node) {
			f.Note("node %s is not ready, and its clock was not looked at", name)
			continue
		}
		skew, found := time.Duration(0), false
		if lease := leases[name]; lease != nil {
			skew, found = health.ClockSkew(lease)
		}
		if !found {
			silent = append(silent, name)
			continue
		}
		known++
		largest = max(largest, skew.Abs())
		if skew.Abs() > tolerated {
			f.Fail(fmt.Sprintf("the clock of node %s to be within %s of the API server's", name, tolerated),
				direction(skew), fmt.Sprintf("see that a time service, such as chrony, runs on node %s", name))
		}
	}
	f.Measure("nodes.clocks", known)
	if len(silent) > 0 {
		f.CouldNotRun("%d of %d nodes have no lease in the namespace %s that tells when it was renewed, such as %s", len(silent), len(all),
			corev1.NamespaceNodeLease, silent[0])
	}
	if known == 0 {
		f.CouldNotRun("no ready node tells of its clock")
		return f
	}
	f.Measure("clock-skew.max", largest)
	return f
}

func ready(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// nodeLeases are the leases that kubelets renew, by the names of their nodes.
func nodeLeases(ctx context.Context, client kubernetes.Interface) (map[string]*coordinationv1.Lease, error) {
	leases := map[string]*coordinationv1.Lease{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing the nodes' leases: %w", err)
		}
		for i := range page.Items {
			leases[page.Items[i].Name] = &page.Items[i]
		}
		if options.Continue = page.Continue; options.Continue == "" {
			return leases, nil
		}
	}
}

func direction(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("that it is %s behind", -skew)
	}
	return fmt.Sprintf("that it is %s ahead", skew)
}
