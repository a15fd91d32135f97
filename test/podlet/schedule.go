package podlet

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// schedule binds a pod to its node, unless its script or its node selector says otherwise.
func (n *Node) schedule(ctx context.Context, spec *corev1.Pod) {
	target, ok := n.place(ctx, spec)
	if !ok {
		return
	}
	if finding := n.unschedulable(spec); finding != nil {
		message := finding.Message
		if message == "" {
			message = "1 Insufficient memory"
		}
		n.failScheduling(ctx, spec, "0/1 nodes are available: "+message+".")
		select {
		case <-finding.Until:
		case <-ctx.Done():
			return
		}
	}
	err := n.tell(ctx, func(context.Context) error { // The watch may tell of the binding before the answer has come.
		return n.client.CoreV1().Pods(spec.Namespace).Bind(n.ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Namespace: spec.Namespace, Name: spec.Name, UID: spec.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: target},
		}, metav1.CreateOptions{})
	})
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		n.options.Logf("pod %s/%s: binding it: %v", spec.Namespace, spec.Name, err)
	}
}

// otherNode leaves a pod to the node that it asks for, and complains if there is none.
func (n *Node) otherNode(ctx context.Context, spec *corev1.Pod) {
	var named metav1.ListOptions
	if asked := nodeAskedFor(spec); asked != "" {
		named.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, asked).String()
	}
	nodes, err := n.client.CoreV1().Nodes().List(ctx, named)
	if err != nil {
		return
	}
	for _, node := range nodes.Items {
		if fits(spec, node.Labels) {
			return
		}
	}
	n.failScheduling(ctx, spec, fmt.Sprintf("0/%[1]d nodes are available: %[1]d node(s) didn't match Pod's node affinity/selector.",
		len(nodes.Items)))
}

// unschedulable is what the script of any of the pod's images says about its scheduling.
func (n *Node) unschedulable(spec *corev1.Pod) *Unschedulable {
	for _, containers := range [][]corev1.Container{spec.Spec.InitContainers, spec.Spec.Containers} {
		for _, c := range containers {
			if script, ok, _ := n.script(c.Image); ok && script.Unschedulable != nil {
				return script.Unschedulable
			}
		}
	}
	return nil
}

func (n *Node) failScheduling(ctx context.Context, spec *corev1.Pod, message string) {
	n.event(spec, "FailedScheduling", message)
	err := n.patchConditions(ctx, spec, corev1.PodCondition{
		Type:               corev1.PodScheduled,
		Status:             corev1.ConditionFalse,
		Reason:             corev1.PodReasonUnschedulable,
		Message:            message,
		ObservedGeneration: spec.Generation,
		LastTransitionTime: metav1.NewTime(n.options.Now()),
	})
	if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
		n.options.Logf("pod %s/%s: marking it unschedulable: %v", spec.Namespace, spec.Name, err)
	}
}

// patchConditions sets conditions of a pod, and leaves the others.
func (n *Node) patchConditions(ctx context.Context, spec *corev1.Pod, conditions ...corev1.PodCondition) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": spec.UID},
		"status":   map[string]any{"conditions": conditions},
	})
	if err != nil {
		return fmt.Errorf("encoding conditions: %w", err)
	}
	return n.tell(ctx, func(ctx context.Context) error {
		_, err := n.client.CoreV1().Pods(spec.Namespace).Patch(ctx, spec.Name, types.StrategicMergePatchType, patch,
			metav1.PatchOptions{}, "status")
		return err
	})
}

// event records a warning about a pod.
func (n *Node) event(spec *corev1.Pod, reason, message string) {
	now := metav1.NewTime(n.options.Now())
	component := "kubelet"
	if reason == "FailedScheduling" {
		component = corev1.DefaultSchedulerName
	}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: spec.Namespace, Name: fmt.Sprintf("%.200s.%s", spec.Name, uuid.NewUUID())},
		InvolvedObject: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: spec.Namespace, Name: spec.Name, UID: spec.UID,
		},
		Reason:         reason,
		Message:        message,
		Type:           corev1.EventTypeWarning,
		Source:         corev1.EventSource{Component: component, Host: n.options.Name},
		FirstTimestamp: now,
		LastTimestamp:  now,
		Count:          1,
	}
	if _, err := n.client.CoreV1().Events(spec.Namespace).Create(n.ctx, event, metav1.CreateOptions{}); err != nil &&
		n.ctx.Err() == nil && !apierrors.IsForbidden(err) { // Forbidden is a namespace that is being deleted.
		n.options.Logf("pod %s/%s: recording an event: %v", spec.Namespace, spec.Name, err)
	}
}
