package podlet

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const hostIP = "127.0.0.1"

// pod is a pod on the node, from its binding until it is gone from the API: its logs are read after it is over.
type pod struct {
	node    *Node
	key     types.NamespacedName
	uid     types.UID
	machine string // the name of its node
	address string
	started metav1.Time

	ctx      context.Context // ends when the pod is gone or the node stops: then nothing is to be told any more
	cancel   context.CancelFunc
	stopping chan struct{} // closed when ending is set

	publishing sync.Mutex // one status write at a time
	sent       []byte     // the last status that was written

	mu         sync.Mutex
	spec       *corev1.Pod // the newest seen
	init, main []*container
	mounted    bool
	ending     *ending
	over       bool // nothing runs any more, nor will
	conditions []corev1.PodCondition
	deadline   *time.Timer
	removal    sync.Once
}

// ending is why and how a pod is ended before its containers have ended by themselves.
type ending struct {
	reason, message string // of the pod's status; no reason for a pod that was deleted
	disrupted       bool   // by the kubelet, which says so in a DisruptionTarget condition
	dropLogs        bool
	grace           time.Duration
}

func newPod(node *Node, spec *corev1.Pod, address string) *pod {
	p := &pod{
		node:     node,
		key:      types.NamespacedName{Namespace: spec.Namespace, Name: spec.Name},
		uid:      spec.UID,
		machine:  spec.Spec.NodeName,
		address:  address,
		started:  metav1.NewTime(node.options.Now()),
		stopping: make(chan struct{}),
		spec:     spec,
		// Of a condition that holds already the kubelet keeps the time: that of PodScheduled is by the API server's clock.
		conditions: slices.Clone(spec.Status.Conditions),
	}
	p.ctx, p.cancel = context.WithCancel(node.ctx)
	waiting := "ContainerCreating"
	if len(spec.Spec.InitContainers) > 0 {
		waiting = "PodInitializing"
	}
	for i := range spec.Spec.InitContainers {
		c := newContainer(p, &spec.Spec.InitContainers[i], waiting)
		c.initialises = c.spec.RestartPolicy == nil || *c.spec.RestartPolicy != corev1.ContainerRestartPolicyAlways
		c.sidecar = !c.initialises
		p.init = append(p.init, c)
	}
	for i := range spec.Spec.Containers {
		p.main = append(p.main, newContainer(p, &spec.Spec.Containers[i], waiting))
	}
	return p
}

// live is the pod's life.
func (p *pod) live() {
	p.publish()
	if p.mount() && p.initialise() {
		p.runMain()
	}
	p.stopSidecars()
	if p.ctx.Err() == nil {
		p.finish()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.deadline != nil {
		p.deadline.Stop()
	}
}

// initialise runs the init containers in order and starts the sidecars among them. It returns false when the pod has
// failed or is to end.
func (p *pod) initialise() bool {
	for _, c := range p.init {
		if c.sidecar {
			started := make(chan struct{})
			p.node.running.Go(func() { c.run(started) })
			select {
			case <-started:
			case <-p.stopping:
				return false
			case <-p.ctx.Done():
				return false
			}
			continue
		}
		if c.run(nil); !c.succeeded() {
			return false
		}
	}
	return true
}

// runMain runs the regular containers and returns when all have ended.
func (p *pod) runMain() {
	var wait sync.WaitGroup
	for _, c := range p.main {
		wait.Go(func() {
			c.run(nil)
			if len(p.main) > 1 && p.ctx.Err() == nil {
				p.publish()
			}
		})
	}
	wait.Wait()
}

// stopSidecars ends the sidecars in the reverse order of their start.
func (p *pod) stopSidecars() {
	for _, v := range slices.Backward(p.init) {
		if c := v; c.sidecar {
			c.stop()
		}
	}
}

// finish says how the pod ended, and completes its deletion if somebody deleted it.
func (p *pod) finish() {
	p.mu.Lock()
	p.over = true
	deleted := p.spec.DeletionTimestamp != nil
	p.mu.Unlock()
	p.publish()
	if deleted {
		p.remove()
	}
}

// update takes a newer version of the pod.
func (p *pod) update(spec *corev1.Pod) {
	p.mu.Lock()
	p.spec = spec
	over := p.over
	if p.deadline != nil {
		p.deadline.Stop()
		p.deadline = nil
	}
	if seconds := spec.Spec.ActiveDeadlineSeconds; seconds != nil && !over {
		left := time.Duration(*seconds)*time.Second - p.node.options.Now().Sub(p.started.Time)
		p.deadline = time.AfterFunc(left, func() {
			p.terminate(&ending{
				reason:  "DeadlineExceeded",
				message: "Pod was active on the node longer than the specified deadline",
				grace:   p.gracePeriod(),
			})
		})
	}
	p.mu.Unlock()
	switch {
	case spec.DeletionTimestamp == nil:
	case over:
		p.node.running.Go(p.remove)
	default:
		p.terminate(&ending{grace: p.gracePeriod()})
	}
}

// terminate ends the pod, for the first reason that comes.
func (p *pod) terminate(why *ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending == nil && !p.over {
		p.ending = why
		close(p.stopping)
	}
}

// gracePeriod is that of the pod's deletion, or of the pod.
func (p *pod) gracePeriod() time.Duration {
	spec := p.object()
	for _, seconds := range []*int64{spec.DeletionGracePeriodSeconds, spec.Spec.TerminationGracePeriodSeconds} {
		if seconds != nil {
			return time.Duration(*seconds) * time.Second
		}
	}
	return corev1.DefaultTerminationGracePeriodSeconds * time.Second
}

// object is the newest version of the pod.
func (p *pod) object() *corev1.Pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spec
}

