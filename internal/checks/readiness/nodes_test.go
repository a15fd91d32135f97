package readiness

import (
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/fleet"
)

// TestNodesReady proves that each node is ready and short of neither memory, disk, processes nor network. Cordoned nodes count:
// they are named, and whether they are wanted is not for a check to say. It needs to list nodes.
func TestNodesReady(t *testing.T) { look(t, fleet.Ready) }

// TestNodesSchedulable proves that there is at least one ready node that takes ordinary pods: one neither cordoned nor tainted.
// It needs to list nodes.
func TestNodesSchedulable(t *testing.T) { look(t, fleet.Schedulable) }

// TestNodeVersionSkew proves that no kubelet is newer than the API server or more than three minor versions older, beyond which
// Kubernetes supports nothing. It needs to list nodes and to get the non-resource URL /version.
func TestNodeVersionSkew(t *testing.T) { look(t, fleet.Skew) }
