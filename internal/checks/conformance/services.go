package conformance

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const managerMend = "see the log of the kube-controller-manager"

// ServiceEndpoints proves that a Service gets an address of its own and that a ready pod which it selects becomes its endpoint.
// That traffic reaches the endpoint is not looked at.
func ServiceEndpoints(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	selector := map[string]string{"validation.aicr.dev/probe": cluster.Name("service")}
	service, err := cluster.Make(ctx, b, b.CoreV1().Services(b.Namespace), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("service")},
		Spec:       corev1.ServiceSpec{Selector: selector, Ports: []corev1.ServicePort{{Name: "probe", Port: 80}}},
	})
	if err != nil {
		f.Refused("create Services in "+b.Namespace, err)
		return f
	}
	if _, err := netip.ParseAddr(service.Spec.ClusterIP); err != nil {
		f.Fail("Service "+service.Name+" to get an address", fmt.Sprintf("%q", service.Spec.ClusterIP),
			"see that the range of Service addresses is not used up")
		return f
	}
	created, err := start(ctx, b, cluster.Probe{What: "endpoint", Run: probe.Wait, Labels: selector}, nil)
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return f
	}
	pod, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), created, func(pod *corev1.Pod) (bool, error) {
		return health.PodReady(pod), nil
	})
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("watch pods in "+b.Namespace, err)
		return f
	case err != nil && cluster.NoRoom(f, pod):
		return f
	case err != nil:
		f.Fail("pod "+created.Name+" to be ready", fmt.Sprintf("it %s: %v", health.DescribePod(pod), err), "see the events of the namespace")
		return f
	}
	options := metav1.ListOptions{LabelSelector: labels.Set{discoveryv1.LabelServiceName: service.Name}.String()}
	hasPod := func(slice *discoveryv1.EndpointSlice) (bool, error) { return isEndpoint(slice, pod), nil }
	_, err = cluster.AwaitAny(ctx, b.DiscoveryV1().EndpointSlices(b.Namespace), options, hasPod)
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("list and watch EndpointSlices in "+b.Namespace, err)
	case err != nil:
		f.Fail(fmt.Sprintf("pod %s with address %s to become an endpoint of Service %s", pod.Name, pod.Status.PodIP, service.Name),
			"no EndpointSlice that has it: "+err.Error(), managerMend)
	}
	return f
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

// GarbageCollection proves that what belongs to an object goes with it: a ConfigMap whose owner is deleted is removed by the
// garbage collector.
func GarbageCollection(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	in := b.CoreV1().ConfigMaps(b.Namespace)
	owner, err := cluster.Make(ctx, b, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("owner")}})
	if err != nil {
		f.Refused("create ConfigMaps in "+b.Namespace, err)
		return f
	}
	owned, err := cluster.Make(ctx, b, in, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name:            cluster.Name("owned"),
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID}},
	}})
	if err != nil {
		f.Refused("create ConfigMaps in "+b.Namespace, err)
		return f
	}
	if err := in.Delete(ctx, owner.Name, metav1.DeleteOptions{}); err != nil {
		f.Refused("delete ConfigMaps in "+b.Namespace, err)
		return f
	}
	switch err := gone(ctx, in, owned); {
	case apierrors.IsForbidden(err):
		f.Refused("watch ConfigMaps in "+b.Namespace, err)
	case err != nil:
		f.Fail("ConfigMap "+owned.Name+" to go with its owner", "it still there: "+err.Error(), managerMend)
	}
	return f
}
