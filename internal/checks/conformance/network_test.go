package conformance

import (
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/network"
)

// networkTime bounds a check of the network; two pods have to start in it, one after the other.
const networkTime = 3 * time.Minute

// TestClusterDNS proves that a pod finds a new Service by its short and its long name, and finds the Service's own address. It needs to
// get, create, delete and watch pods and to create and delete Services in the run's namespace, and to list Services in kube-system.
// In a cluster without DNS it is not applicable.
func TestClusterDNS(t *testing.T) { cluster.Try(t, networkTime, network.DNS) }

// TestServiceRouting proves that a pod is reached at the address of its Service, by another pod. It needs to get, create, delete
// and watch pods and to create and delete Services in the run's namespace.
func TestServiceRouting(t *testing.T) { cluster.Try(t, networkTime, network.Routing) }

// TestNodeReachability proves that pods on each node reach pods on each other node, at the pods' own addresses. It needs to list
// nodes, and to get, create, delete and watch pods in the run's namespace. With one node it is not applicable.
func TestNodeReachability(t *testing.T) { cluster.Try(t, 2*networkTime, network.Reachability) }
