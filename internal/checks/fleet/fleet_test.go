package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
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

// going is a node that is being deleted, and waits for its pods to end.
func going(n *corev1.Node) {
	n.DeletionTimestamp, n.Finalizers = &metav1.Time{Time: now}, []string{"karpenter.sh/termination"}
}

// virtual is a node that is no machine.
func virtual(n *corev1.Node) {
	n.Labels["type"], n.Status.NodeInfo.KubeletVersion = "virtual-kubelet", "v1.25.0-vk-azure-aci-1.6.1"
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
		"a node that goes, short of its disk": {objects: []runtime.Object{node("a"), node("b", shortOfDisk, going)}},
		"a virtual node that has nothing": {objects: []runtime.Object{node("a"), node("b", virtual, func(n *corev1.Node) {
			n.Status.Allocatable = nil
		}), pod("p", "b", "4")}},
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

func TestListKeepsWhatIsRead(t *testing.T) {
	full := node("a", func(n *corev1.Node) {
		n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet"}}
		n.Status.Images = []corev1.ContainerImage{{Names: []string{"x"}}}
	})
	var f finding.Finding
	for _, n := range List(t.Context(), fake.NewClientset(full), &f) {
		if n.ManagedFields != nil || n.Status.Images != nil || n.Name != "a" {
			t.Errorf("of node %s, %d managed fields and %d images are kept, want none", n.Name, len(n.ManagedFields), len(n.Status.Images))
		}
	}
	if !f.Passed() {
		t.Errorf("found %+v", f)
	}
}
