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
	"k8s.io/apimachinery/pkg/util/wait"
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

// Getter is the part of a typed client that reads an object.
type Getter[T Object] interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
}

// anewInterval is how long after one look the next one follows, where a watch does not tell.
const anewInterval = time.Second

// Await waits until an object, as it was read or created, comes to the state that done looks for, and returns it in that state.
// With an error it returns the object as it was seen last. No change in between is missed, unless the object was read so long ago that
// the API server no longer knows what has changed since: then it is looked at anew.
func Await[T Object](ctx context.Context, in Watcher, obj T, done func(T) (bool, error)) (T, error) {
	if is, err := done(obj); is || err != nil {
		return obj, err
	}
	last := obj
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", obj.GetName()).String()}
	see := func(event watch.Event) (bool, error) {
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
	}
	err := until(ctx, in, options, obj.GetResourceVersion(), see)
	if getter, is := in.(Getter[T]); is && tooOld(err) {
		err = poll(ctx, getter, obj, see)
	}
	for tooOld(err) || errors.Is(err, errNoGet) {
		if err = pause(ctx, err); err == nil {
			err = until(ctx, in, options, fromNow, see)
		}
	}
	return last, err
}

// pause keeps a try from following at once on one that ended with the error. If the time is up meanwhile, it says so.
func pause(ctx context.Context, err error) error {
	start := time.Now()
	select {
	case <-time.After(anewInterval):
		return nil
	case <-ctx.Done():
		return inVain(ctx, start, err)
	}
}

// errNoGet is for who may not read the object that is awaited.
var errNoGet = errors.New("getting the object")

// poll reads an object again and again.
func poll[T Object](ctx context.Context, in Getter[T], obj T, see watchtools.ConditionFunc) error {
	start := time.Now()
	err := wait.PollUntilContextCancel(ctx, anewInterval, true, func(ctx context.Context) (bool, error) {
		found, err := in.Get(ctx, obj.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err), err == nil && found.GetUID() != obj.GetUID():
			return false, ErrDeleted
		case apierrors.IsForbidden(err):
			return false, fmt.Errorf("%w: %w", errNoGet, err)
		case err != nil:
			return false, nil //nolint:nilerr // the next look may succeed
		}
		return see(watch.Event{Type: watch.Modified, Object: found})
	})
	interrupted.hold()
	return inVain(ctx, start, err)
}

// AwaitAny waits until one of the objects that the options select comes to the state that done looks for.
func AwaitAny[T Object, L runtime.Object](
	ctx context.Context, in Lister[L], options metav1.ListOptions, done func(T) (bool, error),
) (T, error) {
	for {
		found, err := awaitAny(ctx, in, options, done)
		if !tooOld(err) {
			return found, err
		}
		if err := pause(ctx, err); err != nil {
			return found, err
		}
	}
}

func awaitAny[T Object, L runtime.Object](
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

// tooOld reports whether a watch was to begin where the API server no longer knows what has changed since.
func tooOld(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

// fromNow is the version of a watch that begins with what is there.
const fromNow = "now"

// until watches from a resource version on, and resumes a watch that breaks.
func until(ctx context.Context, in Watcher, options metav1.ListOptions, version string, done watchtools.ConditionFunc) error {
	watcher := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, resume metav1.ListOptions) (watch.Interface, error) {
		resume.FieldSelector, resume.LabelSelector = options.FieldSelector, options.LabelSelector
		if resume.ResourceVersion == fromNow {
			resume.ResourceVersion = ""
		}
		opened, err := in.Watch(ctx, resume)
		// Of an answer client-go would ask again, with the same version and in vain; of an event it tells.
		var status apierrors.APIStatus
		if tooOld(err) && errors.As(err, &status) {
			said := status.Status()
			told := watch.NewFakeWithOptions(watch.FakeOptions{ChannelSize: 1})
			told.Error(&said)
			return told, nil
		}
		return opened, err
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
	return inVain(ctx, start, err)
}

// inVain is the error of a wait whose time is up.
func inVain(ctx context.Context, start time.Time, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("waited %s: %w", time.Since(start).Round(time.Second), context.Cause(ctx))
	}
	return err
}
