package conformance

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// TestServiceEndpoints proves that a Service gets an address of its own and that a ready pod which it selects becomes its
// endpoint. It needs to get, create, delete and watch pods, to create and delete Services, and to list and watch EndpointSlices
// in the run's namespace. That traffic reaches the endpoint is not looked at.
func TestServiceEndpoints(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, podTime)
	selector := map[string]string{"validation.aicr.dev/probe": cluster.Name("service")}
	service := cluster.Create(ctx, t, c, c.CoreV1().Services(c.Namespace), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("service")},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Name: "probe", Port: 80}}},
	})
	if _, err := netip.ParseAddr(service.Spec.ClusterIP); err != nil {
		t.Fatalf("expected Service %s to get an address; found %q. To mend: see that the range of Service addresses is not used up",
			service.Name, service.Spec.ClusterIP)
	}

	pods := c.CoreV1().Pods(c.Namespace)
	created := cluster.Create(ctx, t, c, pods, newPod(t, c, cluster.Probe{What: "endpoint", Run: probe.Wait, Labels: selector}))
	pod, err := cluster.Await(ctx, pods, created, func(pod *corev1.Pod) (bool, error) { return health.PodReady(pod), nil })
	if err != nil {
		t.Fatalf("expected pod %s to be ready within %s; found it %s: %v. To mend: see the events of the namespace",
			created.Name, podTime, health.DescribePod(pod), err)
	}

	options := metav1.ListOptions{LabelSelector: labels.Set{discoveryv1.LabelServiceName: service.Name}.String()}
	hasPod := func(slice *discoveryv1.EndpointSlice) (bool, error) { return isEndpoint(slice, pod), nil }
	if _, err := cluster.AwaitAny(ctx, c.DiscoveryV1().EndpointSlices(c.Namespace), options, hasPod); err != nil {
		t.Fatalf("expected pod %s with address %s to become an endpoint of Service %s within %s; "+
			"found no EndpointSlice that has it: %v. To mend: see the log of the kube-controller-manager",
			pod.Name, pod.Status.PodIP, service.Name, podTime, err)
	}
}

// isEndpoint reports whether the slice has the pod as a ready endpoint.
func isEndpoint(slice *discoveryv1.EndpointSlice, pod *corev1.Pod) bool {
	for _, endpoint := range slice.Endpoints {
		if endpoint.TargetRef == nil || endpoint.TargetRef.UID != pod.UID || !ptr.Deref(endpoint.Conditions.Ready, true) {
			continue
		}
		for _, address := range endpoint.Addresses {
			for _, ip := range pod.Status.PodIPs {
				if address == ip.IP {
					return true
				}
			}
		}
	}
	return false
}

// TestGarbageCollection proves that what belongs to an object goes with it: a ConfigMap whose owner is deleted is removed by the
// garbage collector. It needs to create, delete and watch ConfigMaps in the run's namespace.
func TestGarbageCollection(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, podTime)
	in := c.CoreV1().ConfigMaps(c.Namespace)
	owner := cluster.Create(ctx, t, c, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("owner")}})
	owned := cluster.Create(ctx, t, c, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name:            cluster.Name("owned"),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID}},
	}})
	if err := in.Delete(ctx, owner.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatalf("deleting the owner: %v", err)
	}
	if err := gone(ctx, in, owned); err != nil {
		t.Errorf("expected ConfigMap %s to go with its owner within %s; found it still there: %v. To mend: see the log of the "+
			"kube-controller-manager", owned.Name, podTime, err)
	}
}
