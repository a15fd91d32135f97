package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestGPUProblems(t *testing.T) {
	gpus := func(name, n string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceName(name): resource.MustParse(n)}
	}
	present := map[string]string{"nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "8"}
	with := func(key, value string) map[string]string {
		return map[string]string{"nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "8", key: value}
	}
	condition := func(kind string, status corev1.ConditionStatus) []corev1.NodeCondition {
		return []corev1.NodeCondition{{Type: corev1.NodeConditionType(kind), Status: status, Reason: "R", Message: "m"}}
	}
	tests := map[string]struct {
		labels                map[string]string
		capacity, allocatable corev1.ResourceList
		conditions            []corev1.NodeCondition
		devices               int
		none                  bool
		want                  []string
	}{
		"no GPUs":             {none: true},
		"labelled to have no": {labels: map[string]string{"nvidia.com/gpu.present": "false"}, none: true},
		"a capacity of zero":  {capacity: gpus("nvidia.com/gpu", "0"), none: true},
		"all healthy":         {labels: present, capacity: gpus("nvidia.com/gpu", "8"), allocatable: gpus("nvidia.com/gpu", "8")},
		"another maker's":     {capacity: gpus("amd.com/gpu", "8"), allocatable: gpus("amd.com/gpu", "8")},
		"offered by DRA":      {labels: present, devices: 8},
		"in parts": {labels: with("nvidia.com/mig.strategy", "mixed"),
			capacity: gpus("nvidia.com/mig-1g.10gb", "7"), allocatable: gpus("nvidia.com/mig-1g.10gb", "7")},
		"shared": {labels: with("nvidia.com/gpu.sharing-strategy", "time-slicing"),
			capacity: gpus("nvidia.com/gpu.shared", "4"), allocatable: gpus("nvidia.com/gpu.shared", "4")},
		"labelled, and none offered": {labels: map[string]string{"nvidia.com/gpu.present": "true"}, want: []string{
			"it is labelled nvidia.com/gpu.present=true, and neither a device plug-in nor a DRA driver offers any there"}},
		"found by node feature discovery, and none offered": {labels: map[string]string{"feature.node.kubernetes.io/pci-10de.present": "true"},
			want: []string{"it is labelled feature.node.kubernetes.io/pci-10de.present=true, and neither a device plug-in nor a DRA driver offers any there"}},
		"found by its class, and none offered": {labels: map[string]string{"feature.node.kubernetes.io/pci-0302_10de.present": "true"},
			want: []string{"it is labelled feature.node.kubernetes.io/pci-0302_10de.present=true, and neither a device plug-in nor a DRA driver offers any there"}},
		"of GKE, and none offered": {labels: map[string]string{"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"},
			want: []string{"it is labelled cloud.google.com/gke-accelerator=nvidia-h100-80gb, and neither a device plug-in nor a DRA driver offers any there"}},
		"of EKS, and none offered": {labels: map[string]string{"k8s.amazonaws.com/accelerator": "nvidia-tesla-v100"},
			want: []string{"it is labelled k8s.amazonaws.com/accelerator=nvidia-tesla-v100, and neither a device plug-in nor a DRA driver offers any there"}},
		"of AKS, and none offered": {labels: map[string]string{"kubernetes.azure.com/accelerator": "nvidia"},
			want: []string{"it is labelled kubernetes.azure.com/accelerator=nvidia, and neither a device plug-in nor a DRA driver offers any there"}},
		"of EKS, and offered": {labels: map[string]string{"k8s.amazonaws.com/accelerator": "nvidia-tesla-v100"},
			capacity: gpus("nvidia.com/gpu", "8"), allocatable: gpus("nvidia.com/gpu", "8")},
		"accelerators that are no GPUs": {labels: map[string]string{"k8s.amazonaws.com/accelerator": "trainium"},
			capacity: gpus("aws.amazon.com/neuron", "16"), none: true},
		"found, and said to be none": {none: true, labels: map[string]string{
			"feature.node.kubernetes.io/pci-10de.present": "true", "nvidia.com/gpu.present": "false"}},
		"some unhealthy": {labels: present, capacity: gpus("nvidia.com/gpu", "8"), allocatable: gpus("nvidia.com/gpu", "6"),
			want: []string{"6 of 8 nvidia.com/gpu are healthy"}},
		"some missing": {labels: present, capacity: gpus("nvidia.com/gpu", "7"), allocatable: gpus("nvidia.com/gpu", "7"),
			want: []string{"8 GPUs are in it, and 7 are offered"}},
		"some missing in DRA": {labels: present, devices: 7, want: []string{"8 GPUs are in it, and 0 are offered"}},
		"a fault": {labels: present, devices: 8, conditions: condition("GpuXidError", corev1.ConditionTrue),
			want: []string{"GpuXidError is True (R: m)"}},
		"no fault":    {labels: present, devices: 8, conditions: condition("GpuXidError", corev1.ConditionFalse)},
		"a good sign": {labels: present, devices: 8, conditions: condition("AcceleratedHardwareReady", corev1.ConditionTrue)},
		"no good sign": {labels: present, devices: 8, conditions: condition("AcceleratedHardwareReady", corev1.ConditionFalse),
			want: []string{"AcceleratedHardwareReady is False (R: m)"}},
		"an unknown one": {labels: present, devices: 8, conditions: condition("GPUUnhealthy", corev1.ConditionUnknown),
			want: []string{"GPUUnhealthy is Unknown (R: m)"}},
		"another's condition": {labels: present, devices: 8, conditions: condition("KernelDeadlock", corev1.ConditionTrue)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: tt.labels},
				Status:     corev1.NodeStatus{Capacity: tt.capacity, Allocatable: tt.allocatable, Conditions: tt.conditions},
			}
			if got := HasGPU(node, tt.devices); got == tt.none {
				t.Fatalf("HasGPU = %t", got)
			}
			if tt.none {
				return
			}
			if diff := cmp.Diff(tt.want, GPUProblems(node, tt.devices)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGPUDevices(t *testing.T) {
	device := func(name string, effects ...resourcev1.DeviceTaintEffect) resourcev1.Device {
		d := resourcev1.Device{Name: name}
		for _, effect := range effects {
			d.Taints = append(d.Taints, resourcev1.DeviceTaint{Key: "xid", Value: "79", Effect: effect})
		}
		return d
	}
	slice := func(driver, node string, devices ...resourcev1.Device) resourcev1.ResourceSlice {
		return resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{Driver: driver, NodeName: &node, Devices: devices}}
	}
	older, newer := slice("gpu.nvidia.com", "c", device("gpu-0"), device("gpu-1")), slice("gpu.nvidia.com", "c", device("gpu-0"))
	older.Spec.Pool, newer.Spec.Pool = resourcev1.ResourcePool{Name: "c"}, resourcev1.ResourcePool{Name: "c", Generation: 1}
	got := GPUDevices([]resourcev1.ResourceSlice{
		slice("gpu.nvidia.com", "a", device("gpu-0"), device("gpu-1", resourcev1.DeviceTaintEffectNoExecute)),
		slice("gpu.nvidia.com", "b", device("gpu-0", resourcev1.DeviceTaintEffectNoSchedule)),
		slice("compute-domain.nvidia.com", "a", device("channel-0")),
		{Spec: resourcev1.ResourceSliceSpec{Driver: "gpu.example.com"}},
		// A pool that was published anew: what was published before may be there for a while.
		older, newer,
	})
	want := map[string]Devices{
		"a": {Offered: 2, Tainted: []string{"device gpu-1 of gpu.nvidia.com is tainted xid=79:NoExecute"}},
		"b": {Offered: 1, Tainted: []string{"device gpu-0 of gpu.nvidia.com is tainted xid=79:NoSchedule"}},
		"c": {Offered: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

func TestServesGPUs(t *testing.T) {
	pod := func(kind, label, value string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Labels:          map[string]string{label: value},
			OwnerReferences: []metav1.OwnerReference{{Kind: kind, Controller: new(true)}},
		}}
	}
	tests := map[string]struct {
		pod  *corev1.Pod
		want bool
	}{
		"a driver":         {pod("DaemonSet", "app", "nvidia-driver-daemonset"), true},
		"a plug-in":        {pod("DaemonSet", "app.kubernetes.io/name", "nvidia-device-plugin"), true},
		"another's":        {pod("DaemonSet", "app", "node-exporter"), false},
		"a user's job":     {pod("Job", "app", "nvidia-smi"), false},
		"a pod of its own": {&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "nvidia-x"}}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ServesGPUs(tt.pod); got != tt.want {
				t.Errorf("ServesGPUs = %t, want %t", got, tt.want)
			}
		})
	}
}
