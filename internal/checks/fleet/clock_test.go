package fleet

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

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
		"one is virtual, and has no lease":        {objects: []runtime.Object{node("a"), node("b", virtual), lease("a", 0)}},
		"one goes, and its clock has gone":        {objects: []runtime.Object{node("a"), node("b", going), lease("a", 0), lease("b", time.Hour)}},
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
