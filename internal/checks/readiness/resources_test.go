package readiness

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/fleet"
)

// TestNodePressure proves that each node has resources to give: none says that it is short of memory, disk or processes, each has
// CPU, memory and pods to allocate, and none has pods that ask for more than it has. It needs to list nodes and the pods of the
// whole cluster.
func TestNodePressure(t *testing.T) { look(t, listTime, fleet.Pressure) }

// TestGPUHealth proves that the GPUs of each node that has some, or is labelled to have some, are offered, all of them and
// healthy, that no condition of the node tells of a fault, and that the pods which make GPUs usable are ready. It needs to list nodes,
// the pods of the whole cluster and the resource slices of DRA. Without GPUs it is not applicable.
func TestGPUHealth(t *testing.T) {
	look(t, listTime, func(ctx context.Context, client kubernetes.Interface) finding.Finding {
		return fleet.GPUs(ctx, client, time.Now())
	})
}

// TestNodeClocks proves that the clock of each ready node is within five seconds of the API server's. It needs to list nodes, and the
// leases in the namespace kube-node-lease.
func TestNodeClocks(t *testing.T) { look(t, listTime, fleet.Clocks) }
