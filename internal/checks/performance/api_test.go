package performance

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

const (
	requests = 200
	warmUp   = 5
	// measuring bounds a whole series.
	measuring = 2 * time.Minute
)

// TestAPILatency proves that the API server answers fast: the 99th percentile of 200 requests, one after the other, half of them
// for one pod and half for a page of ConfigMaps, is within the recipe's constraint api-latency.p99. It needs to get
// pods and list ConfigMaps in the run's namespace.
func TestAPILatency(t *testing.T) {
	demanded := limit(t, apiLatency)
	c, self := cluster.Connect(t), cluster.Connect(t).Self(t)
	ctx := cluster.Context(t, measuring)
	get := func() error {
		_, err := c.CoreV1().Pods(self.Namespace).Get(ctx, self.Name, metav1.GetOptions{})
		return err
	}
	list := func() error {
		_, err := c.CoreV1().ConfigMaps(c.Namespace).List(ctx, metav1.ListOptions{Limit: 50})
		return err
	}

	samples := make([]time.Duration, 0, requests)
	// The first requests pay for the connection.
	for i := range warmUp + requests {
		request := get
		if i%2 == 1 {
			request = list
		}
		start := time.Now()
		if err := request(); err != nil {
			t.Fatalf("request %d of %d: %v", i+1, warmUp+requests, err)
		}
		if i >= warmUp {
			samples = append(samples, time.Since(start))
		}
	}
	judge(t, demanded, samples, "look at the load of the API server and of its storage, etcd's disk first, "+
		"and at what else asks it much")
}
