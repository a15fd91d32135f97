package performance

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	starts = 5
	// startTime bounds the start of one pod, so that a pod that never starts is told from one that is slow.
	startTime = 2 * time.Minute
)

// TestPodStartLatency proves that pods start fast: from the moment a pod is created until its container is seen to run, the
// 99th percentile, which is the slowest, of five pods one after the other is within the recipe's constraint pod-start.p99. They
// run the validator's image, which is on some node already; where another node has to pull it first, that counts. It needs to
// get, create, delete and watch pods in the run's namespace.
func TestPodStartLatency(t *testing.T) {
	demanded := limit(t, podStart)
	c := cluster.Connect(t)
	samples := make([]time.Duration, 0, starts)
	for i := range starts {
		pod, err := cluster.Probe{What: "pod-start", Run: probe.None}.Pod(c.Self(t))
		if err != nil {
			t.Fatal(err)
		}
		ctx := cluster.Context(t, startTime)
		start := time.Now()
		samples = append(samples, startOf(ctx, t, c, pod).Sub(start))
		t.Logf("pod %d of %d started after %s", i+1, starts, samples[i].Round(time.Millisecond))
	}
	judge(t, demanded, samples, "look at the events of pods in this namespace for what takes the time: scheduling, pulling the "+
		"image, the network plug-in, the container runtime")
}

// startOf creates a pod and returns when its container was seen to run.
func startOf(ctx context.Context, t *testing.T, c *cluster.Cluster, pod *corev1.Pod) time.Time {
	t.Helper()
	in := c.CoreV1().Pods(c.Namespace)
	created := cluster.Create(ctx, t, c, in, pod)
	last, err := cluster.Await(ctx, in, created, func(pod *corev1.Pod) (bool, error) { return health.PodStarted(pod), nil })
	if err != nil {
		t.Fatalf("expected pod %s to start within %s; found it %s: %v. To mend: see the events of the namespace",
			pod.Name, startTime, health.DescribePod(last), err)
	}
	return time.Now()
}
