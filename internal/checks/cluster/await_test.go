package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

func podIn(phase corev1.PodPhase, uid types.UID) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", UID: uid, ResourceVersion: "7"}, Status: corev1.PodStatus{Phase: phase},
	}
}

func isRunning(pod *corev1.Pod) (bool, error) { return pod.Status.Phase == corev1.PodRunning, nil }

// pods is a collection with given contents and given events.
type pods struct {
	items  []corev1.Pod
	events []watch.Event
	err    error
	asked  []metav1.ListOptions
	// old is how many watches begin at a version that is too old: the first is told so in its answer, the others in an event.
	old int
	// then are the items once a version was too old.
	then []corev1.Pod
}

func (p *pods) Watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	p.asked = append(p.asked, options)
	if p.err != nil {
		return nil, p.err
	}
	w := watch.NewFakeWithOptions(watch.FakeOptions{ChannelSize: len(p.events) + 1})
	if expired := apierrors.NewResourceExpired("too old resource version: 7 (99)"); len(p.asked) <= p.old && options.ResourceVersion != "" {
		p.items = p.then
		if len(p.asked) == 1 {
			return nil, expired
		}
		w.Error(&expired.ErrStatus)
		return w, nil
	}
	for _, event := range p.events {
		w.Action(event.Type, event.Object)
	}
	return w, nil
}

func (p *pods) List(context.Context, metav1.ListOptions) (*corev1.PodList, error) {
	return &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "9"}, Items: p.items}, nil
}

// readable are pods that may be got one by one, or not.
type readable struct {
	*pods
	forbidden bool
}

func (p *readable) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Pod, error) {
	resource := schema.GroupResource{Resource: "pods"}
	switch {
	case p.forbidden:
		return nil, apierrors.NewForbidden(resource, name, errors.New("no right to get"))
	case len(p.items) == 0:
		return nil, apierrors.NewNotFound(resource, name)
	case len(p.items) > 1:
		p.items = p.items[1:]
		return nil, apierrors.NewTooManyRequests("later", 1)
	}
	return &p.items[0], nil
}

func TestAwait(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "p", errors.New("no right to watch"))
	tests := map[string]struct {
		from   *corev1.Pod
		in     pods
		phase  corev1.PodPhase
		wanted func(error) bool
	}{
		"is there already": {from: podIn(corev1.PodRunning, "a"), phase: corev1.PodRunning},
		"comes to it": {
			from: podIn(corev1.PodPending, "a"),
			in: pods{events: []watch.Event{
				{Type: watch.Modified, Object: podIn(corev1.PodPending, "a")},
				{Type: watch.Modified, Object: podIn(corev1.PodRunning, "a")},
			}},
			phase: corev1.PodRunning,
		},
		"goes away": {
			from:   podIn(corev1.PodPending, "a"),
			in:     pods{events: []watch.Event{{Type: watch.Deleted, Object: podIn(corev1.PodFailed, "a")}}},
			phase:  corev1.PodFailed,
			wanted: func(err error) bool { return errors.Is(err, ErrDeleted) },
		},
		"a namesake is there": {
			from: podIn(corev1.PodPending, "a"),
			in: pods{events: []watch.Event{
				{Type: watch.Added, Object: podIn(corev1.PodRunning, "b")}, {Type: watch.Deleted, Object: podIn(corev1.PodPending, "a")}}},
			phase:  corev1.PodPending,
			wanted: func(err error) bool { return errors.Is(err, ErrDeleted) },
		},
		"must not be watched": {
			from:   podIn(corev1.PodPending, "a"),
			in:     pods{err: forbidden},
			phase:  corev1.PodPending,
			wanted: apierrors.IsForbidden,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Await(t.Context(), &tt.in, tt.from, isRunning)
			if got.Status.Phase != tt.phase {
				t.Errorf("phase = %s, want %s", got.Status.Phase, tt.phase)
			}
			if tt.wanted == nil && err != nil || tt.wanted != nil && !tt.wanted(err) {
				t.Errorf("unexpected error: %v", err)
			}
			for _, options := range tt.in.asked {
				if options.ResourceVersion != "7" || options.FieldSelector != "metadata.name=p" {
					t.Errorf("watched %+v, want the object p from version 7 on", options)
				}
			}
		})
	}
}

