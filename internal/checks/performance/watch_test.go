package performance

import (
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

const changes = 50

// TestWatchLatency proves that news spread fast: from the moment a ConfigMap is changed until a watch has told of it, the 99th
// percentile, which is the slowest, of 50 changes is within the recipe's constraint watch-latency.p99. It needs to create,
// update, delete and watch ConfigMaps in the run's namespace.
func TestWatchLatency(t *testing.T) {
	demanded := limit(t, watchLatency)
	c, ctx := cluster.Connect(t), cluster.Context(t, measuring)
	in := c.CoreV1().ConfigMaps(c.Namespace)
	current := cluster.Create(ctx, t, c, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("watch-latency")}})
	watcher, err := in.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", current.Name).String(),
		ResourceVersion: current.ResourceVersion,
	})
	if err != nil {
		t.Fatalf("watching a ConfigMap: %v. To mend: give the run's ServiceAccount the right to watch them", err)
	}
	defer watcher.Stop()

	samples := make([]time.Duration, 0, changes)
	for i := range changes {
		value := strconv.Itoa(i + 1)
		current.Data = map[string]string{"change": value}
		start := time.Now()
		if current, err = in.Update(ctx, current, metav1.UpdateOptions{}); err != nil {
			t.Fatalf("change %s of %d: %v", value, changes, err)
		}
		heard(t, watcher, value)
		samples = append(samples, time.Since(start))
	}
	judge(t, demanded, samples, "look at the load of the API server and at how many watches it serves")
}

// heard returns once the watch has told of the change to the value.
func heard(t *testing.T, watcher watch.Interface, value string) {
	t.Helper()
	for event := range watcher.ResultChan() {
		switch object := event.Object.(type) {
		case *corev1.ConfigMap:
			if object.Data["change"] == value {
				return
			}
		default:
			t.Fatalf("expected word of change %s of %d; found %v", value, changes, apierrors.FromObject(object))
		}
	}
	t.Fatalf("expected word of change %s of %d; found the watch at its end", value, changes)
}
