package conformance

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// GangSchedulerVariable names the scheduler of pod groups of scheduling.x-k8s.io, which each installation calls as it likes.
const GangSchedulerVariable = "AICR_GANG_SCHEDULER"

// holdTime is how long a pod whose group is not complete is watched, if its scheduler does not say that it holds it back.
const holdTime = 10 * time.Second

// gang is a way to have pods scheduled all together or not at all.
type gang struct {
	// group is the API group that has the kind PodGroup.
	group string
	// versions are those that this check can write, the best first.
	versions  []string
	scheduler func() string
	// spec asks for as many pods at once.
	spec func(pods int64) map[string]any
	// join makes a pod a member.
	join func(pod *corev1.Pod, group string)
}

func minMember(pods int64) map[string]any { return map[string]any{"minMember": pods} }

var gangs = []gang{
	{
		group: "scheduling.k8s.io", versions: []string{"v1", "v1beta1", "v1alpha3"},
		scheduler: func() string { return corev1.DefaultSchedulerName },
		spec: func(pods int64) map[string]any {
			return map[string]any{"schedulingPolicy": map[string]any{"gang": map[string]any{"minCount": pods}}}
		},
		join: func(pod *corev1.Pod, group string) {
			pod.Spec.SchedulingGroup = &corev1.PodSchedulingGroup{PodGroupName: &group}
		},
	},
	{
		group: "scheduling.volcano.sh", versions: []string{"v1beta1"},
		scheduler: func() string { return "volcano" },
		spec:      minMember,
		join: func(pod *corev1.Pod, group string) {
			pod.Annotations = map[string]string{"scheduling.k8s.io/group-name": group}
		},
	},
	{
		group: "scheduling.x-k8s.io", versions: []string{"v1alpha1"},
		scheduler: func() string {
			if name := os.Getenv(GangSchedulerVariable); name != "" {
				return name
			}
			return "scheduler-plugins-scheduler"
		},
		spec: minMember,
		join: func(pod *corev1.Pod, group string) {
			pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": group}
		},
	},
}

// GangScheduling proves that pods of a group are scheduled together or not at all: of a group of two, the first pod is held back
// while it is alone, and once the second has come both are bound to nodes. Each gang scheduler that is installed is tried.
func GangScheduling(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	var tried []string
	for _, g := range gangs {
		version, err := g.version(b)
		if err != nil {
			f.Refused("discover the API group "+g.group, err)
			return f
		}
		if version == "" {
			continue
		}
		tried = append(tried, g.group+"/"+version)
		g.try(ctx, b, f, version)
	}
	if len(tried) == 0 {
		f.NotApplicable("the cluster has none of the kinds of pod group that this check knows")
		return f
	}
	f.Measure("gang-scheduling", strings.Join(tried, ","))
	return f
}

// version is the best version in which the cluster has pod groups of this sort; empty if it has none.
func (g gang) version(b *cluster.Bench) (string, error) {
	for _, version := range g.versions {
		served, err := b.Discovery().ServerResourcesForGroupVersion(g.group + "/" + version)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return "", err
		}
		for _, resource := range served.APIResources {
			if resource.Kind == "PodGroup" && resource.Name == "podgroups" {
				return version, nil
			}
		}
	}
	return "", nil
}

func (g gang) try(ctx context.Context, b *cluster.Bench, f *finding.Finding, version string) {
	client, err := b.Dynamic()
	if err != nil {
		f.CouldNotRun("%v", err)
		return
	}
	group := schema.GroupVersionResource{Group: g.group, Version: version, Resource: "podgroups"}
	in := cluster.Objects{ResourceInterface: client.Resource(group).Namespace(b.Namespace)}
	made, err := cluster.Make(ctx, b, in, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group.GroupVersion().String(), "kind": "PodGroup",
		"metadata": map[string]any{"name": cluster.Name("gang")},
		"spec":     g.spec(2),
	}})
	if err != nil {
		f.Refused("create "+group.GroupResource().String()+" in "+b.Namespace, err)
		return
	}
	var members []*corev1.Pod
	for _, member := range []string{"first", "second"} {
		pod, err := start(ctx, b, cluster.Probe{What: member, Run: probe.None}, func(pod *corev1.Pod) {
			pod.Spec.SchedulerName = g.scheduler()
			g.join(pod, made.GetName())
		})
		if err != nil {
			f.Refused("create pods in "+b.Namespace, err)
			return
		}
		members = append(members, pod)
		if member == "first" && !g.heldBack(ctx, b, f, pod) {
			return
		}
	}
	g.together(ctx, b, f, members)
}

// heldBack reports whether the first pod is not bound while it is alone.
func (g gang) heldBack(ctx context.Context, b *cluster.Bench, f *finding.Finding, pod *corev1.Pod) bool {
	hold, cancel := context.WithTimeout(ctx, holdTime)
	defer cancel()
	found, err := cluster.Await(hold, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
		return pod.Spec.NodeName != "" || saidUnschedulable(pod), nil
	})
	if apierrors.IsForbidden(err) {
		f.Refused("watch pods in "+b.Namespace, err)
		return false
	}
	if found.Spec.NodeName != "" {
		f.Fail("the first pod of a group of two to wait for the second", "it bound to node "+found.Spec.NodeName,
			fmt.Sprintf("see that the scheduler %s runs with gang scheduling on, for pod groups of %s", g.scheduler(), g.group))
		return false
	}
	return true
}

func saidUnschedulable(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
}

// together demands that all members are bound.
func (g gang) together(ctx context.Context, b *cluster.Bench, f *finding.Finding, members []*corev1.Pod) {
	for _, pod := range members {
		found, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
			return pod.Spec.NodeName != "", nil
		})
		if err != nil {
			f.Fail("both pods of a complete group to be bound to nodes", fmt.Sprintf("pod %s %s: %v", pod.Name, health.DescribePod(found), err),
				fmt.Sprintf("see that the scheduler %s runs, and its log", g.scheduler()))
			return
		}
	}
}
