package network

import (
	"context"
	"fmt"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// Routing asks a pod for an answer, from another pod, at the address of its Service.
func Routing(ctx context.Context, b *cluster.Bench) *finding.Finding {
	w := &work{Bench: b}
	w.routing(ctx)
	return &w.Finding
}

func (w *work) routing(ctx context.Context) {
	selector, answer := newSelector(), newAnswer()
	service, ok := w.service(ctx, selector)
	if !ok {
		return
	}
	pod, ok := w.server(ctx, answer, selector, nil)
	if !ok {
		return
	}
	if pod, ok = w.ready(ctx, pod); !ok {
		return
	}
	const byService, byPod = "service", "pod"
	client, ok := w.connect(ctx, []probe.Target{
		{Name: byService, URL: address(service.Spec.ClusterIP, servicePort), Want: answer},
		{Name: byPod, URL: address(pod.Status.PodIP, probe.Port), Want: answer},
	}, nil)
	if !ok {
		return
	}
	var troubles map[string]string
	if !w.message(ctx, client, &troubles) {
		return
	}
	_, triedService := troubles[byService]
	_, triedPod := troubles[byPod]
	if !triedService || !triedPod {
		w.Fail("the client to try two addresses", fmt.Sprintf("%q", troubles), "see that all nodes run the same version of the image")
		return
	}
	expected := fmt.Sprintf("pod %s to answer at the address %s of Service %s", pod.Name, service.Spec.ClusterIP, service.Name)
	switch {
	case troubles[byService] == "" && troubles[byPod] != "":
		w.Note("the pod answers at its Service's address, and not at its own, %s: %s", pod.Status.PodIP, troubles[byPod])
	case troubles[byService] == "":
	case troubles[byPod] == "":
		w.Fail(expected, "that it answers at its own address alone: "+troubles[byService],
			"see that kube-proxy, or what stands in for it, runs on each node, and look into its log")
	default:
		w.Fail(expected, fmt.Sprintf("no answer there, %s, nor at its own address %s: %s",
			troubles[byService], pod.Status.PodIP, troubles[byPod]),
			"see that the network plug-in runs on each node, and that no NetworkPolicy forbids traffic within the namespace "+w.Namespace)
	}
}
