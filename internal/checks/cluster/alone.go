package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// ErrTaken is what MakeAlone returns where somebody else has the name and keeps it.
var ErrTaken = errors.New("there is another one of that name")

// Named is the part of a typed client that MakeAlone needs.
type Named[T metav1.Object] interface {
	Creator[T]
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
}

const (
	// TurnTime is how long MakeAlone waits for its turn; a check needs as much time on top of what it takes itself.
	TurnTime = 2 * time.Minute
	// turnInterval is how often MakeAlone looks whether the name is free.
	turnInterval = time.Second
	// leftAfter is the age at which an object must have been left behind: no check takes as long.
	leftAfter = 15 * time.Minute
	// ownerAnnotation has namespace, name and UID of the validator's pod on objects that it cannot own.
	ownerAnnotation = "validation.aicr.dev/pod"
)

// MakeAlone creates an object that belongs to the whole cluster. Its name is fixed, so that the right to delete it need not
// be one to delete all of its kind; while another run holds the name, MakeAlone waits for its turn. No pod can own such an object:
// what a killed run has left behind, the next one removes, at once if it can see that the pod is no more.
func MakeAlone[T metav1.Object](ctx context.Context, b *Bench, in Named[T], obj T) (T, error) {
	var none, created T
	own, err := b.self()
	if err != nil {
		return none, err
	}
	label(obj, b.check)
	obj.SetAnnotations(map[string]string{ownerAnnotation: holderOf(own)})
	var refused atomic.Bool
	if err := b.later(obj, func(ctx context.Context) error {
		if refused.Load() {
			return nil
		}
		return removeOwn(ctx, in, obj.GetName(), holderOf(own))
	}); err != nil {
		return none, err
	}
	taken := false
	ctx, cancel := context.WithTimeout(ctx, TurnTime)
	defer cancel()
	err = wait.PollUntilContextCancel(ctx, turnInterval, true, func(ctx context.Context) (bool, error) {
		var err error
		created, err = in.Create(ctx, obj, metav1.CreateOptions{})
		refused.Store(isRefusal(err))
		if taken = apierrors.IsAlreadyExists(err); !taken {
			return err == nil, err
		}
		return false, removeLeft(ctx, b, in, obj.GetName())
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
func removeOwn[T metav1.Object](ctx context.Context, in Named[T], name, holder string) error {
	found, err := in.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case found.GetAnnotations()[ownerAnnotation] != holder:
		return nil
	}
	return removeIf(ctx, in, found)
}

// removeLeft removes an object that a run which was killed has left behind.
func removeLeft[T metav1.Object](ctx context.Context, b *Bench, in Named[T], name string) error {
	found, err := in.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return err
	case found.GetLabels()[CheckLabel] == "":
		return fmt.Errorf("%w, which no check has made", ErrTaken)
	case time.Since(found.GetCreationTimestamp().Time) < leftAfter && !b.isOver(ctx, found.GetAnnotations()[ownerAnnotation]):
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

// holderOf says whose an object is.
func holderOf(pod *corev1.Pod) string {
	return fmt.Sprintf("%s/%s/%s", pod.Namespace, pod.Name, pod.UID)
}

// isOver reports whether the pod that holds a name is known to have ended. Of those of other namespaces nothing is known.
func (b *Bench) isOver(ctx context.Context, holder string) bool {
	parts := strings.Split(holder, "/")
	if len(parts) != 3 || parts[0] != b.Namespace {
		return false
	}
	pod, err := b.CoreV1().Pods(b.Namespace).Get(ctx, parts[1], metav1.GetOptions{})
	if err != nil {
		return apierrors.IsNotFound(err)
	}
	return string(pod.UID) != parts[2] || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
