package fleet

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	tainted := func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	}
	tolerant := &corev1.Pod{Spec: corev1.PodSpec{Tolerations: []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}}}
	tests := map[string]struct {
		objects []runtime.Object
		forbids []string
		// own is the pod of the run; nobody knows it where there is none
		own     *corev1.Pod
		ownSkip finding.Skip
		// what Ready, Schedulable and Skew find
		skip                       finding.Skip
		ready, schedulable, skewed []string
		skewSkip                   finding.Skip
	}{
		"healthy": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", kubelet("v1.34.2"))}},
		"one is not ready": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", kubelet("v1.37.1"), unready)},
			ready: []string{"node b to be healthy", "Ready is Unknown", "describe node b"}},
		"cordoned": {objects: []runtime.Object{node("a", kubelet("v1.37.1"), cordoned)}, own: tolerant,
			schedulable: []string{"none among 1", "uncordon"}},
		"all are tainted": {objects: []runtime.Object{node("a", kubelet("v1.37.1"), tainted)}, own: &corev1.Pod{},
			schedulable: []string{"none among 1", "nor does any take the run's own pod", "toleration"}},
		"all are tainted, for the run as well": {objects: []runtime.Object{node("a", kubelet("v1.37.1"), tainted)}, own: tolerant},
		"all are tainted, and the run is not known": {objects: []runtime.Object{node("a", kubelet("v1.37.1"), tainted)},
			ownSkip: finding.CouldNotRun, schedulable: []string{"the right to get pods"}},
		"one goes, and is not ready": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", kubelet("v1.30.0"), unready, going)}},
		"all go": {objects: []runtime.Object{node("b", kubelet("v1.37.1"), unready, going)}, own: tolerant,
			skip: finding.CouldNotRun, ownSkip: finding.CouldNotRun, skewSkip: finding.CouldNotRun,
			ready: []string{"all of the 1 nodes are left out", "it is being deleted"}, schedulable: []string{"left out"}, skewed: []string{"left out"}},
		"one is virtual": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", virtual)}},
		"one is virtual, and not ready": {objects: []runtime.Object{node("a", kubelet("v1.37.1")), node("b", virtual, unready)},
			ready: []string{"node b to be healthy"}},
		"one is too old": {objects: []runtime.Object{node("a", kubelet("v1.33.1"))}, skewed: []string{"node a", "4 minor versions older"}},
		"one is newer":   {objects: []runtime.Object{node("a", kubelet("v1.38.0"))}, skewed: []string{"node a", "newer"}},
		"one does not tell its version": {objects: []runtime.Object{node("a"), node("b", kubelet("v1.37.0"))},
			skewSkip: finding.CouldNotRun, skewed: []string{"node a", "cannot be compared"}},
		"no nodes": {ready: []string{"expected nodes; found none"}, schedulable: []string{"expected nodes; found none"},
			skewed: []string{"expected nodes; found none"}},
		"without rights": {forbids: []string{"nodes"}, skip: finding.CouldNotRun, ownSkip: finding.CouldNotRun, skewSkip: finding.CouldNotRun,
			ready: []string{"list nodes"}, schedulable: []string{"list nodes"}, skewed: []string{"list nodes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tt.objects...)
			client.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &version.Info{GitVersion: "v1.37.1"}
			forbid(client, tt.forbids...)
			wantFinding(t, Ready(t.Context(), client), tt.skip, tt.ready...)
			own := func() (*corev1.Pod, error) {
				if tt.own == nil {
					return nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "validator", errors.New("no rule"))
				}
				return tt.own, nil
			}
			wantFinding(t, Schedulable(t.Context(), client, own), tt.ownSkip, tt.schedulable...)
			wantFinding(t, Skew(t.Context(), client), tt.skewSkip, tt.skewed...)
		})
	}
}
