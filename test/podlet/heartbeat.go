package podlet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/utils/ptr"
)

const (
	leaseDuration = 40 * time.Second
	leaseRenewal  = 10 * time.Second
	retryDelay    = 100 * time.Millisecond
	retryMaximum  = 2 * time.Second
	goodbyeLimit  = 10 * time.Second
)

// tell makes a request to the API server, and makes it again while the node is lost or the server has trouble. It returns
// an error that another attempt would not mend.
func (n *Node) tell(ctx context.Context, request func(context.Context) error) error {
	for delay := retryDelay; ; delay = min(2*delay, retryMaximum) {
		n.mu.Lock()
		online := n.online
		n.mu.Unlock()
		select {
		case <-online:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := request(ctx)
		if err == nil || !transient(err) {
			return err
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func transient(err error) bool {
	var network net.Error
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) ||
		utilnet.IsConnectionRefused(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err) || errors.As(err, &network)
}

// register creates the nodes.
func (n *Node) register() error {
	for _, name := range n.names() {
		if err := n.registerNode(name); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) registerNode(name string) error {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("1000"),
		corev1.ResourceMemory:           resource.MustParse("10Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Ti"),
		corev1.ResourcePods:             resource.MustParse("100k"),
	}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: n.labels(name)},
		Status: corev1.NodeStatus{
			Capacity:    capacity,
			Allocatable: capacity,
			Conditions:  []corev1.NodeCondition{n.ready()},
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: hostIP},
				{Type: corev1.NodeHostName, Address: name},
			},
			DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(n.port)}},
			NodeInfo: corev1.NodeSystemInfo{
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				ContainerRuntimeVersion: "containerd://podlet",
				KubeletVersion:          "v1.37.1-podlet",
			},
		},
	}
	if _, err := n.client.CoreV1().Nodes().Create(n.ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating node %s: %w", name, err)
	}
	return nil
}

// unregister removes the nodes once nothing of them runs any more.
func (n *Node) unregister() error {
	var errs []error
	for _, name := range n.names() {
		errs = append(errs, n.unregisterNode(name))
	}
	return errors.Join(errs...)
}

// unregisterNode has a time limit for each node: a podlet may stand for hundreds.
func (n *Node) unregisterNode(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeLimit)
	defer cancel()
	return n.forget(ctx, name)
}

// heartbeat renews the nodes' leases: without them kube-controller-manager would take the nodes for lost.
func (n *Node) heartbeat() {
	ticker := time.NewTicker(leaseRenewal)
	defer ticker.Stop()
	for {
		for _, name := range n.names() {
			err := n.tell(n.ctx, func(ctx context.Context) error { return n.renewLease(ctx, name) })
			if err != nil && n.ctx.Err() == nil {
				n.options.Logf("node %s: renewing its lease: %v", name, err)
			}
		}
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}

func (n *Node) renewLease(ctx context.Context, name string) error {
	leases := n.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	spec := coordinationv1.LeaseSpec{
		HolderIdentity:       &name,
		LeaseDurationSeconds: ptr.To(int32(leaseDuration / time.Second)),
		RenewTime:            new(metav1.NewMicroTime(time.Now())), // kube-controller-manager's clock is the real one.
	}
	patch, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return err
	}
	_, err = leases.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) && n.hosts(name) {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	}
	return err
}

// Lose cuts the podlet's nodes off: its containers run on, but it neither serves logs nor tells the API server anything. The node is
// marked as kube-controller-manager would mark it after 50 seconds, which then taints it.
func (n *Node) Lose() {
	n.mu.Lock()
	server := n.server
	n.server = nil
	if server != nil {
		n.online = make(chan struct{})
	}
	n.mu.Unlock()
	if server == nil {
		return
	}
	_ = server.Close() // the connections are meant to break
	n.setAllReadiness(n.readiness(corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status."))
}

// Recover ends what Lose began. The node catches up on what it had to tell.
func (n *Node) Recover() error {
	n.mu.Lock()
	server, online := n.server, n.online
	n.mu.Unlock()
	if server != nil {
		return nil
	}
	if err := n.serve(); err != nil {
		return err
	}
	close(online)
	n.setAllReadiness(n.ready())
	return nil
}

func (n *Node) readiness(status corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
	now := metav1.NewTime(n.options.Now())
	return corev1.NodeCondition{
		Type: corev1.NodeReady, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now,
	}
}

func (n *Node) ready() corev1.NodeCondition {
	return n.readiness(corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status")
}

func (n *Node) setReadiness(name string, condition corev1.NodeCondition) error {
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{condition}}})
	if err != nil {
		return fmt.Errorf("encoding the readiness of node %s: %w", name, err)
	}
	_, err = n.client.CoreV1().Nodes().Patch(n.ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("setting the readiness of node %s: %w", name, err)
	}
	return nil
}

func (n *Node) setAllReadiness(condition corev1.NodeCondition) {
	for _, name := range n.names() {
		if err := n.setReadiness(name, condition); err != nil && n.ctx.Err() == nil {
			n.options.Logf("%v", err)
		}
	}
}