// container finds a container by its name.
func (p *pod) container(name string) *container {
	for _, containers := range [][]*container{p.main, p.init} {
		for _, c := range containers {
			if c.spec.Name == name {
				return c
			}
		}
	}
	return nil
}

// publish writes the pod's status, unless it is what was written last. It returns when the API server has it, or when
// there is nobody left to tell.
func (p *pod) publish() {
	p.publishing.Lock()
	defer p.publishing.Unlock()
	p.mu.Lock()
	status, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.uid}, "status": p.status()})
	p.mu.Unlock()
	if err != nil {
		p.node.options.Logf("pod %s: encoding its status: %v", p.key, err)
		return
	}
	if bytes.Equal(status, p.sent) {
		return
	}
	err = p.node.tell(p.ctx, func(context.Context) error { // A request is not torn because the pod goes meanwhile.
		_, err := p.node.client.CoreV1().Pods(p.key.Namespace).Patch(p.node.ctx, p.key.Name, types.StrategicMergePatchType, status,
			metav1.PatchOptions{}, "status")
		return err
	})
	switch {
	case err == nil:
		p.sent = status
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err): // Gone, or another of the same name: the watch says so too.
		p.cancel()
	case p.ctx.Err() == nil:
		p.node.options.Logf("pod %s: writing its status: %v", p.key, err)
	}
}

// remove completes the pod's deletion, as only its kubelet may.
func (p *pod) remove() {
	p.removal.Do(func() {
		now := int64(0)
		err := p.node.tell(p.ctx, func(context.Context) error { // The pod goes before the answer has come.
			return p.node.client.CoreV1().Pods(p.key.Namespace).Delete(p.node.ctx, p.key.Name, metav1.DeleteOptions{
				GracePeriodSeconds: &now,
				Preconditions:      &metav1.Preconditions{UID: &p.uid},
			})
		})
		if err != nil && p.ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			p.node.options.Logf("pod %s: completing its deletion: %v", p.key, err)
		}
	})
}

// deleteBySomebody deletes the pod as a user would.
func (p *pod) deleteBySomebody() {
	err := p.node.client.CoreV1().Pods(p.key.Namespace).Delete(p.ctx, p.key.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &p.uid},
	})
	if err != nil && p.ctx.Err() == nil {
		p.node.options.Logf("pod %s: deleting it: %v", p.key, err)
	}
}

// disrupt says that the pod is about to be deleted by the control plane.
func (p *pod) disrupt(reason, message string) {
	err := p.node.patchConditions(p.ctx, p.object(), corev1.PodCondition{
		Type:               corev1.DisruptionTarget,
		Status:             corev1.ConditionTrue,
		Reason:             reason,
		Message:            message,
		LastTransitionTime: metav1.NewTime(p.node.options.Now()),
	})
	if err != nil && p.ctx.Err() == nil {
		p.node.options.Logf("pod %s: marking its disruption: %v", p.key, err)
	}
}
