package podlet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podTerminationMessages is what all termination messages of a pod share.
const podTerminationMessages = 12 << 10

// status is what a kubelet would say of the pod now. It is called with the pod locked.
func (p *pod) status() *corev1.PodStatus {
	s := &corev1.PodStatus{
		ObservedGeneration: p.spec.Generation,
		Phase:              p.phase(),
		HostIP:             hostIP,
		HostIPs:            []corev1.HostIP{{IP: hostIP}},
		StartTime:          &p.started,
		QOSClass:           p.spec.Status.QOSClass,
	}
	if p.mounted {
		s.PodIP, s.PodIPs = p.address, []corev1.PodIP{{IP: p.address}}
	}
	for _, c := range p.init {
		s.InitContainerStatuses = append(s.InitContainerStatuses, p.containerStatus(c))
	}
	for _, c := range p.main {
		s.ContainerStatuses = append(s.ContainerStatuses, p.containerStatus(c))
	}
	if p.over && p.ending != nil {
		s.Reason, s.Message = p.ending.reason, p.ending.message
	}
	s.Conditions = p.newConditions(s.Phase)
	return s
}

// phase follows the rules of a kubelet: a pod is over only once nothing of it runs.
func (p *pod) phase() corev1.PodPhase {
	if p.over {
		failed := p.ending != nil && p.ending.reason != ""
		for _, c := range p.main {
			failed = failed || c.state.Terminated == nil || c.state.Terminated.ExitCode != 0
		}
		if failed {
			return corev1.PodFailed
		}
		return corev1.PodSucceeded
	}
	for _, c := range p.main {
		if c.state.Waiting != nil && c.last.Terminated == nil {
			return corev1.PodPending
		}
	}
	return corev1.PodRunning
}

func (p *pod) containerStatus(c *container) corev1.ContainerStatus {
	started := c.state.Running != nil
	s := corev1.ContainerStatus{
		Name:                 c.spec.Name,
		Image:                c.spec.Image,
		State:                c.state,
		LastTerminationState: c.last,
		RestartCount:         c.restarts,
		ContainerID:          c.id,
		Started:              &started,
		Ready:                started,
	}
	if c.id != "" {
		s.ImageID = c.imageID
	}
	if c.initialises {
		s.Ready = c.state.Terminated != nil && c.state.Terminated.ExitCode == 0
	}
	if p.over && c.state.Terminated == nil && (c.id != "" || p.initialised()) {
		s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: exitKilled,
			Reason:   "ContainerStatusUnknown",
			Message:  "The container could not be located when the pod was terminated",
		}}
	}
	if t := s.State.Terminated; t != nil {
		if share := podTerminationMessages / (len(p.init) + len(p.main)); len(t.Message) > share {
			t = t.DeepCopy()
			t.Message = t.Message[:share]
			s.State.Terminated = t
		}
	}
	return s
}

// initialised tells whether the regular containers' turn has come.
func (p *pod) initialised() bool {
	return len(p.incomplete()) == 0
}

// incomplete names the init containers that regular containers wait for.
func (p *pod) incomplete() []string {
	var names []string
	for _, c := range p.init {
		switch {
		case c.initialises && c.state.Terminated != nil && c.state.Terminated.ExitCode == 0:
		case !c.initialises && c.id != "":
		default:
			names = append(names, c.spec.Name)
		}
	}
	return names
}

// newConditions are those that a kubelet owns. They keep the time of their last transition.
func (p *pod) newConditions(phase corev1.PodPhase) []corev1.PodCondition {
	truth := func(is bool) corev1.ConditionStatus {
		if is {
			return corev1.ConditionTrue
		}
		return corev1.ConditionFalse
	}
	incomplete := p.incomplete()
	initialised := corev1.PodCondition{Type: corev1.PodInitialized, Status: truth(len(incomplete) == 0)}
	switch {
	case len(incomplete) > 0:
		initialised.Reason = "ContainersNotInitialized"
		initialised.Message = fmt.Sprintf("containers with incomplete status: %s", incomplete)
	case phase == corev1.PodSucceeded:
		initialised.Reason = "PodCompleted"
	}
	ready := p.readiness(phase)
	containersReady := ready
	ready.Type, containersReady.Type = corev1.PodReady, corev1.ContainersReady
	conditions := []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: truth(p.mounted && !p.over)},
		initialised,
		ready,
		containersReady,
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	}
	if p.over && p.ending != nil && p.ending.disrupted {
		conditions = append(conditions, corev1.PodCondition{
			Type:    corev1.DisruptionTarget,
			Status:  corev1.ConditionTrue,
			Reason:  corev1.PodReasonTerminationByKubelet,
			Message: p.ending.message,
		})
	}
	for i := range conditions {
		c := &conditions[i]
		c.ObservedGeneration = p.spec.Generation
		c.LastTransitionTime = metav1.NewTime(p.node.options.Now())
		if old := slices.IndexFunc(p.conditions, func(o corev1.PodCondition) bool { return o.Type == c.Type }); old >= 0 &&
			p.conditions[old].Status == c.Status {
			c.LastTransitionTime = p.conditions[old].LastTransitionTime
		}
	}
	p.conditions = conditions
	return conditions
}

func (p *pod) readiness(phase corev1.PodPhase) corev1.PodCondition {
	var unready []string
	for _, c := range p.main {
		if c.state.Running == nil {
			unready = append(unready, c.spec.Name)
		}
	}
	switch {
	case phase == corev1.PodSucceeded:
		return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: "PodCompleted"}
	case phase == corev1.PodFailed:
		return corev1.PodCondition{Status: corev1.ConditionFalse, Reason: "PodFailed"}
	case len(unready) > 0:
		return corev1.PodCondition{
			Status:  corev1.ConditionFalse,
			Reason:  "ContainersNotReady",
			Message: fmt.Sprintf("containers with unready status: %s", unready),
		}
	default:
		return corev1.PodCondition{Status: corev1.ConditionTrue}
	}
}
