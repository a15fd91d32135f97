package performance

import (
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/latency"
)

const (
	// measuring bounds a series of requests, starting one of pods that may each take their time.
	measuring = 2 * time.Minute
	starting  = 10 * time.Minute
)

// TestAPILatency proves that the API server answers fast: the 99th percentile of 200 requests, one after the other, half of them
// for one pod and half for a page of ConfigMaps, is within the recipe's constraint api-latency.p99. It needs to get
// pods and list ConfigMaps in the run's namespace.
func TestAPILatency(t *testing.T) { cluster.Try(t, measuring, latency.Requests(limit(t, apiLatency))) }

// TestAPILatencyUnderLoad proves that the API server answers many clients at once fast: the 99th percentile of 960 requests by
// sixteen clients, a third each of them reads, lists and changes, is within the recipe's constraint api-latency-under-load.p99.
// It needs to get pods, and to create, list, update and delete ConfigMaps, in the run's namespace.
func TestAPILatencyUnderLoad(t *testing.T) {
	cluster.Try(t, measuring, latency.UnderLoad(limit(t, apiLatencyUnderLoad)))
}

// TestWatchLatency proves that news spread fast: from the moment a ConfigMap is changed until a watch has told of it, the 99th
// percentile, which is the slowest, of 50 changes is within the recipe's constraint watch-latency.p99. It needs to get pods, and to
// create, update, delete and watch ConfigMaps in the run's namespace.
func TestWatchLatency(t *testing.T) { cluster.Try(t, measuring, latency.Watch(limit(t, watchLatency))) }

// TestPodStartLatency proves that pods start fast: from the moment a pod is created until its container is seen to run, the
// 99th percentile, which is the slowest, of five pods one after the other is within the recipe's constraint pod-start.p99. They
// run the validator's image, which is on some node already; where another node has to pull it first, that counts. It needs to
// get, create, delete and watch pods in the run's namespace.
func TestPodStartLatency(t *testing.T) {
	cluster.Try(t, starting, latency.PodStart(limit(t, podStart)))
}

// TestImagePull proves that nodes pull images fast: from the moment a pod is scheduled until the kubelet says that its image is
// there, the slowest of three pulls of the validator's image is within the recipe's constraint image-pull.p99. A node that has
// the image asks the registry for no more than its digest. It needs to get, create, delete and watch pods and to list and watch events
// in the run's namespace. For an image that was loaded into the node it is not applicable.
func TestImagePull(t *testing.T) { cluster.Try(t, starting, latency.Pull(limit(t, imagePull))) }
