package podlet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// machine is one of the nodes that a podlet stands for.
type machine struct{ cordoned, unready bool }

// AsksForNode is an Options.Schedules for the pods that ask for a node by its name.
func AsksForNode(pod *corev1.Pod) bool { return nodeAskedFor(pod) != "" }

// nodeAskedFor is the node that a pod's affinity names, empty for none.
func nodeAskedFor(spec *corev1.Pod) string {
	affinity := spec.Spec.Affinity
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return ""
	}
	for _, term := range affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		for _, field := range term.MatchFields {
			if field.Key == metav1.ObjectNameField && field.Operator == corev1.NodeSelectorOpIn && len(field.Values) == 1 {
				return field.Values[0]
			}
		}
	}
	return ""
}

// place is the node for a pod, once that takes pods. It is none where the pod is another podlet's, or nobody's.
func (n *Node) place(ctx context.Context, spec *corev1.Pod) (name string, ok bool) {
	if name = nodeAskedFor(spec); name == "" {
		name = n.options.Name
	}
	for complained := false; ; complained = true {
		n.mu.Lock()
		m, changed := n.machines[name], n.changed
		found := m != nil
		fit := found && !m.cordoned && !m.unready
		n.mu.Unlock()
		switch {
		case !found || !fits(spec, n.labels(name)):
			n.otherNode(ctx, spec)
			return "", false
		case fit || nodeAskedFor(spec) == "":
			return name, true
		case !complained:
			n.failScheduling(ctx, spec, "0/1 nodes are available: 1 node(s) were unschedulable.")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "", false
		}
	}
}

// names are the nodes that the podlet stands for, in order.
func (n *Node) names() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.machines))
}

// hosts says whether the podlet stands for a node.
func (n *Node) hosts(node string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machines[node] != nil
}

// change changes what the podlet knows of a node, and has pods that wait for it look again.
func (n *Node) change(name string, change func(*machine)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.machines[name]
	if m == nil {
		return fmt.Errorf("node %s is none of this podlet's", name)
	}
	change(m)
	close(n.changed)
	n.changed = make(chan struct{})
	return nil
}

// Cordon has one of the nodes take no more pods, or again.
func (n *Node) Cordon(name string, cordoned bool) error {
	if err := n.change(name, func(m *machine) { m.cordoned = cordoned }); err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"unschedulable": cordoned}})
	if err != nil {
		return fmt.Errorf("encoding the cordon of node %s: %w", name, err)
	}
	if _, err := n.client.CoreV1().Nodes().Patch(n.ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("cordoning node %s: %w", name, err)
	}
	return nil
}

// SetReady has one of the nodes say that it is ready, or not. Its containers run on.
func (n *Node) SetReady(name string, ready bool) error {
	if err := n.change(name, func(m *machine) { m.unready = !ready }); err != nil {
		return err
	}
	if ready {
		return n.setReadiness(name, n.ready())
	}
	return n.setReadiness(name, n.readiness(corev1.ConditionFalse, "KubeletNotReady", "container runtime network not ready"))
}

// Remove takes one of the nodes away: its containers end without a word, as those of a machine that is switched off, and the node leaves
// the API. The pods stay there until kube-controller-manager finds that they have no node.
func (n *Node) Remove(name string) error {
	if err := n.change(name, func(*machine) { delete(n.machines, name) }); err != nil {
		return err
	}
	n.mu.Lock()
	for key, p := range n.pods {
		if p.machine == name {
			p.cancel()
			delete(n.pods, key)
		}
	}
	n.mu.Unlock()
	return n.forget(n.ctx, name)
}

// forget removes a node and its lease from the API.
func (n *Node) forget(ctx context.Context, name string) error {
	var errs []error
	for _, err := range []error{
		n.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, name, metav1.DeleteOptions{}),
		n.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}),
	} {
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("removing node %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
