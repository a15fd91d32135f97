package podlet

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// watchPods returns once the node knows its own pods and those that nobody has bound.
func (n *Node) watchPods() error {
	own := fields.OneTermEqualSelector("spec.nodeName", n.options.Name)
	if len(n.options.Nodes) > 0 {
		own = fields.OneTermNotEqualSelector("spec.nodeName", "")
	}
	unbound := fields.AndSelectors(fields.OneTermEqualSelector("spec.nodeName", ""),
		fields.OneTermEqualSelector("status.phase", string(corev1.PodPending)))
	for _, kind := range []struct {
		selector fields.Selector
		handler  cache.ResourceEventHandlerFuncs
	}{
		{own, cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { n.podAdded(object.(*corev1.Pod)) },
			UpdateFunc: func(old, object any) { n.podUpdated(old.(*corev1.Pod), object.(*corev1.Pod)) },
			DeleteFunc: func(object any) { n.podGone(lastKnown(object)) },
		}},
		{unbound, cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { n.podUnbound(object.(*corev1.Pod)) },
			UpdateFunc: func(_, object any) { n.podUnbound(object.(*corev1.Pod)) },
			DeleteFunc: func(object any) { n.podBound(lastKnown(object)) },
		}},
	} {
		_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
			ListerWatcher: cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, kind.selector),
			ObjectType:    &corev1.Pod{},
			Handler:       kind.handler,
			Transform:     withoutManagedFields,
		})
		n.running.Go(func() { informer.RunWithContext(n.ctx) })
		if !cache.WaitForCacheSync(n.ctx.Done(), informer.HasSynced) {
			return errors.New("watching pods: the node was stopped")
		}
	}
	return nil
}

func withoutManagedFields(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return object, nil
}

// lastKnown unpacks what an informer says of a deleted pod.
func lastKnown(object any) *corev1.Pod {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	pod, _ := object.(*corev1.Pod)
	return pod
}

func (n *Node) podAdded(spec *corev1.Pod) {
	if !n.hosts(spec.Spec.NodeName) {
		return
	}
	n.mu.Lock()
	n.addresses++
	p := newPod(n, spec, fmt.Sprintf("10.%d.%d.%d", 64+n.addresses>>16&63, n.addresses>>8&255, n.addresses&255))
	n.pods[p.key] = p
	n.mu.Unlock()
	p.update(spec)
	n.running.Go(p.live)
}

func (n *Node) podUpdated(old, spec *corev1.Pod) {
	if old.UID != spec.UID { // The one was gone before the other was seen.
		n.podGone(old)
		n.podAdded(spec)
		return
	}
	if p := n.podNamed(spec.Namespace, spec.Name); p != nil {
		p.update(spec)
	}
}

func (n *Node) podGone(spec *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := types.NamespacedName{Namespace: spec.Namespace, Name: spec.Name}
	if p := n.pods[key]; p != nil && p.uid == spec.UID {
		p.cancel()
		delete(n.pods, key)
	}
}

// podNamed returns nil for a pod that is not on the node.
func (n *Node) podNamed(namespace, name string) *pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pods[types.NamespacedName{Namespace: namespace, Name: name}]
}

// podUnbound plays the scheduler for a pod, once.
func (n *Node) podUnbound(spec *corev1.Pod) {
	if spec.DeletionTimestamp != nil || len(spec.Spec.SchedulingGates) > 0 || !n.options.Schedules(spec) ||
		spec.Spec.SchedulerName != "" && spec.Spec.SchedulerName != corev1.DefaultSchedulerName {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unbound[spec.UID] != nil {
		return
	}
	ctx, cancel := context.WithCancel(n.ctx)
	n.unbound[spec.UID] = cancel
	n.running.Go(func() { n.schedule(ctx, spec) })
}

func (n *Node) podBound(spec *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if cancel := n.unbound[spec.UID]; cancel != nil {
		cancel()
		delete(n.unbound, spec.UID)
	}
}

// InNamespaces is an Options.Schedules for the pods of namespaces with a name that begins with prefix.
func InNamespaces(prefix string) func(*corev1.Pod) bool {
	return func(pod *corev1.Pod) bool {
		return len(pod.Namespace) >= len(prefix) && pod.Namespace[:len(prefix)] == prefix
	}
}

func (n *Node) labels(name string) map[string]string {
	all := map[string]string{
		corev1.LabelHostname:   name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
	}
	maps.Copy(all, n.options.Labels)
	return all
}

// fits tells whether the pod may run on a node with such labels.
func fits(spec *corev1.Pod, node map[string]string) bool {
	return labels.SelectorFromSet(spec.Spec.NodeSelector).Matches(labels.Set(node))
}
