package controller

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// newNode is a node that is ready, with a label gpu=true.
func newNode(name string, changes ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"gpu": "true"}},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
	for _, change := range changes {
		change(n)
	}
	return n
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func unready(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }

func silent(n *corev1.Node) { n.Status.Conditions = nil }

func leaving(n *corev1.Node) { n.DeletionTimestamp = &metav1.Time{Time: epoch} }

func plain(n *corev1.Node) { n.Labels = nil }

func TestChooseNodes(t *testing.T) {
	gpus := map[string]v1alpha1.LabelValue{"gpu": "true"}
	all := []*corev1.Node{
		newNode("n5"), newNode("n4", silent), newNode("n1", cordoned), newNode("n3"), newNode("n2", unready), newNode("n0", leaving), newNode("n6", plain),
	}
	n1, n2, n4 := plan.Node{Name: "n1", Cordoned: true}, plan.Node{Name: "n2", NotReady: true}, plan.Node{Name: "n4", NotReady: true}
	n3, n5, n6 := plan.Node{Name: "n3"}, plan.Node{Name: "n5"}, plan.Node{Name: "n6"}
	for _, test := range []struct {
		name string
		from v1alpha1.NodeSelection
		want plan.Nodes
	}{
		{"any node", v1alpha1.NodeSelection{}, plan.Nodes{Matching: 6, Nodes: []plan.Node{n1, n2, n3, n4, n5, n6}}},
		{"by label", v1alpha1.NodeSelection{Selector: gpus}, plan.Nodes{Matching: 5, Nodes: []plan.Node{n1, n2, n3, n4, n5}}},
		{"without some", v1alpha1.NodeSelection{Selector: gpus, Exclude: []string{"n1", "n5", "x"}}, plan.Nodes{Matching: 3, Nodes: []plan.Node{n2, n3, n4}}},
		{"of which two, healthy ones first", v1alpha1.NodeSelection{MaxNodes: new(int32(2))}, plan.Nodes{Matching: 6, Nodes: []plan.Node{n3, n5}}},
		{
			"of which four: those of the others that come first by name", v1alpha1.NodeSelection{Selector: gpus, MaxNodes: new(int32(4))},
			plan.Nodes{Matching: 5, Nodes: []plan.Node{n1, n2, n3, n5}},
		},
		{"of which more than there are", v1alpha1.NodeSelection{Selector: gpus, MaxNodes: new(int32(9))}, plan.Nodes{Matching: 5, Nodes: []plan.Node{n1, n2, n3, n4, n5}}},
		{"none", v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{"gpu": "false"}}, plan.Nodes{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			chosen := choiceOf(test.from)
			for _, n := range all {
				chosen.consider(n)
			}
			if diff := cmp.Diff(test.want, chosen.nodes()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// fannedOut is a run that has begun and whose phase a has items on so many nodes.
func fannedOut(nodes int32) func(*v1alpha1.ValidationRun) {
	return func(run *v1alpha1.ValidationRun) {
		started(run)
		run.Status.Phases[0].FanOut = &v1alpha1.FanOutStatus{Items: nodes, Nodes: nodes}
	}
}

// What nodes a phase runs on is written down once. Nodes that come later, and an operator that starts anew, change nothing in it.
func TestNodesAreFrozenOnce(t *testing.T) {
	run := newRun(fannedOut(2))
	b := newBench(t, interceptor.Funcs{}, run, newNode("n1"), newNode("n2", cordoned))
	of := &plan.NodesOf{Phase: "a"}
	var seen plan.Observed
	if err := b.freezeNodes(t.Context(), run, 1, of, &seen); err != nil {
		t.Fatal(err)
	}
	want := plan.Nodes{Matching: 2, Nodes: []plan.Node{{Name: "n1"}, {Name: "n2", Cordoned: true}}}
	if diff := cmp.Diff(want, seen.Nodes["a"]); diff != "" {
		t.Errorf("frozen (-want +got)\n%s", diff)
	}
	if err := b.Client.Create(t.Context(), newNode("n3")); err != nil {
		t.Fatal(err)
	}
	b.clock.Step(time.Minute)
	anew := &Reconciler{Client: b.Client, Live: b.Live, Clock: b.clock}
	for what, do := range map[string]func(*plan.Observed) error{
		"observed": func(seen *plan.Observed) error {
			return anew.observeNodes(t.Context(), run, anew.documents.open(run), seen)
		},
		"asked for again": func(seen *plan.Observed) error { return anew.freezeNodes(t.Context(), run, 1, of, seen) },
	} {
		var seen plan.Observed
		if err := do(&seen); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, seen.Nodes["a"]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
		if _, there := seen.Present["n3"]; !there || len(seen.Present) != 3 {
			t.Errorf("%s: the nodes that there are now are %v", what, seen.Present)
		}
	}
}

// Frozen nodes that somebody deletes are not chosen anew: what the letters of status stand for would change.
func TestFrozenNodesThatAreGoneAreGone(t *testing.T) {
	run := newRun(fannedOut(1))
	b := newBench(t, interceptor.Funcs{}, run, newNode("n1"))
	var seen plan.Observed
	if err := b.observeNodes(t.Context(), run, b.documents.open(run), &seen); err != nil {
		t.Fatal(err)
	}
	if _, known := seen.Nodes["a"]; known || seen.Present == nil {
		t.Errorf("nodes are %v, present are %v", seen.Nodes, seen.Present)
	}
}

// An operator that may not list nodes says so where it has to choose some, and lets the pods tell where it has.
func TestNodesThatMayNotBeListed(t *testing.T) {
	forbidden := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, ok := list.(*corev1.NodeList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", nil)
		}
		return c.List(ctx, list, opts...)
	}}
	run := newRun(fannedOut(1))
	b := newBench(t, forbidden, run)
	var seen plan.Observed
	if err := b.make(t.Context(), run, plan.Decision{FreezeNodes: &plan.NodesOf{Phase: "a"}}, &seen); err != nil {
		t.Fatal(err)
	}
	if refused := seen.RefusedNodes["a"]; refused == nil || refused.Reason != v1alpha1.ReasonForbidden || refused.Final || seen.Refused != nil {
		t.Errorf("refused: %+v, and in general %+v", refused, seen.Refused)
	}
	if err := b.observeNodes(t.Context(), run, b.documents.open(run), &seen); err != nil || seen.Present != nil {
		t.Errorf("present are %v, %v", seen.Present, err)
	}
}

// A list of some thousands of nodes is read once for all runs that ask within some seconds.
func TestNodesAreListedNowAndThen(t *testing.T) {
	lists := 0
	counting := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, ok := list.(*corev1.NodeList); ok {
			lists++
		}
		return c.List(ctx, list, opts...)
	}}
	b := newBench(t, counting, newNode("n1"))
	var got []int
	for _, wait := range []time.Duration{0, time.Second, nodesFresh - 2*time.Second, time.Second, -time.Minute} {
		b.clock.SetTime(b.clock.Now().Add(wait))
		if _, err := b.present(t.Context()); err != nil {
			t.Fatal(err)
		}
		got = append(got, lists)
	}
	if want := []int{1, 1, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("lists are %v, want %v", got, want)
	}
}
