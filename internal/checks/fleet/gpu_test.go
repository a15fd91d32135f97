package fleet

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// servant is a pod of a device plug-in.
func servant(on string, ready corev1.ConditionStatus, status ...corev1.ContainerStatus) *corev1.Pod {
	p := pod("plugin-"+on, on, "0")
	p.Labels = map[string]string{"app": "nvidia-device-plugin-daemonset"}
	p.OwnerReferences = []metav1.OwnerReference{{Kind: "DaemonSet", Name: "plugin", Controller: new(true)}}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	p.Status.ContainerStatuses = status
	return p
}

func TestGPUs(t *testing.T) {
	gpus := func(has, gives string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Labels["nvidia.com/gpu.present"] = "true"
			n.Status.Capacity["nvidia.com/gpu"], n.Status.Allocatable["nvidia.com/gpu"] = resource.MustParse(has), resource.MustParse(gives)
		}
	}
	label := func(n *corev1.Node) { n.Labels["nvidia.com/gpu.present"] = "true" }
	machines := func(n *corev1.Node) { n.Labels["nvidia.com/gpu.workload.config"] = "vm-passthrough" }
	dra := func(effects ...resourcev1.DeviceTaintEffect) *resourcev1.ResourceSlice {
		device := resourcev1.Device{Name: "gpu-0"}
		for _, effect := range effects {
			device.Taints = append(device.Taints, resourcev1.DeviceTaint{Key: "gpu.nvidia.com/xid", Effect: effect})
		}
		return &resourcev1.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Spec: resourcev1.ResourceSliceSpec{
			Driver: "gpu.nvidia.com", NodeName: new("a"), Devices: []resourcev1.Device{device}}}
	}
	waits := corev1.ContainerStatus{Name: "plugin", RestartCount: 4, State: corev1.ContainerState{
		Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "no driver"}}}
	tests := map[string]struct {
		objects []runtime.Object
		forbids []string
		skip    finding.Skip
		words   []string
	}{
		"no GPUs":        {objects: []runtime.Object{node("a")}, skip: finding.NotApplicable, words: []string{"no node has GPUs"}},
		"healthy":        {objects: []runtime.Object{node("a", gpus("8", "8")), node("b"), servant("a", corev1.ConditionTrue)}},
		"offered by DRA": {objects: []runtime.Object{node("a", label), dra()}},
		"an unhealthy GPU": {objects: []runtime.Object{node("a", gpus("8", "7"))},
			words: []string{"the GPUs of node a", "7 of 8 nvidia.com/gpu are healthy", "XIDs"}},
		"none where there should be": {objects: []runtime.Object{node("a", label)}, words: []string{"node a", "neither a device plug-in"}},
		"a tainted device": {objects: []runtime.Object{node("a"), dra(resourcev1.DeviceTaintEffectNoSchedule)},
			words: []string{"device gpu-0 of gpu.nvidia.com is tainted gpu.nvidia.com/xid=:NoSchedule"}},
		"a device plug-in that crashes": {
			objects: []runtime.Object{node("a", gpus("8", "8")), servant("a", corev1.ConditionFalse, waits)},
			words:   []string{"pod ns/plugin-a", "CrashLoopBackOff after 4 restarts: no driver", "kubectl logs -n ns plugin-a"}},
		"a device plug-in that is not ready": {objects: []runtime.Object{node("a", gpus("8", "8")), servant("a", corev1.ConditionFalse)},
			words: []string{"pod ns/plugin-a", "to be ready"}},
		"none any more where some were": {objects: []runtime.Object{node("a", gpus("0", "0"), func(n *corev1.Node) { n.Labels = nil })},
			skip: finding.CouldNotRun, words: []string{"node a has offered [nvidia.com/gpu] and offers none any more", "device plug-in"}},
		"offered by DRA where a plug-in did": {objects: []runtime.Object{node("a", gpus("0", "0")), dra()}},
		"one elsewhere":                      {objects: []runtime.Object{node("a", gpus("8", "8")), node("b"), servant("b", corev1.ConditionFalse)}},
		"found in the machine, and offered by nobody": {objects: []runtime.Object{node("a", func(n *corev1.Node) {
			n.Labels["feature.node.kubernetes.io/pci-10de.present"] = "true"
		})}, words: []string{"the GPUs of node a", "pci-10de.present=true, and neither a device plug-in"}},
		"those of virtual machines": {objects: []runtime.Object{node("a", label, machines), servant("a", corev1.ConditionFalse)},
			skip: finding.NotApplicable, words: []string{"no node has GPUs for containers"}},
		"those of virtual machines, beside others": {
			objects: []runtime.Object{node("a", label, machines), node("b", gpus("8", "8")), servant("a", corev1.ConditionFalse)}},
		"one in a node that goes": {objects: []runtime.Object{node("a", label, going), node("b", gpus("8", "8"))}},
		"no right to list slices": {objects: []runtime.Object{node("a", label)}, forbids: []string{"resourceslices"},
			skip: finding.CouldNotRun, words: []string{"resourceslices of resource.k8s.io"}},
		"no right to list slices, and an unhealthy GPU": {objects: []runtime.Object{node("a", gpus("8", "7"))},
			forbids: []string{"resourceslices"}, skip: finding.CouldNotRun, words: []string{"7 of 8 nvidia.com/gpu"}},
		"no right to list pods": {objects: []runtime.Object{node("a", gpus("8", "8"))}, forbids: []string{"pods"},
			skip: finding.CouldNotRun, words: []string{"list pods in the whole cluster"}},
		"no right to list nodes": {forbids: []string{"nodes"}, skip: finding.CouldNotRun, words: []string{"list nodes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			forbid(client, tt.forbids...)
			wantFinding(t, GPUs(t.Context(), client, now), tt.skip, tt.words...)
		})
	}
}

// Where the API server has DRA in versions of which nothing is asked, GPUs may be offered that are not seen.
func TestGPUsOfAnOlderDRA(t *testing.T) {
	label := func(n *corev1.Node) { n.Labels["nvidia.com/gpu.present"] = "true" }
	older := []*metav1.APIResourceList{{GroupVersion: "resource.k8s.io/v1beta1"}, {GroupVersion: "resource.k8s.io/v1beta2"}}
	tests := map[string]struct {
		serves []*metav1.APIResourceList
		skip   finding.Skip
		words  []string
	}{
		"no DRA":       {nil, "", []string{"neither a device plug-in nor a DRA driver"}},
		"older alone":  {older, finding.CouldNotRun, []string{"resource.k8s.io in the versions v1beta1, v1beta2 alone"}},
		"another kind": {[]*metav1.APIResourceList{{GroupVersion: "apps/v1"}}, "", []string{"neither a device plug-in nor a DRA driver"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(node("a", label))
			client.Discovery().(*fakediscovery.FakeDiscovery).Resources = tt.serves
			client.PrependReactor("list", "resourceslices", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrors.NewNotFound(schema.GroupResource{Group: "resource.k8s.io", Resource: "resourceslices"}, "")
			})
			wantFinding(t, GPUs(t.Context(), client, now), tt.skip, tt.words...)
		})
	}
}
