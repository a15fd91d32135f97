package cluster

import (
	"context"
	"errors"
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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

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
	var none T
	own, err := b.self()
	if err != nil {
		return none, err
	}
	adopt(obj, own, b.check)
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

// ErrTaken is what MakeAlone returns where somebody else has the name and keeps it.
var ErrTaken = errors.New("there is another one of that name")

// Named is the part of a typed client that MakeAlone needs.
type Named[T metav1.Object] interface {
	Creator[T]
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
}

const (
	// turnInterval is how often MakeAlone looks whether the name is free.
	turnInterval = time.Second
	// leftAfter is the age at which an object must have been left behind: no check takes as long.
	leftAfter = 15 * time.Minute
	// ownerAnnotation has the UID of the validator's pod on objects that it cannot own.
	ownerAnnotation = "validation.aicr.dev/pod"
)

// MakeAlone creates an object that belongs to the whole cluster. Its name is fixed, so that the right to delete it need not
// be one to delete all of its kind; while another run holds the name, MakeAlone waits for its turn. No pod can own such an object:
// what a killed run has left behind, the next one removes.
func MakeAlone[T metav1.Object](ctx context.Context, b *Bench, in Named[T], obj T) (T, error) {
	var none, created T
	own, err := b.self()
	if err != nil {
		return none, err
	}
	label(obj, b.check)
	obj.SetAnnotations(map[string]string{ownerAnnotation: string(own.UID)})
	var refused atomic.Bool
	if err := b.later(obj, func(ctx context.Context) error {
		if refused.Load() {
			return nil
		}
		return removeOwn(ctx, in, obj.GetName(), own.UID)
	}); err != nil {
		return none, err
	}
	taken := false
	err = wait.PollUntilContextCancel(ctx, turnInterval, true, func(ctx context.Context) (bool, error) {
		var err error
		created, err = in.Create(ctx, obj, metav1.CreateOptions{})
		refused.Store(isRefusal(err))
		if taken = apierrors.IsAlreadyExists(err); !taken {
			return err == nil, err
		}
		return false, removeLeft(ctx, in, obj.GetName())
	})
	if err != nil && taken && ctx.Err() != nil {
		err = fmt.Errorf("%w, of another run: %w", ErrTaken, err)
	}
	if err != nil {
		return none, fmt.Errorf("creating %T %s: %w", obj, obj.GetName(), err)
	}
	return created, nil
}

// removeOwn removes the object that this pod has made by that name, if it is still there.
func removeOwn[T metav1.Object](ctx context.Context, in Named[T], name string, pod types.UID) error {
	found, err := in.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case found.GetAnnotations()[ownerAnnotation] != string(pod):
		return nil
	}
	return removeIf(ctx, in, found)
}

// removeLeft removes an object that a run which was killed has left behind.
func removeLeft[T metav1.Object](ctx context.Context, in Named[T], name string) error {
	found, err := in.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case found.GetLabels()[CheckLabel] == "":
		return fmt.Errorf("%w, which no check has made", ErrTaken)
	case time.Since(found.GetCreationTimestamp().Time) < leftAfter:
		return nil
	}
	return removeIf(ctx, in, found)
}

// removeIf removes the very object, and not one that has come by its name since.
func removeIf[T metav1.Object](ctx context.Context, in Creator[T], obj T) error {
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: new(obj.GetUID())}}
	if err := in.Delete(ctx, obj.GetName(), options); !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	return nil
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
