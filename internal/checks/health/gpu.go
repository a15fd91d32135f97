package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	gpuPresentLabel  = "nvidia.com/gpu.present"
	gpuCountLabel    = "nvidia.com/gpu.count"
	gpuWorkloadLabel = "nvidia.com/gpu.workload.config"
	nvidiaGPU        = corev1.ResourceName("nvidia.com/gpu")
)

var (
	// foundLabels are true on nodes in which somebody has found GPUs: the GPU operator, and node feature discovery, which sees them on
	// the PCI bus without any driver.
	foundLabels = []string{gpuPresentLabel, "feature.node.kubernetes.io/pci-10de.present", "feature.node.kubernetes.io/pci-0302_10de.present"}
	// kindLabels are the providers', and name the kind of GPU.
	kindLabels = []string{"cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator", "kubernetes.azure.com/accelerator"}
	// otherAccelerators are the names under which a provider's nodes offer accelerators that are no GPUs, and are labelled like those.
	otherAccelerators = []string{"aws.amazon.com/neuron", "habana.ai/"}
)

// gpuLabel is the label that says that a node has GPUs, as people write it; empty if none does.
func gpuLabel(node *corev1.Node) string {
	if node.Labels[gpuPresentLabel] == "false" {
		return ""
	}
	for _, key := range foundLabels {
		if node.Labels[key] == "true" {
			return key + "=true"
		}
	}
	for name := range node.Status.Capacity {
		if slices.ContainsFunc(otherAccelerators, func(prefix string) bool { return strings.HasPrefix(string(name), prefix) }) {
			return ""
		}
	}
	for _, key := range kindLabels {
		if kind := node.Labels[key]; !slices.Contains([]string{"", "none", "false"}, kind) {
			return key + "=" + kind
		}
	}
	return ""
}

// GPUsOfMachines is the label by which a node gives its GPUs to virtual machines, so that containers are offered none; empty without one.
func GPUsOfMachines(node *corev1.Node) string {
	if to := node.Labels[gpuWorkloadLabel]; to == "vm-passthrough" || to == "vm-vgpu" {
		return gpuWorkloadLabel + "=" + to
	}
	return ""
}

// OfferedOnce are the names under which a node has offered GPUs and offers none any more. Whether it has lost them, or was relieved of
// them, its status does not tell.
func OfferedOnce(node *corev1.Node) []corev1.ResourceName {
	var names []corev1.ResourceName
	for name, quantity := range node.Status.Capacity {
		if isGPU(name) && quantity.IsZero() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// HasGPU reports whether a node has GPUs, or somebody says that it should.
func HasGPU(node *corev1.Node, devices int) bool {
	return devices > 0 || gpuLabel(node) != "" || len(gpuResources(node)) > 0
}

// gpuResources are the names under which device plugins offer GPUs on a node, whole ones and parts of them.
func gpuResources(node *corev1.Node) []corev1.ResourceName {
	var names []corev1.ResourceName
	for name, quantity := range node.Status.Capacity {
		// A plug-in that went away leaves a capacity of zero behind.
		if isGPU(name) && !quantity.IsZero() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func isGPU(name corev1.ResourceName) bool {
	return name == "amd.com/gpu" || strings.HasPrefix(string(name), "nvidia.com/gpu") ||
		strings.HasPrefix(string(name), "nvidia.com/mig-") || strings.HasPrefix(string(name), "gpu.intel.com/")
}

// GPUProblems says what is wrong with the GPUs of a node that has some: none is offered, some of those offered are unhealthy or
// missing, or a condition of the node tells of a fault such as an XID. devices is how many DRA drivers offer.
func GPUProblems(node *corev1.Node, devices int) []string {
	var problems []string
	names := gpuResources(node)
	if len(names) == 0 && devices == 0 {
		problems = append(problems, fmt.Sprintf("it is labelled %s, and neither a device plug-in nor a DRA driver offers any there",
			gpuLabel(node)))
	}
	for _, name := range names {
		has, gives := node.Status.Capacity[name], node.Status.Allocatable[name]
		if gives.Cmp(has) < 0 {
			problems = append(problems, fmt.Sprintf("%s of %s %s are healthy", gives.String(), has.String(), name))
		}
	}
	if count, err := strconv.ParseInt(node.Labels[gpuCountLabel], 10, 64); err == nil && wholeGPUs(node) {
		if has := node.Status.Capacity[nvidiaGPU]; has.Value() < count && devices < int(count) {
			problems = append(problems, fmt.Sprintf("%d GPUs are in it, and %s are offered", count, has.String()))
		}
	}
	for _, condition := range node.Status.Conditions {
		if gpuFault(condition) {
			problems = append(problems, describeCondition(condition))
		}
	}
	return problems
}

// wholeGPUs reports whether each GPU of the node is offered as one: not shared, not in parts.
func wholeGPUs(node *corev1.Node) bool {
	sharing, mig := node.Labels["nvidia.com/gpu.sharing-strategy"], node.Labels["nvidia.com/mig.strategy"]
	return (sharing == "" || sharing == "none") && mig != "single" && mig != "mixed"
}

// gpuFault reads the conditions that watchers of GPUs set. Most name a fault, which is there when they are True; those that
// name a state of health are the other way round.
func gpuFault(condition corev1.NodeCondition) bool {
	name := strings.ToLower(string(condition.Type))
	about := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(name, word) })
	}
	if !about("gpu", "xid", "nvlink", "nvswitch", "acceleratedhardware") {
		return false
	}
	good := corev1.ConditionFalse
	if !about("unhealthy", "notready") && about("healthy", "ready") {
		good = corev1.ConditionTrue
	}
	return condition.Status != good
}

// ServesGPUs reports whether a pod is part of what makes GPUs usable on its node: driver, toolkit, device plug-in, DRA driver,
// exporter. They are told by the names that their makers label them with.
func ServesGPUs(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "DaemonSet" {
		return false
	}
	for _, label := range []string{"app", "app.kubernetes.io/name", "app.kubernetes.io/component", "name", "k8s-app"} {
		value := pod.Labels[label]
		for _, prefix := range []string{"nvidia-", "dra-driver-nvidia-gpu", "amdgpu-", "amd-gpu-", "intel-gpu-"} {
			if strings.HasPrefix(value, prefix) {
				return true
			}
		}
	}
	return false
}
