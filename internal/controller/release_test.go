package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// Whoever does not let a run's Jobs be deleted, such as a webhook that is down, keeps the run for as long as its pods are waited for, and
// not for ever: garbage collection goes on with them.
func TestARunIsReleasedThoughItsJobsCannotBeDeleted(t *testing.T) {
	run := newRun(started)
	job := jobOf(t, run)
	refuse := func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
		if _, is := o.(*batchv1.Job); is {
			return apierrors.NewInternalError(errors.New("failed calling webhook: connection refused"))
		}
		return c.Delete(ctx, o, opts...)
	}
	b := newBench(t, interceptor.Funcs{Delete: refuse}, run, job)
	if err := b.Client.Delete(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(run)}
	deleted := b.stored(t, run).DeletionTimestamp.Time
	for _, after := range []time.Duration{0, time.Minute} {
		b.clock.SetTime(deleted.Add(after))
		if _, err := b.Reconcile(t.Context(), request); err == nil || !strings.Contains(err.Error(), job.Name) {
			t.Errorf("after %s the pass ends with %v, and it is to say that the Job cannot be deleted", after, err)
		}
		if len(b.stored(t, run).Finalizers) == 0 {
			t.Fatalf("after %s the run is released, and its pods may be there", after)
		}
	}
	b.clock.SetTime(deleted.Add(time.Hour))
	if _, err := b.Reconcile(t.Context(), request); err == nil || !strings.Contains(err.Error(), job.Name) {
		t.Errorf("after an hour the pass ends with %v, and it is to say that the Job cannot be deleted", err)
	}
	err := b.Live.Get(t.Context(), request.NamespacedName, &v1alpha1.ValidationRun{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("after an hour the run is still there: %v", err)
	}
}
