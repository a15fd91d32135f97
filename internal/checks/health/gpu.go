package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	gpuPresentLabel = "nvidia.com/gpu.present"
	gpuCountLabel   = "nvidia.com/gpu.count"
	nvidiaGPU       = corev1.ResourceName("nvidia.com/gpu")
)

// GPUDevices counts the GPUs of a node that DRA drivers offer, and says which of them are tainted, as drivers do with a fault.
func GPUDevices(node *corev1.Node, published []resourcev1.ResourceSlice) (offered int, problems []string) {
	newest := generations(published)
	for i := range published {
		spec := &published[i].Spec
		if !strings.HasPrefix(spec.Driver, "gpu.") || spec.NodeName == nil || *spec.NodeName != node.Name {
			continue
		}
		// What a driver has published before may be there for a while, with devices that are gone.
		if spec.Pool.Generation < newest[poolOf(spec)] {
			continue
		}
		for _, device := range spec.Devices {
			offered++
			for _, taint := range device.Taints {
				if taint.Effect == resourcev1.DeviceTaintEffectNoSchedule || taint.Effect == resourcev1.DeviceTaintEffectNoExecute {
					problems = append(problems, fmt.Sprintf("device %s of %s is tainted %s=%s:%s",
						device.Name, spec.Driver, taint.Key, taint.Value, taint.Effect))
				}
			}
		}
	}
	return offered, problems
}

// pool is a driver's name for a set of devices.
type pool struct{ driver, name string }

func poolOf(spec *resourcev1.ResourceSliceSpec) pool { return pool{spec.Driver, spec.Pool.Name} }

// generations are the latest ones of all pools.
func generations(published []resourcev1.ResourceSlice) map[pool]int64 {
	newest := map[pool]int64{}
	for i := range published {
		spec := &published[i].Spec
		newest[poolOf(spec)] = max(newest[poolOf(spec)], spec.Pool.Generation)
	}
	return newest
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
	if devices > 0 || node.Labels[gpuPresentLabel] == "true" {
		return true
	}
	return len(gpuResources(node)) > 0
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
		problems = append(problems, fmt.Sprintf("it is labelled %s=true, and neither a device plug-in nor a DRA driver offers any there",
			gpuPresentLabel))
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
