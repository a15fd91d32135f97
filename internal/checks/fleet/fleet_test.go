package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// now is any time: pods that crash have to have done so lately.
var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// forbid takes the right to list a resource away.
func forbid(client *fake.Clientset, resources ...string) {
	for _, resource := range resources {
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no rule"))
		})
	}
}

// wantFinding checks what a check concludes: a skip with these words, problems with those, or a pass.
func wantFinding(t *testing.T, f finding.Finding, skip finding.Skip, words ...string) {
	t.Helper()
	if f.Skip != skip {
		t.Errorf("skip = %q (%s), want %q", f.Skip, f.Why, skip)
	}
	text := f.Why
	for _, problem := range f.Problems {
		text += "\n" + problem.String()
		if problem.Mend == "" {
			t.Errorf("no remedy for: %s", problem)
		}
	}
	if len(words) == 0 && skip == "" && !f.Passed() {
		t.Errorf("fails with %s, want a pass", text)
	}
	if skip == "" && len(words) > 0 && !f.Failed() {
		t.Error("passes, want it to fail")
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("says %q, want %q in it", text, word)
		}
	}
}

func node(name string, change ...func(*corev1.Node)) *corev1.Node {
	list := corev1.ResourceList{
		"cpu": resource.MustParse("4"), "memory": resource.MustParse("8Gi"), "pods": resource.MustParse("110"),
	}
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}},
		Status: corev1.NodeStatus{Capacity: list.DeepCopy(), Allocatable: list, Conditions: []corev1.NodeCondition{
			{Type: corev1.NodeReady, Status: corev1.ConditionTrue}, {Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse},
		}},
	}
	for _, c := range change {
		c(n)
	}
	return n
}

