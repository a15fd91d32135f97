package controller

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// nodesFresh is for how long a list of all nodes serves every run that minds its own: some thousands of them are some megabytes.
const nodesFresh = 5 * time.Second

// nodePage is how many nodes are read at a time: with their images they have some 20 KB each.
const nodePage = 500

// nodeList are the nodes that there were when they were listed last.
type nodeList struct {
	mu sync.Mutex
	at time.Time
	of map[string]plan.Node
}

// eachNode hands over all nodes that there are, one at a time, and remembers of them what a decision needs.
func (r *Reconciler) eachNode(ctx context.Context, take func(*corev1.Node)) (map[string]plan.Node, error) {
	now, all, next := r.Clock.Now(), map[string]plan.Node{}, ""
	for {
		list := &corev1.NodeList{}
		if err := r.Live.List(ctx, list, client.Limit(nodePage), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("listing nodes: %w", err)
		}
		for i := range list.Items {
			n := &list.Items[i]
			all[n.Name] = lookAtNode(n)
			take(n)
		}
		if next = list.Continue; next == "" {
			r.nodes.at, r.nodes.of = now, all
			return all, nil
		}
	}
}

// present are the nodes that there are: of those that ask at once, one asks the API server. Nobody may change them.
func (r *Reconciler) present(ctx context.Context) (map[string]plan.Node, error) {
	r.nodes.mu.Lock()
	defer r.nodes.mu.Unlock()
	if age := r.Clock.Since(r.nodes.at); r.nodes.of != nil && age >= 0 && age < nodesFresh {
		return r.nodes.of, nil
	}
	return r.eachNode(ctx, func(*corev1.Node) {})
}

// observeNodes reads the nodes that phases which go on run on, as they were frozen, and the nodes that there are now.
func (r *Reconciler) observeNodes(ctx context.Context, run *v1alpha1.ValidationRun, doc *document, seen *plan.Observed) error {
	asked := false
	for i := range run.Status.Phases {
		p := &run.Status.Phases[i]
		if p.FanOut == nil || p.FanOut.Nodes == 0 || p.State.Ended() {
			continue
		}
		asked = true
		if _, known := doc.nodes[p.Name]; known {
			continue
		}
		data, err := r.frozen(ctx, run, nodesOf(p.Name))
		if err != nil {
			return err
		}
		var nodes plan.Nodes
		if data != nil && json.Unmarshal(data, &nodes) == nil {
			doc.nodes[p.Name] = nodes
		}
	}
	seen.Nodes = doc.nodes
	if !asked {
		return nil
	}
	return r.observePresent(ctx, seen)
}

func (r *Reconciler) observePresent(ctx context.Context, seen *plan.Observed) error {
	nodes, err := r.present(ctx)
	if apierrors.IsForbidden(err) {
		return nil // without the right to look, the pods have to tell
	}
	seen.Present = nodes
	return err
}

func nodesOf(phase string) string { return "nodes-" + phase }

// freezeNodes chooses the nodes of a phase, and writes down which they are: what the phase's items are must not change while it runs.
func (r *Reconciler) freezeNodes(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, of *plan.NodesOf, seen *plan.Observed) error {
	// What is chosen stands for the whole phase: a node that was labelled just before the run was made must be among them.
	chosen := choiceOf(of.Selection)
	r.nodes.mu.Lock()
	_, err := r.eachNode(ctx, chosen.consider)
	r.nodes.mu.Unlock()
	if apierrors.IsForbidden(err) {
		return &refusal{block: plan.Block{Reason: v1alpha1.ReasonForbidden, Message: "the operator may not list nodes: " + err.Error()}}
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(chosen.nodes())
	if err != nil {
		return fmt.Errorf("encoding the nodes of phase %s: %w", of.Phase, err)
	}
	cm, err := createOwned(ctx, r, run, workload.FrozenInput(run, attempt, nodesOf(of.Phase), data))
	if err != nil {
		return err
	}
	content, _ := workload.FrozenContent(nodesOf(of.Phase), cm)
	var nodes plan.Nodes
	if isOwn(run, cm) != nil || json.Unmarshal(content, &nodes) != nil {
		return &refusal{block: plan.Block{
			Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("ConfigMap %s is not a list of nodes: delete it", cm.Name), Final: true,
		}}
	}
	if seen.Nodes == nil {
		seen.Nodes = map[string]plan.Nodes{}
	}
	seen.Nodes[of.Phase] = nodes
	if err := r.observePresent(ctx, seen); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// choice is what a selection of nodes comes to.
type choice struct {
	v1alpha1.NodeSelection
	matches labels.Selector
	out     []plan.Node
}

func choiceOf(from v1alpha1.NodeSelection) *choice {
	wanted := labels.Set{}
	for key, value := range from.Selector {
		wanted[key] = string(value)
	}
	return &choice{NodeSelection: from, matches: labels.SelectorFromSet(wanted)}
}

// consider takes a node, if it is one that the selection means.
func (c *choice) consider(n *corev1.Node) {
	if c.matches.Matches(labels.Set(n.Labels)) && !slices.Contains(c.Exclude, n.Name) && n.DeletionTimestamp.IsZero() {
		c.out = append(c.out, lookAtNode(n))
	}
}

// nodes are those that were chosen: where the selection bounds their number, healthy ones first.
func (c *choice) nodes() plan.Nodes {
	out := plan.Nodes{Matching: len(c.out), Nodes: c.out}
	byName := func(a, b plan.Node) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(out.Nodes, byName)
	if most := c.MaxNodes; most != nil && int(*most) < len(out.Nodes) {
		slices.SortStableFunc(out.Nodes, func(a, b plan.Node) int { return a.Ailing() - b.Ailing() })
		out.Nodes = out.Nodes[:*most]
		slices.SortFunc(out.Nodes, byName)
	}
	return out
}

func lookAtNode(n *corev1.Node) plan.Node {
	ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
	return plan.Node{Name: n.Name, Cordoned: n.Spec.Unschedulable, NotReady: !ready}
}
