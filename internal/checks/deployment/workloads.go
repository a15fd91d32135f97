package deployment

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// workload is a Deployment, DaemonSet or StatefulSet.
type workload struct {
	kind string
	metav1.ObjectMeta
	template corev1.PodTemplateSpec
	// idle are those that nobody wants to run: scaled to nothing, or for nodes that there are none of.
	idle    bool
	problem error
}

func (w workload) String() string { return w.kind + " " + w.Namespace + "/" + w.Name }

// workloads are those of a namespace.
func workloads(ctx context.Context, b *cluster.Bench, namespace string) ([]workload, error) {
	var found []workload
	err := each(ctx, b.AppsV1().Deployments(namespace).List, func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items },
		func(d *appsv1.Deployment) {
			found = append(found, workload{"Deployment", d.ObjectMeta, d.Spec.Template, ptr.Deref(d.Spec.Replicas, 1) == 0, health.Deployment(d)})
		})
	if err != nil {
		return nil, err
	}
	err = each(ctx, b.AppsV1().DaemonSets(namespace).List, func(l *appsv1.DaemonSetList) []appsv1.DaemonSet { return l.Items },
		func(d *appsv1.DaemonSet) {
			idle := d.Status.ObservedGeneration >= d.Generation && d.Status.DesiredNumberScheduled == 0
			found = append(found, workload{"DaemonSet", d.ObjectMeta, d.Spec.Template, idle, health.DaemonSet(d)})
		})
	if err != nil {
		return nil, err
	}
	err = each(ctx, b.AppsV1().StatefulSets(namespace).List, func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items },
		func(s *appsv1.StatefulSet) {
			found = append(found, workload{"StatefulSet", s.ObjectMeta, s.Spec.Template, ptr.Deref(s.Spec.Replicas, 1) == 0, health.StatefulSet(s)})
		})
	return found, err
}

// OperatorHealth proves that every Deployment, DaemonSet and StatefulSet in the namespaces of the recipe's components is rolled
// out, whether the recipe lists it or not, and that in each of these namespaces at least one runs. One that is scaled to nothing,
// or that is for nodes that there are none of, is named and fails nothing.
func OperatorHealth(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	f := &finding.Finding{}
	for _, namespace := range namespaces(f, r) {
		found, err := workloads(ctx, b, namespace)
		if err != nil {
			f.Refused("list Deployments, DaemonSets and StatefulSets in "+namespace, err)
			continue
		}
		running := 0
		for _, w := range found {
			switch {
			case w.idle:
				f.Note("%s is to run nowhere: %v", w, w.problem)
			case w.problem != nil:
				running++
				f.Fail(w.String()+" to be rolled out", w.problem.Error(),
					fmt.Sprintf("see kubectl -n %s describe %s %s, and the logs of its pods", w.Namespace, w.kind, w.Name))
			default:
				running++
			}
		}
		f.Measure("workloads/"+namespace, running)
		if running == 0 {
			f.Fail("a Deployment, DaemonSet or StatefulSet to run in the namespace "+namespace,
				fmt.Sprintf("%d, none of which is to run", len(found)), "install the component that the recipe puts there")
		}
	}
	return f
}

// NoCrashLoops proves that no pod in the namespaces of the recipe's components crashes again and again or waits for a container
// that cannot be started, for want of its image for instance.
func NoCrashLoops(ctx context.Context, b *cluster.Bench, r *recipe.Recipe) *finding.Finding {
	return eachPod(ctx, b, r, "to run", func(pod *corev1.Pod) []string { return health.PodProblems(pod, time.Now()) })
}

// eachPod judges the pods in the namespaces of the recipe's components.
func eachPod(
	ctx context.Context, b *cluster.Bench, r *recipe.Recipe, expected string, problems func(*corev1.Pod) []string,
) *finding.Finding {
	f := &finding.Finding{}
	all, total := namespaces(f, r), 0
	for _, namespace := range all {
		pods := 0
		err := each(ctx, b.CoreV1().Pods(namespace).List, func(l *corev1.PodList) []corev1.Pod { return l.Items }, func(pod *corev1.Pod) {
			pods++
			for _, problem := range problems(pod) {
				f.Fail(fmt.Sprintf("pod %s/%s %s", namespace, pod.Name, expected), problem,
					fmt.Sprintf("see kubectl -n %s describe pod %s, and its logs", namespace, pod.Name))
			}
		})
		refused(f, "list pods", namespace, err)
		f.Measure("pods/"+namespace, pods)
		total += pods
	}
	if len(all) > 0 && total == 0 && !f.Failed() {
		f.NotApplicable("there are no pods in the namespaces of the recipe's components, %s", strings.Join(all, ", "))
	}
	return f
}

func active(namespace *corev1.Namespace) bool {
	return namespace.Status.Phase == corev1.NamespaceActive
}
