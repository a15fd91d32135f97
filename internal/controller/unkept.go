package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// maxUnkept bounds the evidence in memory, of all runs and as it would be stored: enough for the items of a large phase that print little.
	maxUnkept = 32 << 20
	// keepSoon and keepLate are how long it is until evidence that was refused is tried again: soon at first, and the later the longer it
	// lasts.
	keepSoon = 2 * time.Second
	keepLate = 30 * time.Second
	// keepAtOnce is how much of it one pass tries to keep: the rest comes with the next one.
	keepAtOnce = 50
)

// unkept is evidence that the API server does not take for now. It is tried again until it is kept, or the result of its attempt holds it.
type unkept struct {
	mu    sync.Mutex
	of    map[types.NamespacedName]*held
	bytes int
}

// held is what is held of a run.
type held struct {
	uid   types.UID
	items map[workload.Item][]byte
	why   plan.Block
	next  time.Time
	pause time.Duration
}

// hold takes evidence up, in place of what was held of the item, and says whether there was room. Where there is none, nothing is held of
// the item: what was held is not what it came to.
func (u *unkept) hold(run *v1alpha1.ValidationRun, item workload.Item, data []byte, why plan.Block, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := client.ObjectKeyFromObject(run)
	h := u.of[key]
	if h != nil && h.uid != run.UID {
		u.drop(key, func(workload.Item) bool { return true })
		h = nil
	}
	if h == nil {
		h = &held{uid: run.UID, items: map[workload.Item][]byte{}, next: now.Add(keepSoon), pause: keepSoon}
	}
	bytes := u.bytes + len(data) - len(h.items[item])
	if bytes > maxUnkept {
		u.drop(key, func(i workload.Item) bool { return i == item })
		return false
	}
	if u.of == nil {
		u.of = map[types.NamespacedName]*held{}
	}
	u.of[key], u.bytes = h, bytes
	h.items[item], h.why = data, why
	return true
}

// drop lets go of those items of a run that which says. Called with the lock held.
func (u *unkept) drop(run types.NamespacedName, which func(workload.Item) bool) {
	h := u.of[run]
	if h == nil {
		return
	}
	for item, data := range h.items {
		if which(item) {
			u.bytes -= len(data)
			delete(h.items, item)
		}
	}
	if len(h.items) == 0 {
		delete(u.of, run)
	}
}

// letGo lets go of an item of a run.
func (u *unkept) letGo(run *v1alpha1.ValidationRun, item workload.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(client.ObjectKeyFromObject(run), func(i workload.Item) bool { return i == item })
}

func (u *unkept) forget(run types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(run, func(workload.Item) bool { return true })
}

// settle lets go of what no result will be made of any more: status says the verdict, or is about another attempt.
func (u *unkept) settle(run *v1alpha1.ValidationRun) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drop(client.ObjectKeyFromObject(run), func(item workload.Item) bool {
		return item.Attempt != run.Status.Attempt || run.Status.Verdict != ""
	})
}

// phase is the evidence that is held of an item, nil where none is.
func (u *unkept) phase(run *v1alpha1.ValidationRun, item workload.Item) *report.Phase {
	u.mu.Lock()
	defer u.mu.Unlock()
	if h := u.of[client.ObjectKeyFromObject(run)]; h != nil && h.uid == run.UID && h.items[item] != nil {
		if phase, err := report.DecodePhase(h.items[item]); err == nil {
			return &phase
		}
	}
	return nil
}

// all are the items of a run of which evidence is held, in a fixed order.
func (u *unkept) all(run *v1alpha1.ValidationRun) (items []workload.Item) {
	u.mu.Lock()
	defer u.mu.Unlock()
	h := u.of[client.ObjectKeyFromObject(run)]
	if h == nil || h.uid != run.UID {
		return nil
	}
	for item := range h.items {
		items = append(items, item)
	}
	slices.SortFunc(items, func(a, b workload.Item) int {
		return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Node, b.Node), cmp.Compare(a.Restart, b.Restart))
	})
	return items
}

