package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// Bench is where one check works: the cluster, and the objects that the check makes in it, which Clear removes again.
type Bench struct {
	*Cluster
	check string
	undos []func(context.Context) error
}

// Bench returns an empty bench for the check of that name.
func (c *Cluster) Bench(check string) *Bench { return &Bench{Cluster: c, check: check} }

// Try runs a check on a bench of its own, bounded by limit, and lets the test say what it found. The bench is cleared first, so
// that what is said is said of a cluster that is as it was.
func Try(t *testing.T, limit time.Duration, check func(context.Context, *Bench) *finding.Finding) {
	t.Helper()
	bench := Connect(t).Bench(t.Name())
	found := func() *finding.Finding {
		defer bench.Clear(t.Logf)
		return check(Context(t, limit), bench)
	}()
	found.Say(t)
}

// Clear removes what was made, last first. What it cannot remove it tells of; that fails no check.
func (b *Bench) Clear(logf func(format string, args ...any)) {
	ctx, cancel := context.WithTimeout(context.Background(), undoBudget)
	defer cancel()
	for _, undo := range slices.Backward(b.undos) {
		if err := undo(ctx); err != nil {
			logf("%v; what is of a namespace goes with the validator's pod, and the next run of this check removes the rest", err)
		}
	}
	b.undos = nil
}

// Own returns the pod that the checks run in. It needs the right to get pods in the run's namespace.
func (b *Bench) Own() (*corev1.Pod, error) { return b.self() }

// Pod is the pod of a probe, which has still to be made.
func (b *Bench) Pod(p Probe) (*corev1.Pod, error) {
	own, err := b.self()
	if err != nil {
		return nil, err
	}
	return p.Pod(own)
}

// Make creates an object in the run's namespace, with a name from Name. Clear removes it, as does a signal; as it belongs to the
// validator's pod, the garbage collector removes it where neither came about.
func Make[T metav1.Object](ctx context.Context, b *Bench, in Creator[T], obj T) (T, error) {
	own, err := b.self()
	if err != nil {
		var none T
		return none, err
	}
	adopt(obj, own, b.check)
	return MakeLoose(ctx, b, in, obj)
}

// MakeLoose is Make for an object that must belong to nobody, since a controller would take its owner for more than it is. What a killed
// run leaves behind is found by its label alone.
func MakeLoose[T metav1.Object](ctx context.Context, b *Bench, in Creator[T], obj T) (T, error) {
	var none T
	label(obj, b.check)
	var refused atomic.Bool
	if err := b.later(obj, func(ctx context.Context) error {
		if refused.Load() {
			return nil
		}
		return remove(ctx, in, obj.GetName())
	}); err != nil {
		return none, err
	}
	created, err := in.Create(ctx, obj, metav1.CreateOptions{})
	if err != nil {
		refused.Store(isRefusal(err))
		return none, fmt.Errorf("creating %T %s: %w", obj, obj.GetName(), err)
	}
	return created, nil
}

// later has the bench undo something; to be called before what it undoes is done.
func (b *Bench) later(obj metav1.Object, undo func(context.Context) error) error {
	pushed, err := b.undo.push(fmt.Sprintf("%T %s", obj, obj.GetName()), undo)
	if err != nil {
		// Only a signal closes the stack, and after one no check may come to a conclusion.
		interrupted.hold()
		return err
	}
	b.undos = append(b.undos, pushed)
	return nil
}

// isRefusal reports whether the API server has said no to a create. Any other error may hide an object that was created.
func isRefusal(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err)
}

// label says on an object that a check has made it.
func label(obj metav1.Object, check string) {
	labels := maps.Clone(obj.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	name, _, _ := strings.Cut(check, "/")
	labels[CheckLabel] = name[:min(len(name), 63)]
	obj.SetLabels(labels)
}
