package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func amounts(cpu, memory string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)}
}

func asks(cpu, memory string) corev1.Container {
	return corev1.Container{Resources: corev1.ResourceRequirements{Requests: amounts(cpu, memory)}}
}

func TestPodRequests(t *testing.T) {
	sidecar := asks("100m", "10Mi")
	sidecar.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	tests := map[string]struct {
		spec        corev1.PodSpec
		cpu, memory string
	}{
		"none":       {corev1.PodSpec{Containers: []corev1.Container{{}}}, "0", "0"},
		"containers": {corev1.PodSpec{Containers: []corev1.Container{asks("1", "1Gi"), asks("500m", "1Gi")}}, "1500m", "2Gi"},
		"a large init container": {corev1.PodSpec{
			InitContainers: []corev1.Container{asks("2", "1Mi"), asks("1", "1Mi")},
			Containers:     []corev1.Container{asks("1", "1Gi")}}, "2", "1Gi"},
		"a sidecar before an init container": {corev1.PodSpec{
			InitContainers: []corev1.Container{sidecar, asks("2", "1Mi")},
			Containers:     []corev1.Container{asks("1", "1Gi")}}, "2100m", "1034Mi"},
		"a sidecar after it": {corev1.PodSpec{
			InitContainers: []corev1.Container{asks("2", "1Mi"), sidecar},
			Containers:     []corev1.Container{asks("1", "1Gi")}}, "2", "1034Mi"},
		"overhead": {corev1.PodSpec{
			Containers: []corev1.Container{asks("1", "1Gi")}, Overhead: amounts("250m", "1Gi")}, "1250m", "2Gi"},
		"of the whole pod": {corev1.PodSpec{
			Containers: []corev1.Container{asks("1", "1Gi")},
			Resources:  &corev1.ResourceRequirements{Requests: amounts("3", "4Gi")}}, "3", "4Gi"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := PodRequests(&corev1.Pod{Spec: tt.spec})
			for name, want := range amounts(tt.cpu, tt.memory) {
				if quantity := got[name]; quantity.Cmp(want) != 0 {
					t.Errorf("%s = %s, want %s", name, quantity.String(), want.String())
				}
			}
		})
	}
}

// A resize that the node can never grant has not changed what the pod has.
func TestPodRequestsOfAResize(t *testing.T) {
	sidecar := asks("4", "1Gi")
	sidecar.Name, sidecar.RestartPolicy = "s", new(corev1.ContainerRestartPolicyAlways)
	main := asks("64", "1Gi")
	main.Name = "m"
	tests := map[string]struct {
		reason      string
		init, other corev1.ContainerStatus
		podLevel    bool
		cpu         string
	}{
		"infeasible, with what was allocated": {corev1.PodReasonInfeasible, corev1.ContainerStatus{Name: "s", AllocatedResources: amounts("1", "1Gi")},
			corev1.ContainerStatus{Name: "m", AllocatedResources: amounts("2", "1Gi")}, false, "3"},
		"infeasible, with what it has": {corev1.PodReasonInfeasible,
			corev1.ContainerStatus{Name: "s", Resources: &corev1.ResourceRequirements{Requests: amounts("1", "1Gi")}},
			corev1.ContainerStatus{Name: "m", Resources: &corev1.ResourceRequirements{Requests: amounts("2", "1Gi")}}, false, "3"},
		"infeasible, and nothing is said": {corev1.PodReasonInfeasible, corev1.ContainerStatus{}, corev1.ContainerStatus{}, false, "68"},
		"deferred": {corev1.PodReasonDeferred, corev1.ContainerStatus{Name: "s", AllocatedResources: amounts("1", "1Gi")},
			corev1.ContainerStatus{Name: "m", AllocatedResources: amounts("2", "1Gi")}, false, "68"},
		"infeasible, of the whole pod": {corev1.PodReasonInfeasible, corev1.ContainerStatus{}, corev1.ContainerStatus{}, true, "5"},
		"deferred, of the whole pod":   {corev1.PodReasonDeferred, corev1.ContainerStatus{}, corev1.ContainerStatus{}, true, "99"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{
				Spec: corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: []corev1.Container{main}},
				Status: corev1.PodStatus{
					Conditions:            []corev1.PodCondition{{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: tt.reason}},
					InitContainerStatuses: []corev1.ContainerStatus{tt.init}, ContainerStatuses: []corev1.ContainerStatus{tt.other},
				},
			}
			if tt.podLevel {
				pod.Spec.Resources = &corev1.ResourceRequirements{Requests: amounts("99", "1Gi")}
				pod.Status.AllocatedResources = amounts("5", "1Gi")
			}
			got, want := PodRequests(pod)[corev1.ResourceCPU], resource.MustParse(tt.cpu)
			if got.Cmp(want) != 0 {
				t.Errorf("cpu = %s, want %s", got.String(), want.String())
			}
		})
	}
}

