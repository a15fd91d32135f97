package fleet

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// GPUs looks for faults of the nodes' GPUs and of the pods that make them usable.
func GPUs(ctx context.Context, client kubernetes.Interface, now time.Time) finding.Finding {
	var f finding.Finding
	all := List(ctx, client, &f)
	if len(all) == 0 {
		return f
	}
	published, err := resourceSlices(ctx, client)
	if err != nil {
		f.Refused("list resourceslices of resource.k8s.io", err)
	}
	unknown := err != nil
	with := map[string]bool{}
	for i := range all {
		node := &all[i]
		devices, tainted := health.GPUDevices(node, published)
		if !health.HasGPU(node, devices) {
			if once := health.OfferedOnce(node); len(once) > 0 {
				f.CouldNotRun("node %s has offered %s and offers none any more. To mend: see that its device plug-in runs; if its GPUs were "+
					"taken away, restart its kubelet", node.Name, once)
			}
			continue
		}
		with[node.Name] = true
		// Where devices could not be asked for, that a plug-in offers none need not mean that nobody does.
		if unknown && !health.HasGPU(withoutLabels(node), 0) {
			continue
		}
		if problems := append(health.GPUProblems(node, devices), tainted...); len(problems) > 0 {
			f.Fail(fmt.Sprintf("the GPUs of node %s to be healthy", node.Name), strings.Join(problems, "; "),
				fmt.Sprintf("look into the kernel's log of node %s for XIDs and at the device plug-in's and driver's pods there; "+
					"drain and reset or replace a GPU that is broken", node.Name))
		}
	}
	f.Measure("nodes.gpu", len(with))
	if len(with) == 0 {
		f.NotApplicable("no node has GPUs, or is labelled to have some")
		return f
	}
	seen, problems, err := servants(ctx, client, with, now)
	f.Problems = append(f.Problems, problems...)
	if err != nil {
		f.Refused("list pods in the whole cluster", err)
		return f
	}
	f.Measure("pods.gpu", seen)
	return f
}

func withoutLabels(node *corev1.Node) *corev1.Node {
	bare := *node
	bare.Labels = nil
	return &bare
}

// servants looks at the pods that make GPUs usable, on the nodes that have some: how many there are, and what is wrong with them.
func servants(
	ctx context.Context, client kubernetes.Interface, with map[string]bool, now time.Time,
) (seen int, faults []finding.Problem, err error) {
	err = eachPod(ctx, client, func(pod *corev1.Pod) {
		if !with[pod.Spec.NodeName] || !health.ServesGPUs(pod) || pod.DeletionTimestamp != nil {
			return
		}
		seen++
		problems := health.PodProblems(pod, now)
		if len(problems) == 0 && !health.PodReady(pod) && !health.PodFinished(pod) {
			problems = append(problems, health.DescribePod(pod))
		}
		if len(problems) > 0 {
			faults = append(faults, finding.Problem{
				Expected: fmt.Sprintf("pod %s/%s, which serves GPUs on node %s, to be ready", pod.Namespace, pod.Name, pod.Spec.NodeName),
				Found:    strings.Join(problems, "; "),
				Mend:     fmt.Sprintf("see kubectl logs -n %s %s", pod.Namespace, pod.Name),
			})
		}
	})
	return seen, faults, err
}

// resourceSlices reads what DRA drivers offer: nothing in a cluster that does not know DRA.
func resourceSlices(ctx context.Context, client kubernetes.Interface) ([]resourcev1.ResourceSlice, error) {
	var all []resourcev1.ResourceSlice
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.ResourceV1().ResourceSlices().List(ctx, options)
		switch {
		case apierrors.IsNotFound(err):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("listing resource slices: %w", err)
		}
		all = append(all, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return all, nil
		}
	}
}
