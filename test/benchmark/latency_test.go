package benchmark

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// podClock knows when pods ended, to the nanosecond: the API has whole seconds.
type podClock struct {
	mu    sync.Mutex
	ended map[string]podEnd    // by namespace and run
	told  map[string]time.Time // by the path of the pod's status
}

// podEnd is the end of a run's last program.
type podEnd struct {
	at     time.Time
	status string
}

// step is the last step of a program whose end counts.
func (c *podClock) step(p *podlet.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = map[string]podEnd{}
	}
	c.ended[p.Pod.Namespace+"/"+p.Pod.Labels[v1alpha1.LabelRun]] = podEnd{
		at: time.Now(), status: "/api/v1/namespaces/" + p.Pod.Namespace + "/pods/" + p.Pod.Name + "/status",
	}
}

// transport notes when the API server has taken what the kubelet says of a pod; the last thing it says is the pod's end.
func (c *podClock) transport(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(request)
		if request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, "/status") {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.told == nil {
				c.told = map[string]time.Time{}
			}
			c.told[request.URL.Path] = time.Now()
		}
		return response, err
	})
}

// latencies are how long verdicts took: from the end of the last program, and from when the API server knew of it.
func (c *podClock) latencies(namespace string, verdicts map[string]time.Time) (fromEnd, fromTold []time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for run, at := range verdicts {
		end := c.ended[namespace+"/"+run]
		fromEnd = append(fromEnd, at.Sub(end.at))
		fromTold = append(fromTold, at.Sub(c.told[end.status]))
	}
	return fromEnd, fromTold
}

// milliseconds is a percentile of sorted durations.
func milliseconds(sorted []time.Duration, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*percent/100].Microseconds()) / 1000
}

// inFlight is how many runs at a time an operator has to do with that is not at its limit.
const inFlight = 4

// BenchmarkVerdict keeps a few runs going, so that what is measured is the way of a verdict and not the length of a queue.
func BenchmarkVerdict(b *testing.B) {
	for _, v := range variants {
		b.Run(v.name+"/"+managers[*limits].name, func(b *testing.B) {
			c := start(b)
			c.jobSpec(b, &v)
			o := startOperator(b, c)
			var fromEnd, fromTold []time.Duration
			for b.Loop() {
				c.inNamespace(b, func(namespace string) {
					n := max(*runs/5, inFlight)
					ends := c.watch(b, namespace, &v1alpha1.ValidationRun{}, n, passed)
					for i := range n {
						if i >= inFlight {
							ends.next(b)
						}
						if err := c.client.Create(b.Context(), v.run(namespace, i)); err != nil {
							b.Fatalf("creating a run: %v", err)
						}
					}
					ends.wait(b)
					end, told := c.pods.latencies(namespace, ends.at)
					fromEnd, fromTold = append(fromEnd, end...), append(fromTold, told...)
				})
			}
			o.stop()
			b.ReportMetric(0, "ns/op")
			reportLatencies(b, fromEnd, fromTold)
		})
	}
}

// reportLatencies reports how long verdicts took: from the end of the pod's program, and from when the API server knew of it.
func reportLatencies(b *testing.B, fromEnd, fromTold []time.Duration) {
	slices.Sort(fromEnd)
	slices.Sort(fromTold)
	b.ReportMetric(milliseconds(fromEnd, 50), "p50-ms")
	b.ReportMetric(milliseconds(fromEnd, 99), "p99-ms")
	b.ReportMetric(milliseconds(fromTold, 50), "told-p50-ms")
	b.ReportMetric(milliseconds(fromTold, 99), "told-p99-ms")
}
