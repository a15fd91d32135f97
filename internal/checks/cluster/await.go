package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// ErrDeleted is what Await returns for an object that went away.
var ErrDeleted = errors.New("the object was deleted")

// Object is any object of the API.
type Object interface {
	metav1.Object
	runtime.Object
}

// Watcher is the part of a typed client that Await needs.
type Watcher interface {
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// Lister is the part of a typed client that AwaitAny needs.
type Lister[L runtime.Object] interface {
	Watcher
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
}

// Await waits until an object, as it was read or created, comes to the state that done looks for, and returns it in that state.
// With an error it returns the object as it was seen last. No change in between is missed.
func Await[T Object](ctx context.Context, in Watcher, obj T, done func(T) (bool, error)) (T, error) {
	if is, err := done(obj); is || err != nil {
		return obj, err
	}
	last := obj
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", obj.GetName()).String()}
	err := until(ctx, in, options, obj.GetResourceVersion(), func(event watch.Event) (bool, error) {
		// Of a name that was used before, another object may be meant.
		seen, ok := event.Object.(T)
		if !ok || seen.GetUID() != obj.GetUID() {
			return false, nil
		}
		last = seen
		if event.Type == watch.Deleted {
			return false, ErrDeleted
		}
		return done(seen)
	})
	return last, err
}

// AwaitAny waits until one of the objects that the options select comes to the state that done looks for.
func AwaitAny[T Object, L runtime.Object](
	ctx context.Context, in Lister[L], options metav1.ListOptions, done func(T) (bool, error),
) (T, error) {
	var found T
	list, err := in.List(ctx, options)
	if err != nil {
		return found, fmt.Errorf("listing: %w", err)
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return found, fmt.Errorf("reading the list: %w", err)
	}
	accessor, err := meta.ListAccessor(list)
	if err != nil {
		return found, fmt.Errorf("reading the list: %w", err)
	}
	matches := func(object runtime.Object) (bool, error) {
		seen, ok := object.(T)
		if !ok {
			return false, nil
		}
		is, err := done(seen)
		if is {
			found = seen
		}
		return is, err
	}
	for _, item := range items {
		if is, err := matches(item); is || err != nil {
			return found, err
		}
	}
	err = until(ctx, in, options, accessor.GetResourceVersion(), func(event watch.Event) (bool, error) {
		if event.Type == watch.Deleted {
			return false, nil
		}
		return matches(event.Object)
	})
	return found, err
}

// until watches from a resource version on, and resumes a watch that breaks.
func until(ctx context.Context, in Watcher, options metav1.ListOptions, version string, done watchtools.ConditionFunc) error {
	watcher := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, resume metav1.ListOptions) (watch.Interface, error) {
		resume.FieldSelector, resume.LabelSelector = options.FieldSelector, options.LabelSelector
		return in.Watch(ctx, resume)
	}}
	start := time.Now()
	_, err := watchtools.Until(ctx, version, watcher, func(event watch.Event) (bool, error) {
		if event.Type == watch.Error {
			return false, apierrors.FromObject(event.Object)
		}
		return done(event)
	})
	// A wait that is in vain because of an interruption proves nothing.
	interrupted.hold()
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("waited %s: %w", time.Since(start).Round(time.Second), context.Cause(ctx))
	}
	return err
}
