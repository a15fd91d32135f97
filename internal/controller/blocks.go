package controller

import (
	"context"
	"sync"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// patience is how long a start takes before the events are asked what keeps it: most starts are over by then.
	patience = 3 * time.Second
	// answerFresh is for how long what the events said of an object serves, and asksAtOnce of how many one pass asks: where one start is
	// kept, most others are as well, and any of the run's pods brings the next pass.
	answerFresh = 4 * time.Second
	asksAtOnce  = 16
)

// answers are what the events said of the Jobs and pods of runs that do not start.
type answers struct {
	mu sync.Mutex
	of map[types.NamespacedName]map[string]answer
}

type answer struct {
	at    time.Time
	block *plan.Block
}

func (a *answers) forget(run types.NamespacedName) { a.put(run, nil) }

func (a *answers) get(run types.NamespacedName) map[string]answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.of[run]
}

func (a *answers) put(run types.NamespacedName, said map[string]answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(said) == 0 {
		delete(a.of, run)
		return
	}
	if a.of == nil {
		a.of = map[types.NamespacedName]map[string]answer{}
	}
	a.of[run] = said
}

// observeBlocks asks the events why a Job of the current attempt has no pod, or its pod no container. They only give a wait its name, so
// that a failure to read them is no reason to stop.
func (r *Reconciler) observeBlocks(ctx context.Context, k *kin, seen *plan.Observed) {
	key := client.ObjectKeyFromObject(k.run)
	before, said, asked := r.answers.get(key), map[string]answer{}, 0
	ask := func(kind, name string, read func([]eventsv1.Event) *plan.Block) *plan.Block {
		now := r.Clock.Now()
		last, known := before[kind+name]
		if age := now.Sub(last.at); (!known || age < 0 || age >= answerFresh) && asked < asksAtOnce {
			asked++
			last, known = answer{at: now, block: read(r.eventsAbout(ctx, key.Namespace, kind, name))}, true
		}
		if known {
			said[kind+name] = last
		}
		return copyOf(last.block)
	}
	for i := range seen.Jobs {
		job := &seen.Jobs[i]
		if job.Finished || job.Gone || job.Deleting || len(job.Pods) > 1 || !r.lasts(k, job.Item) {
			continue
		}
		if len(job.Pods) == 0 {
			job.Blocked = ask("Job", job.Name, plan.BlockedJob)
			continue
		}
		pod := &job.Pods[0]
		if pod.Gone || pod.Blocked != nil || pod.List.ID != "" || pod.Validator.ID != "" || pod.Started.IsZero() {
			continue
		}
		pod.Blocked = ask("Pod", pod.Name, plan.BlockedPod)
	}
	r.answers.put(key, said)
}

// copyOf is a block that a decision may change.
func copyOf(b *plan.Block) *plan.Block {
	if b == nil {
		return nil
	}
	return new(*b)
}

// lasts says whether an item runs, and has been due for longer than most starts take.
func (r *Reconciler) lasts(k *kin, item workload.Item) bool {
	u, runs := k.running(item)
	return runs && r.Clock.Since(u.since) >= patience
}

func (r *Reconciler) eventsAbout(ctx context.Context, namespace, kind, name string) []eventsv1.Event {
	var events eventsv1.EventList
	err := r.Live.List(ctx, &events, client.InNamespace(namespace), client.MatchingFields{"regarding.kind": kind, "regarding.name": name})
	if err != nil {
		logf.FromContext(ctx).Info("Events cannot be listed", "regarding", kind+"/"+name, "error", err.Error())
	}
	return events.Items
}