func pod(name, on, cpu string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
		Spec: corev1.PodSpec{NodeName: on, Containers: []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse(cpu)}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

func TestPressure(t *testing.T) {
	shortOfDisk := func(n *corev1.Node) {
		n.Status.Conditions[1] = corev1.NodeCondition{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue, Reason: "Full", Message: "m"}
	}
	tests := map[string]struct {
		objects []runtime.Object
		forbids []string
		skip    finding.Skip
		words   []string
	}{
		"enough of everything": {objects: []runtime.Object{node("a"), node("b"), pod("p", "a", "4"), pod("q", "", "9"), pod("r", "gone", "9")}},
		"a full disk": {objects: []runtime.Object{node("a"), node("b", shortOfDisk)},
			words: []string{"node b", "DiskPressure is True (Full: m)", "kubectl describe node b"}},
		"asked for too much": {objects: []runtime.Object{node("a"), pod("p", "a", "3"), pod("q", "a", "2")},
			words: []string{"node a", "ask for 5 of cpu, and 4 are allocatable"}},
		"no nodes": {words: []string{"expected nodes; found none"}},
		"no right to list nodes": {forbids: []string{"nodes"}, skip: finding.CouldNotRun,
			words: []string{"nodes is forbidden", "the right to list nodes"}},
		"no right to list pods": {objects: []runtime.Object{node("a")}, forbids: []string{"pods"}, skip: finding.CouldNotRun,
			words: []string{"the right to list pods in the whole cluster"}},
		"no right to list pods, and a full disk": {objects: []runtime.Object{node("b", shortOfDisk)}, forbids: []string{"pods"},
			skip: finding.CouldNotRun, words: []string{"DiskPressure is True"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			forbid(client, tt.forbids...)
			wantFinding(t, Pressure(t.Context(), client), tt.skip, tt.words...)
		})
	}
}

func TestWhatFailsIsSaidWithoutAllRights(t *testing.T) {
	broken := node("a", func(n *corev1.Node) {
		n.Status.Conditions = append(n.Status.Conditions,
			corev1.NodeCondition{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionTrue},
			corev1.NodeCondition{Type: "GpuXidError", Status: corev1.ConditionTrue})
		n.Status.Capacity["nvidia.com/gpu"], n.Status.Allocatable["nvidia.com/gpu"] = resource.MustParse("1"), resource.MustParse("1")
	})
	client := fake.NewClientset(broken)
	forbid(client, "pods", "resourceslices")
	for name, f := range map[string]finding.Finding{"pressure": Pressure(t.Context(), client), "GPUs": GPUs(t.Context(), client, now)} {
		if !f.Failed() || f.Skip != finding.CouldNotRun {
			t.Errorf("%s: failed = %t, skip = %q, want a failure beside what could not run", name, f.Failed(), f.Skip)
		}
		for _, m := range f.Measured {
			if strings.HasPrefix(m.Name, "requested.") || m.Name == "pods.gpu" {
				t.Errorf("%s: %s = %s is measured, though pods could not be listed", name, m.Name, m.Value)
			}
		}
	}
}

func TestPressureMeasures(t *testing.T) {
	f := Pressure(t.Context(), fake.NewClientset(node("a"), node("b"), pod("p", "a", "1"), pod("q", "b", "1")))
	want := map[string]string{"nodes": "2", "requested.cpu": "25%", "requested.memory": "0%", "requested.pods": "1%"}
	for _, m := range f.Measured {
		if want[m.Name] != m.Value {
			t.Errorf("%s = %s, want %s", m.Name, m.Value, want[m.Name])
		}
		delete(want, m.Name)
	}
	if len(want) > 0 {
		t.Errorf("not measured: %v", want)
	}
}

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

func TestClocks(t *testing.T) {
	lease := func(name string, skew time.Duration) *coordinationv1.Lease {
		return &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: corev1.NamespaceNodeLease, ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "kubelet", Time: new(metav1.NewTime(now)), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:renewTime":{}}}`)}}},
			Spec: coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(now.Add(skew)))},
		}
	}
	unready := func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }
	unknown := lease("c", 0)
	unknown.ManagedFields = nil
	tests := map[string]struct {
		objects []runtime.Object
		forbids []string
		skip    finding.Skip
		words   []string
	}{
		"in step": {objects: []runtime.Object{node("a"), node("b"), lease("a", time.Second), lease("b", -5*time.Second)}},
		"one is ahead": {objects: []runtime.Object{node("a"), node("b"), lease("a", 0), lease("b", time.Hour)},
			words: []string{"node b", "1h0m0s ahead", "chrony"}},
		"one is behind": {objects: []runtime.Object{node("a"), lease("a", -6*time.Second)}, words: []string{"node a", "6s behind"}},
		"one does not tell": {objects: []runtime.Object{node("a"), node("c"), lease("a", 0), unknown}, skip: finding.CouldNotRun,
			words: []string{"1 of 2 nodes", "such as c"}},
		"one has no lease": {objects: []runtime.Object{node("a"), node("b"), lease("a", 0)}, skip: finding.CouldNotRun,
			words: []string{"1 of 2 nodes", "such as b"}},
		"one does not tell, and one is ahead": {objects: []runtime.Object{node("a"), node("c"), lease("a", time.Hour), unknown},
			skip: finding.CouldNotRun, words: []string{"node a", "1h0m0s ahead"}},
		"one is not ready, and had another clock": {objects: []runtime.Object{node("a"), node("b", unready), lease("a", 0), lease("b", time.Hour)}},
		"one is gone, and had another clock":      {objects: []runtime.Object{node("a"), lease("a", 0), lease("b", time.Hour)}},
		"none is ready": {objects: []runtime.Object{node("b", unready), lease("b", 0)}, skip: finding.CouldNotRun,
			words: []string{"no ready node"}},
		"no leases":                       {objects: []runtime.Object{node("a")}, skip: finding.CouldNotRun, words: []string{"1 of 1 nodes"}},
		"no nodes":                        {words: []string{"expected nodes; found none"}},
		"without rights":                  {objects: []runtime.Object{node("a")}, forbids: []string{"leases"}, skip: finding.CouldNotRun, words: []string{"leases in the namespace kube-node-lease"}},
		"without the right to list nodes": {forbids: []string{"nodes"}, skip: finding.CouldNotRun, words: []string{"list nodes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			forbid(client, tt.forbids...)
			wantFinding(t, Clocks(t.Context(), client), tt.skip, tt.words...)
		})
	}
}
