package fleet

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

func kubelet(version string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Status.NodeInfo.KubeletVersion = version }
}

func TestNodes(t *testing.T) {
	unready := func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionUnknown }
	cordoned := func(n *corev1.Node) { n.Spec.Unschedulable = true }
	tests := map[string]struct {
		objects []runtime.Object
		forbids []string
		// what Ready, Schedulable and Skew find
		skip                       finding.Skip
		ready, schedulable, skewed []string
		skewSkip                   finding.Skip
	}{
		"healthy": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", kubelet("v1.34.2"))}},
		"one is not ready": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", kubelet("v1.37.1"), unready)},
			ready: []string{"node b to be healthy", "Ready is Unknown", "describe node b"}},
		"cordoned": {objects: []runtime.Object{node("a", kubelet("v1.37.1"), cordoned)},
			schedulable: []string{"none among 1", "uncordon"}},
		"one is too old": {objects: []runtime.Object{node("a", kubelet("v1.33.1"))}, skewed: []string{"node a", "4 minor versions older"}},
		"one is newer":   {objects: []runtime.Object{node("a", kubelet("v1.38.0"))}, skewed: []string{"node a", "newer"}},
		"one does not tell its version": {objects: []runtime.Object{node("a"), node("b", kubelet("v1.37.0"))},
			skewSkip: finding.CouldNotRun, skewed: []string{"node a", "cannot be compared"}},
		"no nodes": {ready: []string{"expected nodes; found none"}, schedulable: []string{"expected nodes; found none"},
			skewed: []string{"expected nodes; found none"}},
		"without rights": {forbids: []string{"nodes"}, skip: finding.CouldNotRun, skewSkip: finding.CouldNotRun,
			ready: []string{"list nodes"}, schedulable: []string{"list nodes"}, skewed: []string{"list nodes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			client.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &version.Info{GitVersion: "v1.37.1"}
			forbid(client, tt.forbids...)
			wantFinding(t, Ready(t.Context(), client), tt.skip, tt.ready...)
			wantFinding(t, Schedulable(t.Context(), client), tt.skip, tt.schedulable...)
			wantFinding(t, Skew(t.Context(), client), tt.skewSkip, tt.skewed...)
		})
	}
}
