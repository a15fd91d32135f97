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
	devices, known := gpuDevices(ctx, client, &f)
	with := map[string]bool{}
	for _, node := range judged(&f, all, health.NoMachine) {
		offered := devices[node.Name].Offered
		if to := health.GPUsOfMachines(node); to != "" {
			f.Note("node %s is left out: it gives its GPUs to virtual machines, as it is labelled %s", node.Name, to)
			continue
		}
		if !health.HasGPU(node, offered) {
			if once := health.OfferedOnce(node); len(once) > 0 {
				f.CouldNotRun("node %s has offered %s and offers none any more. To mend: see that its device plug-in runs; if its GPUs were "+
					"taken away, restart its kubelet", node.Name, once)
			}
			continue
		}
		with[node.Name] = true
		// Where devices could not be asked for, that a plug-in offers none need not mean that nobody does.
		if !known && !health.HasGPU(withoutLabels(node), 0) {
			continue
		}
		if problems := append(health.GPUProblems(node, offered), devices[node.Name].Tainted...); len(problems) > 0 {
			f.Fail(fmt.Sprintf("the GPUs of node %s to be healthy", node.Name), strings.Join(problems, "; "),
				fmt.Sprintf("look into the kernel's log of node %s for XIDs and at the device plug-in's and driver's pods there; "+
					"drain and reset or replace a GPU that is broken", node.Name))
		}
	}
	f.Measure("nodes.gpu", len(with))
	if len(with) == 0 {
		f.NotApplicable("no node has GPUs for containers, or is labelled to have some")
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

// gpuDevices are the GPUs that DRA drivers offer, by node. It is not known which there are where the finding says why.
func gpuDevices(ctx context.Context, client kubernetes.Interface, f *finding.Finding) (devices map[string]health.Devices, known bool) {
	published, err := resourceSlices(ctx, client)
	if err == nil {
		return health.GPUDevices(published), true
	}
	if !apierrors.IsNotFound(err) {
		f.Refused("list resourceslices of resource.k8s.io", err)
		return nil, false
	}
	// An API server that does not know DRA is told from one that has it in versions which are not asked for here.
	versions, err := servedVersions(ctx, client, resourcev1.GroupName)
	switch {
	case err != nil:
		f.Refused("discover the API groups", err)
	case len(versions) > 0:
		f.CouldNotRun("the API server has resource.k8s.io in the versions %s alone, and this check speaks v1: what DRA drivers offer was not seen. "+
			"To mend: upgrade the control plane to 1.34 or later", strings.Join(versions, ", "))
	default:
		return nil, true
	}
	return nil, false
}

// servedVersions are those in which the API server has a group.
func servedVersions(ctx context.Context, client kubernetes.Interface, group string) ([]string, error) {
	groups, err := client.Discovery().ServerGroupsWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its groups: %w", err)
	}
	var versions []string
	for _, g := range groups.Groups {
		if g.Name != group {
			continue
		}
		for _, version := range g.Versions {
			versions = append(versions, version.Version)
		}
	}
	return versions, nil
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

// resourceSlices reads what DRA drivers offer.
func resourceSlices(ctx context.Context, client kubernetes.Interface) ([]resourcev1.ResourceSlice, error) {
	var all []resourcev1.ResourceSlice
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := client.ResourceV1().ResourceSlices().List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("listing resource slices: %w", err)
		}
		all = append(all, page.Items...)
		if options.Continue = page.Continue; options.Continue == "" {
			return all, nil
		}
	}
}