func TestNodePressure(t *testing.T) {
	pod := func(phase corev1.PodPhase, cpu, memory string) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{asks(cpu, memory)}}, Status: corev1.PodStatus{Phase: phase}}
	}
	full := func(pods string) corev1.ResourceList {
		list := amounts("4", "8Gi")
		list[corev1.ResourcePods] = resource.MustParse(pods)
		return list
	}
	gpu := func(asked string) *corev1.Pod {
		p := pod("Running", "1", "1Gi")
		p.Spec.Containers[0].Resources.Requests["nvidia.com/gpu"] = resource.MustParse(asked)
		p.Spec.Containers[0].Resources.Requests[corev1.ResourceEphemeralStorage] = resource.MustParse("1Gi")
		return p
	}
	byClaim := gpu("8")
	byClaim.Status.ExtendedResourceClaimStatus = &corev1.PodExtendedResourceClaimStatus{
		RequestMappings: []corev1.ContainerExtendedResourceRequest{{ResourceName: "nvidia.com/gpu"}},
	}
	withGPUs := func(n string) corev1.ResourceList {
		list := full("10")
		list["nvidia.com/gpu"] = resource.MustParse(n)
		return list
	}
	tests := map[string]struct {
		allocatable corev1.ResourceList
		memory      corev1.ConditionStatus
		pods        []*corev1.Pod
		want        []string
	}{
		"idle":      {full("10"), corev1.ConditionFalse, nil, nil},
		"just full": {full("2"), corev1.ConditionFalse, []*corev1.Pod{pod("Running", "3", "1Gi"), pod("Pending", "1", "7Gi")}, nil},
		"more than full but for what has ended": {full("2"), corev1.ConditionFalse,
			[]*corev1.Pod{pod("Running", "4", "1Gi"), pod("Succeeded", "4", "1Gi"), pod("Failed", "4", "1Gi")}, nil},
		"asked for too much": {full("1"), corev1.ConditionFalse,
			[]*corev1.Pod{pod("Running", "4", "1Gi"), pod("Running", "1m", "1Gi")},
			[]string{"its pods ask for 4001m of cpu, and 4 are allocatable", "its pods ask for 2 of pods, and 1 are allocatable"}},
		"GPUs enough": {withGPUs("8"), corev1.ConditionFalse, []*corev1.Pod{gpu("8")}, nil},
		"has lost all GPUs that its pods ask for": {withGPUs("0"), corev1.ConditionFalse, []*corev1.Pod{gpu("8")},
			[]string{"its pods ask for 8 of nvidia.com/gpu, and 0 are allocatable"}},
		"knows nothing of the GPUs that its pods ask for": {full("10"), corev1.ConditionFalse, []*corev1.Pod{gpu("8")},
			[]string{"its pods ask for 8 of nvidia.com/gpu, and 0 are allocatable"}},
		"GPUs that DRA hands out": {full("10"), corev1.ConditionFalse, []*corev1.Pod{byClaim}, nil},
		"says that it is short":   {full("10"), corev1.ConditionTrue, nil, []string{"MemoryPressure is True (R: m)"}},
		"does not say":            {full("10"), corev1.ConditionUnknown, nil, []string{"MemoryPressure is Unknown (R: m)"}},
		"gives no pods":           {amounts("4", "8Gi"), corev1.ConditionFalse, nil, []string{"no allocatable pods"}},
		"gives nothing": {nil, corev1.ConditionFalse, nil,
			[]string{"no allocatable cpu", "no allocatable memory", "no allocatable pods"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{Status: corev1.NodeStatus{
				Allocatable: tt.allocatable,
				Conditions: []corev1.NodeCondition{
					{Type: corev1.NodeReady, Status: corev1.ConditionFalse},
					{Type: corev1.NodeMemoryPressure, Status: tt.memory, Reason: "R", Message: "m"},
				},
			}}
			load := NodeLoad{}
			for _, pod := range tt.pods {
				load.Add(pod)
			}
			if diff := cmp.Diff(tt.want, NodePressure(node, load)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
