package health

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// PodRequests is what a pod asks of its node. Ordinary init containers run one after the other, before the rest; those that are
// restarted run beside it. What the pod as a whole asks for replaces the sum of its containers. Of a resize that its node can never grant
// the pod has what it had before.
func PodRequests(pod *corev1.Pod) corev1.ResourceList {
	rejected := resizeInfeasible(pod)
	asks := func(container *corev1.Container) corev1.ResourceList {
		if !rejected {
			return container.Resources.Requests
		}
		return granted(container.Resources.Requests, statusOf(pod, container.Name))
	}
	running, peak := corev1.ResourceList{}, corev1.ResourceList{}
	for i := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[i]
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			addResources(running, asks(container))
			continue
		}
		starting := running.DeepCopy()
		addResources(starting, asks(container))
		raiseResources(peak, starting)
	}
	for i := range pod.Spec.Containers {
		addResources(running, asks(&pod.Spec.Containers[i]))
	}
	raiseResources(peak, running)
	if pod.Spec.Resources != nil {
		whole := pod.Spec.Resources.Requests
		if rejected {
			whole = granted(whole, &corev1.ContainerStatus{AllocatedResources: pod.Status.AllocatedResources, Resources: pod.Status.Resources})
		}
		for name, quantity := range whole {
			peak[name] = quantity.DeepCopy()
		}
	}
	addResources(peak, pod.Spec.Overhead)
	return peak
}

// resizeInfeasible reports whether the kubelet has rejected what the pod's spec asks for.
func resizeInfeasible(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodResizePending && c.Reason == corev1.PodReasonInfeasible
	})
}

// statusOf is what the kubelet says of a container of some name; an empty one if it says nothing.
func statusOf(pod *corev1.Pod, container string) *corev1.ContainerStatus {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for i := range statuses {
			if statuses[i].Name == container {
				return &statuses[i]
			}
		}
	}
	return &corev1.ContainerStatus{}
}

// granted is what the kubelet has set aside of what is asked for. One that does not say so may yet say what it has put into effect.
func granted(asked corev1.ResourceList, status *corev1.ContainerStatus) corev1.ResourceList {
	has := status.AllocatedResources
	if has == nil && status.Resources != nil {
		has = status.Resources.Requests
	}
	result := asked.DeepCopy()
	for name := range asked {
		if quantity, found := has[name]; found {
			result[name] = quantity
		}
	}
	return result
}

func addResources(to, what corev1.ResourceList) {
	for name, quantity := range what {
		sum := to[name]
		sum.Add(quantity)
		to[name] = sum
	}
}

func raiseResources(to, least corev1.ResourceList) {
	for name, quantity := range least {
		if has, found := to[name]; !found || has.Cmp(quantity) < 0 {
			to[name] = quantity.DeepCopy()
		}
	}
}

// NodeLoad is what all pods of a node ask of it.
type NodeLoad map[corev1.ResourceName]resource.Quantity

// Add counts a pod in, if it has not ended. What DRA hands out under the name of an extended resource is not taken of the node's.
func (l NodeLoad) Add(pod *corev1.Pod) {
	if PodFinished(pod) {
		return
	}
	requests := PodRequests(pod)
	if claimed := pod.Status.ExtendedResourceClaimStatus; claimed != nil {
		for _, mapping := range claimed.RequestMappings {
			delete(requests, corev1.ResourceName(mapping.ResourceName))
		}
	}
	addResources(corev1.ResourceList(l), requests)
	addResources(corev1.ResourceList(l), corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(1, resource.DecimalSI)})
}

// NodePressure says where a node is short of resources: it says so itself, it has none to give, or its pods have asked for more
// than it gives. A nil load was not looked at.
func NodePressure(node *corev1.Node, load NodeLoad) []string {
	var problems []string
	for _, condition := range node.Status.Conditions {
		switch condition.Type {
		case corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure:
			if condition.Status != corev1.ConditionFalse {
				problems = append(problems, describeCondition(condition))
			}
		default:
			// The others are not about resources.
		}
	}
	for _, name := range basics {
		if quantity := node.Status.Allocatable[name]; quantity.Sign() <= 0 {
			problems = append(problems, fmt.Sprintf("no allocatable %s", name))
		}
	}
	names := make([]corev1.ResourceName, 0, len(load))
	for name := range load {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		asked, gives := load[name], node.Status.Allocatable[name]
		if asked.Cmp(gives) > 0 && !saidElsewhere(node, name) {
			problems = append(problems, fmt.Sprintf("its pods ask for %s of %s, and %s are allocatable", asked.String(), name, gives.String()))
		}
	}
	return problems
}

// basics are what every node has to give.
var basics = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourcePods}

// saidElsewhere reports whether that a node gives none of a resource is a problem of its own, or, for local storage, which a kubelet
// may leave uncounted, none.
func saidElsewhere(node *corev1.Node, name corev1.ResourceName) bool {
	gives, counted := node.Status.Allocatable[name]
	return slices.Contains(basics, name) && gives.Sign() <= 0 || name == corev1.ResourceEphemeralStorage && !counted
}
