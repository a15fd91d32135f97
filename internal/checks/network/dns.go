package network

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// nameServices are the Services of a cluster's DNS: nearly all distributions label theirs so.
const nameServices = "k8s-app=kube-dns"

// DNS looks a new Service up by its names, in a pod.
func DNS(ctx context.Context, b *cluster.Bench) *finding.Finding {
	w := &work{Bench: b}
	w.dns(ctx)
	return &w.Finding
}

func (w *work) dns(ctx context.Context) {
	service, ok := w.service(ctx, newSelector())
	if !ok {
		return
	}
	names := []string{service.Name, service.Name + "." + w.Namespace + ".svc"}
	pod, ok := w.asking(ctx, cluster.Probe{What: "resolve", Run: probe.Resolve}, names, nil)
	if !ok {
		return
	}
	var found probe.Resolution
	if !w.message(ctx, pod, &found) {
		return
	}
	w.Measure("dns.servers", strings.Join(found.Servers, ","))
	if !found.ServesCluster() {
		w.withoutDNS(ctx, found)
		return
	}
	for _, name := range names {
		w.judgeName(name, service, found)
	}
}

// withoutDNS judges pods that are not set up to look up Services: in a cluster without DNS they need not be.
func (w *work) withoutDNS(ctx context.Context, found probe.Resolution) {
	services, err := w.CoreV1().Services(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: nameServices})
	switch {
	case err != nil:
		w.Refused("list services in the namespace "+metav1.NamespaceSystem, fmt.Errorf("looking for the cluster's DNS: %w", err))
	case len(services.Items) == 0:
		w.NotApplicable("the cluster has no DNS: no Service in %s is labelled %s, and pods look up no Services",
			metav1.NamespaceSystem, nameServices)
	default:
		w.Fail(fmt.Sprintf("pods to look up names in the cluster's DNS, the Service %s/%s", metav1.NamespaceSystem, services.Items[0].Name),
			fmt.Sprintf("that they look them up at %q in the domains %q", found.Servers, found.Search),
			"set clusterDNS and clusterDomain in the configuration of the kubelets")
	}
}

func (w *work) judgeName(name string, service *corev1.Service, found probe.Resolution) {
	const mend = "see the pods of the cluster's DNS (kubectl get pods -n kube-system -l " + nameServices + "), their logs, and whether a " +
		"NetworkPolicy lets pods reach them"
	expected := fmt.Sprintf("the name %s to have the address %s", name, strings.Join(service.Spec.ClusterIPs, ", "))
	addresses := found.Addresses[name]
	if len(addresses) == 0 {
		w.Fail(expected, fmt.Sprintf("none at the name servers %s: %s", strings.Join(found.Servers, ", "), found.Trouble[name]), mend)
		return
	}
	if want := slices.Sorted(slices.Values(service.Spec.ClusterIPs)); !slices.Equal(want, addresses) {
		w.Fail(expected, strings.Join(addresses, ", "), mend)
	}
}
