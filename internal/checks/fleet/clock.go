package fleet

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// tolerated is how far apart clocks may be. Certificates, tokens and logs bear minutes and seconds; five seconds are what no node
// with a running time service reaches.
const tolerated = 5 * time.Second

// Clocks looks for nodes whose clock differs from the API server's.
func Clocks(ctx context.Context, client kubernetes.Interface) finding.Finding {
	var f finding.Finding
	known, largest := 0, time.Duration(0)
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, options)
		if err != nil {
			f.Refused("list leases in the namespace "+corev1.NamespaceNodeLease, fmt.Errorf("listing the nodes' leases: %w", err))
			return f
		}
		for i := range page.Items {
			lease := &page.Items[i]
			skew, found := health.ClockSkew(lease)
			if !found {
				f.Note("the lease of node %s does not tell when it was renewed", lease.Name)
				continue
			}
			known++
			largest = max(largest, skew.Abs())
			if skew.Abs() > tolerated {
				f.Fail(fmt.Sprintf("the clock of node %s to be within %s of the API server's", lease.Name, tolerated),
					direction(skew), fmt.Sprintf("see that a time service, such as chrony, runs on node %s", lease.Name))
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	f.Measure("nodes.clocks", known)
	if known == 0 {
		f.NotApplicable("no node renews a lease in the namespace %s", corev1.NamespaceNodeLease)
		return f
	}
	f.Measure("clock-skew.max", largest)
	return f
}

func direction(skew time.Duration) string {
	if skew < 0 {
		return fmt.Sprintf("that it is %s behind", -skew)
	}
	return fmt.Sprintf("that it is %s ahead", skew)
}
