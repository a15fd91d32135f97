package fleet

import (
	"os"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/test/controlplane"
)

// TestClocksOnAnAPIServer proves on a real API server that it records when it got a renewal: its own clock, which the check
// compares with, is what no fake has.
func TestClocksOnAnAPIServer(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Skip("KUBEBUILDER_ASSETS names no folder with an API server")
	}
	plane, err := controlplane.Start(controlplane.Options{WithoutControllers: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := kubernetes.NewForConfig(plane.Config)
	if err != nil {
		t.Fatal(err)
	}
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	renew := func(lease *coordinationv1.Lease, skew time.Duration) *coordinationv1.Lease {
		t.Helper()
		lease.Spec.RenewTime = new(metav1.NewMicroTime(time.Now().Add(skew)))
		do := func() (*coordinationv1.Lease, error) {
			return leases.Update(t.Context(), lease, metav1.UpdateOptions{})
		}
		if lease.ResourceVersion == "" {
			do = func() (*coordinationv1.Lease, error) {
				return leases.Create(t.Context(), lease, metav1.CreateOptions{})
			}
		}
		renewed, err := do()
		if err != nil {
			t.Fatal(err)
		}
		return renewed
	}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: corev1.NamespaceNodeLease}}, metav1.CreateOptions{}); err != nil {
		t.Logf("the namespace is there already: %v", err)
	}
	fresh := node("a")
	fresh.Status = corev1.NodeStatus{}
	registered, err := client.CoreV1().Nodes().Create(t.Context(), fresh, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	registered.Status = node("a").Status
	if _, err := client.CoreV1().Nodes().UpdateStatus(t.Context(), registered, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	lease := renew(&coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: corev1.NamespaceNodeLease},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: new("a")},
	}, -time.Hour)
	wantFinding(t, Clocks(t.Context(), client), "", "node a", "behind")
	// Each renewal is recorded anew. This one is ahead by less than is tolerated, so that it does no harm if the answer takes a while.
	lease = renew(lease, 3*time.Second)
	wantFinding(t, Clocks(t.Context(), client), "")
	renew(lease, 10*time.Minute)
	wantFinding(t, Clocks(t.Context(), client), "", "node a", "ahead")
}
