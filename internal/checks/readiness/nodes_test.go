package readiness

import (
	"context"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/fleet"
)

// TestNodesReady proves that each node is ready and short of neither memory, disk, processes nor network. Cordoned nodes count:
// they are named, and whether they are wanted is not for a check to say. It needs to list nodes.
func TestNodesReady(t *testing.T) { look(t, listTime, fleet.Ready) }

// TestNodesSchedulable proves that there is at least one ready node that takes ordinary pods: one neither cordoned nor tainted, or, where
// all are tainted, one whose taints the run tolerates. It needs to list nodes, and where all are tainted to get pods in the run's
// namespace.
func TestNodesSchedulable(t *testing.T) {
	cluster.Try(t, listTime, func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := fleet.Schedulable(ctx, b, b.Own)
		return &f
	})
}

// TestNodeVersionSkew proves that no kubelet is newer than the API server or more than three minor versions older, beyond which
// Kubernetes supports nothing. It needs to list nodes and to get the non-resource URL /version.
func TestNodeVersionSkew(t *testing.T) { look(t, listTime, fleet.Skew) }
