package latency

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

const changes = 50

// Watch measures how long after a change of a ConfigMap a watch tells of it.
func Watch(demanded constraint.Constraint) func(context.Context, *cluster.Bench) *finding.Finding {
	return func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := &finding.Finding{}
		in := b.CoreV1().ConfigMaps(b.Namespace)
		current, err := cluster.Make(ctx, b, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("watch-latency")}})
		if err != nil {
			f.Refused("get pods and create configmaps in the namespace "+b.Namespace, err)
			return f
		}
		watcher, err := in.Watch(ctx, metav1.ListOptions{
			FieldSelector:   fields.OneTermEqualSelector("metadata.name", current.Name).String(),
			ResourceVersion: current.ResourceVersion,
		})
		if err != nil {
			f.Refused("watch configmaps in the namespace "+b.Namespace, err)
			return f
		}
		defer watcher.Stop()
		samples := make([]time.Duration, 0, changes)
		for i := range changes {
			value := strconv.Itoa(i + 1)
			current.Data = map[string]string{"change": value}
			start := time.Now()
			if current, err = in.Update(ctx, current, metav1.UpdateOptions{}); err != nil {
				f.Refused("update configmaps in the namespace "+b.Namespace, err)
				return f
			}
			if err := heard(ctx, watcher, value); err != nil {
				f.Fail(fmt.Sprintf("a watch to tell of change %s of %d", value, changes), err.Error(),
					"see the API server's log, and whether something between it and the validator ends watches")
				return f
			}
			samples = append(samples, time.Since(start))
		}
		judge(f, demanded, samples, "look at the load of the API server and at how many watches it serves")
		return f
	}
}

// heard returns once the watch has told of the change to the value.
func heard(ctx context.Context, watcher watch.Interface, value string) error {
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("no word of it: %w", context.Cause(ctx))
		case event, open := <-watcher.ResultChan():
			if !open {
				return errors.New("that the watch has ended")
			}
			object, ok := event.Object.(*corev1.ConfigMap)
			if !ok {
				return apierrors.FromObject(event.Object)
			}
			if object.Data["change"] == value {
				return nil
			}
		}
	}
}
