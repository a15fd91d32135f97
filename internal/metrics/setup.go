package metrics

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// indexActive is the cache's index of the Jobs that have not finished, so that counting them does not go through those that have.
const indexActive = "active"

// SetupWithManager registers the gauges, which are computed from the manager's cache while it leads.
func (m *Metrics) SetupWithManager(ctx context.Context, mgr ctrl.Manager, followedLogs func() int) error {
	if m == nil {
		return nil
	}
	if err := mgr.GetFieldIndexer().IndexField(ctx, &batchv1.Job{}, indexActive, active); err != nil {
		return fmt.Errorf("indexing active Jobs: %w", err)
	}
	return m.Watch(fromCache(mgr.GetCache(), mgr.Elected(), followedLogs))
}

func fromCache(cache client.Reader, elected <-chan struct{}, followedLogs func() int) Sources {
	return Sources{
		Leads: func() bool {
			select {
			case <-elected:
				return true
			default:
				return false
			}
		},
		// The cache's own objects, not copies of them: they are only counted.
		Runs: func(ctx context.Context) ([]v1alpha1.ValidationRun, error) {
			var runs v1alpha1.ValidationRunList
			err := cache.List(ctx, &runs, client.UnsafeDisableDeepCopy)
			return runs.Items, err
		},
		ActiveJobs: func(ctx context.Context) (int, error) {
			var jobs batchv1.JobList
			err := cache.List(ctx, &jobs, client.MatchingFields{indexActive: "true"}, client.UnsafeDisableDeepCopy)
			return len(jobs.Items), err
		},
		FollowedLogs: followedLogs,
		Clock:        clock.RealClock{},
	}
}

func active(o client.Object) []string {
	job, ok := o.(*batchv1.Job)
	if !ok || slices.ContainsFunc(job.Status.Conditions, finished) {
		return nil
	}
	return []string{"true"}
}

func finished(c batchv1.JobCondition) bool {
	return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
}
