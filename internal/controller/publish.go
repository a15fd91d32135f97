package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// published remembers when a run's progress was written last, so that a busy suite is no stream of writes.
type published struct {
	mu sync.Mutex
	at map[types.NamespacedName]time.Time
}

func (p *published) forget(run types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, run)
}

// since is how long ago the progress of a run was written, or very long.
func (p *published) since(run types.NamespacedName, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Sub(p.at[run])
}

func (p *published) mark(run types.NamespacedName, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == nil {
		p.at = map[types.NamespacedName]time.Time{}
	}
	p.at[run] = now
}

// publish writes status if it differs, and then records the events of the transition. It returns when to look again.
func (r *Reconciler) publish(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision) (time.Duration, error) {
	if equality.Semantic.DeepEqual(run.Status, d.Status) || !run.DeletionTimestamp.IsZero() {
		return d.After, nil
	}
	key, now := client.ObjectKeyFromObject(run), r.Clock.Now()
	if equality.Semantic.DeepEqual(withoutProgress(run.Status), withoutProgress(d.Status)) {
		if wait := progressEvery - r.published.since(key, now); wait > 0 {
			return soonest(d.After, wait), nil
		}
	}
	before := run.DeepCopy()
	run.Status = d.Status
	if err := r.Client.Status().Patch(ctx, run, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return 0, fmt.Errorf("writing status: %w", stale(err))
	}
	r.published.mark(key, now)
	r.Metrics.Transition(&before.Status, &run.Status)
	for _, e := range transitions(&before.Status, &run.Status) {
		r.Events.Eventf(run, nil, e.kind, e.reason, e.action, "%s", e.note)
	}
	if before.Status.Verdict != run.Status.Verdict && run.Status.Verdict != "" {
		logf.FromContext(ctx).Info("Attempt is complete", "attempt", run.Status.Attempt, "verdict", run.Status.Verdict, "message", run.Status.Message)
		r.published.forget(key)
	}
	return d.After, nil
}

// soonest is the shorter of two waits, of which 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// withoutProgress is a status without what changes from test to test.
func withoutProgress(s v1alpha1.ValidationRunStatus) *v1alpha1.ValidationRunStatus {
	out := s.DeepCopy()
	out.Message, out.Passed, out.Summary = "", "", v1alpha1.Summary{}
	for i := range out.Phases {
		if p := &out.Phases[i]; !p.State.Ended() {
			p.Summary, p.Running, p.Message = v1alpha1.Summary{}, "", ""
			if p.FanOut == nil {
				continue
			}
			for k := range p.FanOut.Active {
				a := &p.FanOut.Active[k]
				a.Summary, a.Running, a.Message = v1alpha1.Summary{}, "", ""
			}
		}
	}
	for i := range out.Conditions {
		out.Conditions[i].Message = ""
	}
	return out
}
