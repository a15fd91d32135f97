package performance

import (
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/latency"
)

// TestAPILatencyUnderLoad proves that the API server answers many clients at once fast: the 99th percentile of 960 requests by
// sixteen clients, a third each of them reads, lists and changes, is within the recipe's constraint api-latency-under-load.p99.
// It needs to get pods, and to create, list, update and delete ConfigMaps, in the run's namespace.
func TestAPILatencyUnderLoad(t *testing.T) {
	cluster.Try(t, measuring, latency.UnderLoad(limit(t, apiLatencyUnderLoad)))
}

// TestImagePull proves that nodes pull images fast: from the moment a pod is scheduled until the kubelet says that its image is
// there, the slowest of three pulls of the validator's image is within the recipe's constraint image-pull.p99. A node that has
// the image asks the registry for no more than its digest. It needs to get, create, delete and watch pods and to list and watch events
// in the run's namespace. For an image that was loaded into the node it is not applicable.
func TestImagePull(t *testing.T) {
	cluster.Try(t, 10*time.Minute, latency.Pull(limit(t, imagePull)))
}
