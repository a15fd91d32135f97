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

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// nodesFresh is for how long a list of all nodes serves every run that minds its own: some thousands of them are some megabytes.
const nodesFresh = 5 * time.Second

// nodeList is the list of all nodes as it was read last.
type nodeList struct {
	mu    sync.Mutex
	at    time.Time
	nodes []corev1.Node
}

// allNodes are the nodes that there are, as they were listed at a time or later: of those that ask at once, one asks the API server.
func (r *Reconciler) allNodes(ctx context.Context, since time.Time) ([]corev1.Node, error) {
	r.nodes.mu.Lock()
	defer r.nodes.mu.Unlock()
	now := r.Clock.Now()
	if at := r.nodes.at; !at.Before(since) && !at.After(now) {
		return r.nodes.nodes, nil
	}
	list := &corev1.NodeList{}
	if err := r.Live.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	r.nodes.at, r.nodes.nodes = now, list.Items
	return list.Items, nil
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
	nodes, err := r.allNodes(ctx, r.Clock.Now().Add(-nodesFresh))
	if apierrors.IsForbidden(err) {
		return nil // without the right to look, the pods have to tell
	}
	if err != nil {
		return err
	}
	seen.Present = make(map[string]plan.Node, len(nodes))
	for i := range nodes {
		seen.Present[nodes[i].Name] = lookAtNode(&nodes[i])
	}
	return nil
}

func nodesOf(phase string) string { return "nodes-" + phase }

// freezeNodes chooses the nodes of a phase, and writes down which they are: what the phase's items are must not change while it runs.
func (r *Reconciler) freezeNodes(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, of *plan.NodesOf, seen *plan.Observed) error {
	// What is chosen stands for the whole phase: a node that was labelled just before the run was made must be among them.
	all, err := r.allNodes(ctx, r.Clock.Now())
	if apierrors.IsForbidden(err) {
		return &refusal{block: plan.Block{Reason: v1alpha1.ReasonForbidden, Message: "the operator may not list nodes: " + err.Error()}}
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(chooseNodes(all, of.Selection))
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

// chooseNodes are the nodes that a selection comes to: where it bounds their number, healthy ones first.
func chooseNodes(all []corev1.Node, from v1alpha1.NodeSelection) plan.Nodes {
	wanted := labels.Set{}
	for key, value := range from.Selector {
		wanted[key] = string(value)
	}
	matches := labels.SelectorFromSet(wanted)
	var out plan.Nodes
	for i := range all {
		if n := &all[i]; matches.Matches(labels.Set(n.Labels)) && !slices.Contains(from.Exclude, n.Name) && n.DeletionTimestamp.IsZero() {
			out.Nodes = append(out.Nodes, lookAtNode(n))
		}
	}
	out.Matching = len(out.Nodes)
	byName := func(a, b plan.Node) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(out.Nodes, byName)
	if most := from.MaxNodes; most != nil && int(*most) < len(out.Nodes) {
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
