package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// QueueVariable names the queue of KAI in which the pods of this check wait, if it is not the one that KAI itself falls back on.
const QueueVariable = "AICR_GANG_QUEUE"

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
	// variable is the environment variable that names the scheduler where it is called otherwise; empty where there is none.
	variable string
	// spec asks for as many pods at once.
	spec func(pods int64) map[string]any
	// join makes a pod a member.
	join func(pod *corev1.Pod, group string)
	// prepare does to each pod what the scheduler wants of one, a member or not.
	prepare func(pod *corev1.Pod)
	// loose says that pods must not have owners, which tell the scheduler of other groups.
	loose bool
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
			return cmp.Or(os.Getenv(GangSchedulerVariable), "scheduler-plugins-scheduler")
		},
		variable: GangSchedulerVariable,
		spec:     minMember,
		join: func(pod *corev1.Pod, group string) {
			pod.Labels = map[string]string{"scheduling.x-k8s.io/pod-group": group}
		},
	},
	{
		group: "scheduling.run.ai", versions: []string{"v2alpha2"},
		scheduler: func() string { return "kai-scheduler" },
		spec:      func(pods int64) map[string]any { return map[string]any{"minMember": pods, "queue": queue()} },
		join: func(pod *corev1.Pod, group string) {
			pod.Annotations = map[string]string{"pod-group-name": group}
		},
		prepare: func(pod *corev1.Pod) { pod.Labels = map[string]string{"kai.scheduler/queue": queue()} },
		loose:   true,
	},
}

// queue is that of KAI's pods.
func queue() string { return cmp.Or(os.Getenv(QueueVariable), "default-queue") }

// GangScheduling proves that pods of a group are scheduled together or not at all: while a pod of no group is bound, the first pod of a
// group of two is held back as long as it is alone, and once the second has come both are bound to nodes. Each gang scheduler that is
// installed is tried.
func GangScheduling(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	var tried []string
	for _, g := range gangs {
		version, others, err := g.version(b)
		if err != nil {
			f.Refused("discover the API group "+g.group, err)
			return f
		}
		if len(others) > 0 {
			f.CouldNotRun("the cluster has pod groups of %s in the version %s alone, and this check knows %s", g.group,
				strings.Join(others, ", "), strings.Join(g.versions, ", "))
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

// version is the best version in which the cluster has pod groups of this sort; empty if it has none. If it has them in others
// alone, these are returned.
func (g gang) version(b *cluster.Bench) (best string, others []string, err error) {
	served, err := servedVersions(b, g.group)
	if err != nil {
		return "", nil, err
	}
	var having []string
	for _, version := range served {
		list, err := b.Discovery().ServerResourcesForGroupVersion(g.group + "/" + version)
		if err != nil && !apierrors.IsNotFound(err) {
			return "", nil, err
		}
		if list != nil && slices.ContainsFunc(list.APIResources, func(r metav1.APIResource) bool {
			return r.Kind == "PodGroup" && r.Name == "podgroups"
		}) {
			having = append(having, version)
		}
	}
	for _, version := range g.versions {
		if slices.Contains(having, version) {
			return version, nil, nil
		}
	}
	return "", having, nil
}

// start makes a pod for this scheduler, a member of the group if there is one.
func (g gang) start(ctx context.Context, b *cluster.Bench, what, group string) (*corev1.Pod, error) {
	pod, err := b.Pod(cluster.Probe{What: what, Run: probe.None})
	if err != nil {
		return nil, err
	}
	pod.Spec.SchedulerName = g.scheduler()
	if g.prepare != nil {
		g.prepare(pod)
	}
	if group != "" {
		g.join(pod, group)
	}
	if g.loose {
		return cluster.MakeLoose(ctx, b, b.CoreV1().Pods(b.Namespace), pod)
	}
	return cluster.Make(ctx, b, b.CoreV1().Pods(b.Namespace), pod)
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
	// That a pod waits tells of its group only where the scheduler is at work, and there is room.
	single, err := g.start(ctx, b, "single", "")
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return
	}
	if !g.bound(ctx, b, f, "a pod of no group", single, true) {
		return
	}
	var members []*corev1.Pod
	for _, member := range []string{"first", "second"} {
		pod, err := g.start(ctx, b, member, made.GetName())
		if err != nil {
			f.Refused("create pods in "+b.Namespace, err)
			return
		}
		members = append(members, pod)
		if member == "first" && !g.heldBack(ctx, b, f, pod) {
			return
		}
	}
	for _, pod := range members {
		if !g.bound(ctx, b, f, "both pods of a complete group", pod, false) {
			return
		}
	}
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
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		f.Fail("the first pod of a group of two to wait for the second", err.Error(), "see the events of the namespace "+b.Namespace)
		return false
	}
	return true
}

func saidUnschedulable(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
	})
}

// bound demands that a pod is bound to a node. Of one that is alone, all that its scheduler says is about the nodes; of one of a group it
// may be about the group, which is what this check is about.
func (g gang) bound(ctx context.Context, b *cluster.Bench, f *finding.Finding, what string, pod *corev1.Pod, alone bool) bool {
	found, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
		return pod.Spec.NodeName != "", nil
	})
	switch words := cluster.Unschedulable(found); {
	case apierrors.IsForbidden(err):
		f.Refused("watch pods in "+b.Namespace, err)
	case err != nil && (alone || cluster.Full(words)) && cluster.NoRoom(f, found):
	case err != nil && alone && g.unknown(f, found):
	case err != nil:
		f.Fail(what+" to be bound to nodes", fmt.Sprintf("pod %s %s: %v", pod.Name, health.DescribePod(found), err),
			fmt.Sprintf("see that the scheduler %s runs, and its log", g.scheduler()))
	default:
		return true
	}
	return false
}

// unknown reports whether there seems to be no scheduler of this name: it would have said something of a pod by now. Kubernetes' own is in
// every cluster; others are called as whoever installed them likes.
func (g gang) unknown(f *finding.Finding, pod *corev1.Pod) bool {
	name := g.scheduler()
	if name == corev1.DefaultSchedulerName || slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled
	}) {
		return false
	}
	mend := "see that it runs by that name"
	if g.variable != "" {
		mend = "name the one that there is in the run's environment variable " + g.variable
	}
	f.CouldNotRun("the cluster has pod groups of %s, and no scheduler of the name %s has said anything of pod %s. To mend: %s", g.group, name,
		pod.Name, mend)
	return true
}
