package benchmark

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// creators is how many clients create objects at once.
	creators = 8
	// stalled is how long it takes until a round in which nothing ends is given up: it would hang for ever.
	stalled = 5 * time.Minute
)

// inNamespace does something in a namespace of its own and returns when nothing of it is left to disturb what follows.
func (c *cluster) inNamespace(b testing.TB, do func(namespace string)) {
	b.Helper()
	ctx := context.WithoutCancel(b.Context())
	name, err := c.plane.CreateNamespace(ctx, "bench-", map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	if err != nil {
		b.Fatal(err)
	}
	do(name)
	// A namespace with pods in it takes their grace period to go, although nothing runs in them any more.
	if err := c.client.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(name), client.GracePeriodSeconds(0)); err != nil {
		b.Fatalf("deleting the pods of %s: %v", name, err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := c.client.Delete(ctx, namespace); err != nil {
		b.Fatalf("deleting namespace %s: %v", name, err)
	}
	err = wait.PollUntilContextTimeout(ctx, time.Second/4, time.Hour, true, func(ctx context.Context) (bool, error) {
		err := c.client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		b.Fatalf("waiting until namespace %s is gone: %v", name, err)
	}
}

// create makes n objects, from several clients at once.
func (c *cluster) create(ctx context.Context, n int, object func(i int) client.Object) error {
	todo := make(chan int)
	errs := make([]error, creators)
	var running sync.WaitGroup
	for worker := range creators {
		running.Go(func() {
			for i := range todo {
				if err := c.client.Create(ctx, object(i)); err != nil {
					errs[worker] = errors.Join(errs[worker], fmt.Errorf("creating object %d: %w", i, err))
				}
			}
		})
	}
	for i := range n {
		todo <- i
	}
	close(todo)
	running.Wait()
	return errors.Join(errs...)
}

// test says whether an object is over, and complains if it did not end well.
type test func(client.Object) (over bool, complaint error)

// ends are the moments at which objects were seen to be over.
type ends struct {
	want int
	over test

	seen int
	news chan error // of each object that is over
	stop context.CancelFunc

	mu sync.Mutex
	at map[string]time.Time // by the object's name
}

// watch begins to watch the objects of a kind in a namespace, of which there will be as many as wanted.
func (c *cluster) watch(b testing.TB, namespace string, kind client.Object, want int, over test) *ends {
	b.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	e := &ends{want: want, over: over, at: map[string]time.Time{}, news: make(chan error, want), stop: cancel}
	b.Cleanup(cancel)
	objects, err := cache.New(c.config, cache.Options{
		Scheme:            c.scheme,
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		DefaultTransform:  cache.TransformStripManagedFields(),
	})
	if err != nil {
		b.Fatalf("making a cache: %v", err)
	}
	go func() {
		if err := objects.Start(ctx); err != nil {
			b.Errorf("watching %T: %v", kind, err)
		}
	}()
	informer, err := objects.GetInformer(ctx, kind)
	if err != nil {
		b.Fatalf("watching %T: %v", kind, err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { e.look(object.(client.Object)) },
		UpdateFunc: func(_, object any) { e.look(object.(client.Object)) },
	})
	if err != nil {
		b.Fatalf("watching %T: %v", kind, err)
	}
	return e
}

func (e *ends) look(object client.Object) {
	over, err := e.over(object)
	if !over {
		return
	}
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.at[object.GetName()]; !known {
		e.at[object.GetName()] = now
		e.news <- err
	}
}

// next waits until one more object is over.
func (e *ends) next(b testing.TB) {
	b.Helper()
	timer := time.NewTimer(stalled)
	defer timer.Stop()
	select {
	case err := <-e.news:
		if err != nil {
			b.Fatal(err)
		}
		e.seen++
	case <-timer.C:
		b.Fatalf("%d of %d objects are over, and no other for %s", e.seen, e.want, stalled)
	}
}

// wait waits until all objects are over, and returns the moment at which the last one was.
func (e *ends) wait(b testing.TB) (last time.Time) {
	b.Helper()
	defer e.stop()
	for e.seen < e.want {
		e.next(b)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, at := range e.at {
		if at.After(last) {
			last = at
		}
	}
	return last
}