// due are the items of a run whose evidence is to be tried again now.
func (u *unkept) due(run *v1alpha1.ValidationRun, now time.Time) []workload.Item {
	u.mu.Lock()
	h := u.of[client.ObjectKeyFromObject(run)]
	wait := h == nil || now.Before(h.next)
	u.mu.Unlock()
	if wait {
		return nil
	}
	items := u.all(run)
	return items[:min(len(items), keepAtOnce)]
}

// tried writes down what trying again came to, and why is nil where all that was tried is kept.
func (u *unkept) tried(run *v1alpha1.ValidationRun, kept []workload.Item, why *plan.Block, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := client.ObjectKeyFromObject(run)
	u.drop(key, func(item workload.Item) bool { return slices.Contains(kept, item) })
	h := u.of[key]
	switch {
	case h == nil:
	case why == nil:
		h.pause, h.next = keepSoon, now
	default:
		h.pause = min(2*h.pause, keepLate)
		h.why, h.next = *why, now.Add(h.pause)
	}
}

// waits is why evidence of a run is not kept, empty where all is, and for how long it is not tried again.
func (u *unkept) waits(run *v1alpha1.ValidationRun, now time.Time) (why string, wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	h := u.of[client.ObjectKeyFromObject(run)]
	if h == nil || h.uid != run.UID {
		return "", 0
	}
	what := "the evidence of one Job is"
	if n := len(h.items); n > 1 {
		what = fmt.Sprintf("the evidence of %d Jobs is", n)
	}
	return fmt.Sprintf("%s in the operator's memory alone, and tried again (%s: %s)", what, h.why.Reason, h.why.Message),
		max(h.next.Sub(now), time.Nanosecond)
}

// keepHeld tries again to keep what the API server did not take, and says in status what it still does not. It returns when to try next.
func (r *Reconciler) keepHeld(ctx context.Context, run *v1alpha1.ValidationRun, d *plan.Decision) time.Duration {
	now := r.Clock.Now()
	if items := r.unkept.due(run, now); len(items) > 0 && run.DeletionTimestamp.IsZero() {
		kept, why := r.keepAgain(ctx, run, items)
		r.unkept.tried(run, kept, why, now)
	}
	why, wait := r.unkept.waits(run, now)
	if why == "" || d.Status.Verdict != "" || !run.DeletionTimestamp.IsZero() {
		return 0
	}
	say(&d.Status, why)
	return wait
}

// keepAgain tries items one by one until one is refused.
func (r *Reconciler) keepAgain(ctx context.Context, run *v1alpha1.ValidationRun, items []workload.Item) (kept []workload.Item, why *plan.Block) {
	for _, item := range items {
		phase := r.unkept.phase(run, item)
		if phase == nil {
			continue
		}
		data, err := encodeEvidence(*phase, evidenceBytes)
		if err == nil {
			_, err = r.writeEvidence(ctx, run, &plan.Keeping{As: item, Phase: *phase}, data)
		}
		if err != nil {
			why := plan.Block{Reason: v1alpha1.ReasonEvidenceIncomplete, Message: err.Error()}
			if refused, ok := errors.AsType[*refusal](err); ok {
				why = refused.block
			}
			return kept, &why
		}
		logf.FromContext(ctx).Info("Evidence is kept at last", "phase", item.Phase, "check", item.Check, "node", item.Node)
		kept = append(kept, item)
	}
	return kept, nil
}

// say adds to what status says of an attempt that goes on.
func say(status *v1alpha1.ValidationRunStatus, what string) {
	before := status.Message
	status.Message = report.Clip(what, report.MessageBytes/2)
	if before != "" { // What is added must be seen whatever came before it.
		status.Message = report.Clip(before, report.MessageBytes-len(status.Message)-2) + "; " + status.Message
	}
	for i := range status.Conditions {
		if c := &status.Conditions[i]; c.Message == before {
			c.Message = status.Message
		}
	}
}
