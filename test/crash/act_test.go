package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// patience is how long anything may take that a story waits for. It is no measure of speed: the machine may be busy.
const patience = 2 * time.Minute

// act is what a user does, or waits for.
type act struct {
	what string
	do   func(context.Context, *telling) error
}

// until waits for a state of the run.
func until(what string, is func(*v1alpha1.ValidationRun) bool) act {
	return act{what: what, do: func(ctx context.Context, t *telling) error { return t.await(ctx, is) }}
}

// runs waits until the validator of a phase is known to run, after so many restarts.
func runs(phase string, restarts int32) act {
	return until(fmt.Sprintf("phase %s runs, after %d restarts", phase, restarts), func(run *v1alpha1.ValidationRun) bool {
		for _, p := range run.Status.Phases {
			if p.Name == phase {
				return p.State == v1alpha1.PhaseRunning && p.Reason == "" && p.Restarts == restarts && len(p.Jobs) == int(restarts)+1
			}
		}
		return false
	})
}

// runsItem waits until the validator of an item of a phase is known to run.
func runsItem(phase, check string) act {
	return until(fmt.Sprintf("check %s of phase %s runs", check, phase), func(run *v1alpha1.ValidationRun) bool {
		for _, p := range run.Status.Phases {
			if p.Name == phase && p.FanOut != nil {
				return slices.ContainsFunc(p.FanOut.Active, func(a v1alpha1.ItemStatus) bool {
					return a.Check == check && a.State == v1alpha1.PhaseRunning && a.Reason == "" && len(a.Jobs) == 1
				})
			}
		}
		return false
	})
}

// shows waits until status says that a test of a phase runs: what came before it was read.
func shows(phase, test string) act {
	return until(fmt.Sprintf("status shows %s of phase %s", test, phase), func(run *v1alpha1.ValidationRun) bool {
		return slices.ContainsFunc(run.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return p.Name == phase && p.Running == test })
	})
}

// begins waits for an attempt.
func begins(attempt int64) act {
	return until(fmt.Sprintf("attempt %d begins", attempt), func(run *v1alpha1.ValidationRun) bool { return run.Status.Attempt == attempt })
}

// settles waits until an attempt is complete and nothing of it runs any more.
func settles(attempt int64) act {
	return until(fmt.Sprintf("attempt %d is complete", attempt), func(run *v1alpha1.ValidationRun) bool {
		return run.Status.Attempt == attempt && run.Status.ObservedGeneration == run.Generation && len(run.Finalizers) == 0 &&
			meta.IsStatusConditionTrue(run.Status.Conditions, v1alpha1.ConditionComplete)
	})
}

// rests waits until the run is suspended and nothing of it runs any more.
func rests() act {
	return until("the run is suspended", func(run *v1alpha1.ValidationRun) bool {
		c := meta.FindStatusCondition(run.Status.Conditions, v1alpha1.ConditionReady)
		return c != nil && c.Reason == v1alpha1.ReasonSuspended && len(run.Finalizers) == 0
	})
}

// opens lets the nth pod of a phase go on.
func opens(phase string, nth int) act {
	return act{what: fmt.Sprintf("pod %d of phase %s goes on", nth, phase), do: func(_ context.Context, t *telling) error {
		close(t.world.cast.gate(key{t.namespace, phase}, nth))
		return nil
	}}
}

// edits changes the spec as kubectl edit does.
func edits(change func(*spec)) act {
	return act{what: "the spec is edited", do: func(ctx context.Context, t *telling) error {
		return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			run, err := t.get(ctx)
			if err != nil {
				return err
			}
			change(&run.Spec)
			return t.world.k8s.Update(ctx, run)
		})
	}}
}

func isDeleted() act {
	return act{what: "the run is deleted", do: func(ctx context.Context, t *telling) error {
		return t.world.k8s.Delete(ctx, t.story.run(t.namespace))
	}}
}

// isGone waits until the run does not exist any more.
func isGone() act {
	return act{what: "the run is gone", do: func(ctx context.Context, t *telling) error {
		return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
			_, err := t.get(ctx)
			if apierrors.IsNotFound(err) {
				return true, nil
			}
			return false, err
		})
	}}
}

// nothingIsLeft waits until the garbage collector has taken what belonged to the run: that may be longer than it takes for a rest.
func nothingIsLeft() act {
	return act{what: "nothing is left of the run", do: func(ctx context.Context, t *telling) error {
		var left []string
		err := wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, func(ctx context.Context) (_ bool, err error) {
			left, err = t.children(ctx)
			return len(left) == 0, err
		})
		if err != nil {
			return fmt.Errorf("%w; there are\n%s", err, strings.Join(left, "\n"))
		}
		return nil
	}}
}

func (t *telling) get(ctx context.Context) (*v1alpha1.ValidationRun, error) {
	run := &v1alpha1.ValidationRun{}
	err := t.world.k8s.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: runName}, run)
	return run, err
}

// await waits until the run is in a state. It sees every state that is there for long enough to be watched.
func (t *telling) await(ctx context.Context, is func(*v1alpha1.ValidationRun) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := &v1alpha1.ValidationRun{}
	for ctx.Err() == nil {
		watch, err := t.world.k8s.Watch(ctx, &v1alpha1.ValidationRunList{}, client.InNamespace(t.namespace))
		if err != nil {
			return fmt.Errorf("watching the run: %w", err)
		}
		for event := range watch.ResultChan() {
			if run, ok := event.Object.(*v1alpha1.ValidationRun); ok {
				if last = run; is(run) {
					watch.Stop()
					return nil
				}
			}
		}
	}
	status, _ := yaml.Marshal(last.Status) // it is for reading
	return fmt.Errorf("%w; finalizers are %v, status is\n%s", context.Cause(ctx), last.Finalizers, status)
}