// That a version is too old to watch from tells nothing of the object.
func TestAwaitGoesOnFromAnOldVersion(t *testing.T) {
	comes := []watch.Event{
		{Type: watch.Added, Object: podIn(corev1.PodPending, "a")}, {Type: watch.Modified, Object: podIn(corev1.PodRunning, "a")},
	}
	tests := map[string]struct {
		in     Watcher
		phase  corev1.PodPhase
		wanted error
	}{
		"which has come to it":      {in: &readable{pods: &pods{old: 1, then: []corev1.Pod{*podIn(corev1.PodRunning, "a")}}}, phase: corev1.PodRunning},
		"which an event tells of":   {in: &readable{pods: &pods{old: 2, asked: make([]metav1.ListOptions, 1), then: []corev1.Pod{*podIn(corev1.PodRunning, "a")}}}, phase: corev1.PodRunning},
		"after a get that failed":   {in: &readable{pods: &pods{old: 1, then: []corev1.Pod{{}, *podIn(corev1.PodRunning, "a")}}}, phase: corev1.PodRunning},
		"which is gone":             {in: &readable{pods: &pods{old: 1}}, phase: corev1.PodPending, wanted: ErrDeleted},
		"which has a namesake":      {in: &readable{pods: &pods{old: 1, then: []corev1.Pod{*podIn(corev1.PodRunning, "b")}}}, phase: corev1.PodPending, wanted: ErrDeleted},
		"which does not come to it": {in: &readable{pods: &pods{old: 1, then: []corev1.Pod{*podIn(corev1.PodFailed, "a")}}}, phase: corev1.PodFailed, wanted: context.DeadlineExceeded},
		"which may not be got":      {in: &readable{pods: &pods{old: 1000, events: comes}, forbidden: true}, phase: corev1.PodRunning},
		"which cannot be got":       {in: &pods{old: 1000, events: comes}, phase: corev1.PodRunning},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				got, err := Await(ctx, tt.in, podIn(corev1.PodPending, "a"), isRunning)
				if got.Status.Phase != tt.phase || !errors.Is(err, tt.wanted) {
					t.Errorf("Await = %s, %v, want %s and %v", got.Status.Phase, err, tt.phase, tt.wanted)
				}
			})
		})
	}
}

func TestAwaitAnyListsAnewFromAnOldVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		in := &pods{old: 2, items: []corev1.Pod{*podIn(corev1.PodPending, "a")}, then: []corev1.Pod{*podIn(corev1.PodRunning, "a")}}
		if got, err := AwaitAny(ctx, in, metav1.ListOptions{}, isRunning); err != nil || got.UID != "a" {
			t.Errorf("AwaitAny = %v, %v, want the pod", got, err)
		}
		never := &pods{old: 1000}
		if _, err := AwaitAny(ctx, never, metav1.ListOptions{}, isRunning); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

func TestAwaitGivesUpInTime(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	got, err := Await(ctx, &pods{}, podIn(corev1.PodPending, "a"), isRunning)
	if !errors.Is(err, context.DeadlineExceeded) || got.Status.Phase != corev1.PodPending {
		t.Errorf("Await = %s, %v, want the pod as last seen and %v", got.Status.Phase, err, context.DeadlineExceeded)
	}
}

func TestAwaitAny(t *testing.T) {
	tests := map[string]*pods{
		"one is there": {items: []corev1.Pod{*podIn(corev1.PodPending, "a"), *podIn(corev1.PodRunning, "b")}},
		"one comes": {
			items: []corev1.Pod{*podIn(corev1.PodPending, "a")},
			events: []watch.Event{
				{Type: watch.Deleted, Object: podIn(corev1.PodRunning, "c")}, {Type: watch.Added, Object: podIn(corev1.PodRunning, "b")}},
		},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := AwaitAny(t.Context(), in, metav1.ListOptions{}, isRunning)
			if err != nil {
				t.Fatal(err)
			}
			if got.UID != "b" {
				t.Errorf("found %s, want b", got.UID)
			}
		})
	}
}
