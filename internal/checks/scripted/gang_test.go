package scripted

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// scheduled plays every scheduler for the pods of an image: it binds one of no group at once, and the others once as many are there as a
// group is said to have.
func scheduled(t *testing.T, group int) (image string) {
	t.Helper()
	image = "registry.test/gang"
	world.node.Script(image, podlet.Script{Unschedulable: &podlet.Unschedulable{Message: "its group is not complete"}})
	pods := world.admin.CoreV1().Pods(runNamespace)
	watcher, err := pods.Watch(t.Context(), metav1.ListOptions{LabelSelector: "validation.aicr.dev/check"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	go func() {
		seen, waiting := map[string]bool{}, []string{}
		for event := range watcher.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok || seen[pod.Name] || pod.Spec.Containers[0].Image != image {
				continue
			}
			seen[pod.Name] = true
			if strings.HasPrefix(pod.Name, "check-single-") {
				bind(t.Context(), t, pod.Name)
				continue
			}
			if waiting = append(waiting, pod.Name); len(waiting) < group {
				continue
			}
			for _, name := range waiting {
				bind(t.Context(), t, name)
			}
			waiting = nil
		}
	}()
	return image
}

func bind(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	err := world.admin.CoreV1().Pods(runNamespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: world.node.Name()},
	}, metav1.CreateOptions{})
	if err != nil && ctx.Err() == nil {
		t.Errorf("binding a pod: %v", err)
	}
}

func TestGangScheduling(t *testing.T) {
	for _, other := range []struct{ group, version string }{
		{}, {"scheduling.volcano.sh", "v1beta1"}, {"scheduling.x-k8s.io", "v1alpha1"}, {"scheduling.run.ai", "v2alpha2"},
	} {
		t.Run("scheduling.k8s.io "+other.group, func(t *testing.T) {
			if other.group != "" {
				define(t, definitionOf(other.group, other.version, "PodGroup", true))
				grantPodGroups(t, other.group)
			}
			t.Run("passes", func(t *testing.T) {
				f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 2)))
				wantPass(t, f)
				want := "scheduling.k8s.io/v1beta1"
				if other.group != "" {
					want += "," + other.group + "/" + other.version
				}
				wantMeasured(t, f, "gang-scheduling", want)
			})
			t.Run("fails where the first pod does not wait", func(t *testing.T) {
				f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 1)))
				wantFailure(t, f, "found it bound to node podlet. To mend: see that the scheduler default-scheduler runs with gang scheduling on")
				wantFailure(t, f, "for pod groups of "+other.group)
			})
		})
	}
	t.Run("fails where the scheduler does nothing", func(t *testing.T) {
		const image = "registry.test/nobody"
		world.node.Script(image, podlet.Script{Unschedulable: &podlet.Unschedulable{Message: "no room"}})
		f := conformance.GangScheduling(bounded(t, 3*time.Second), validator(t, image))
		wantFailure(t, f, "a pod of no group to be bound to nodes; found pod check-single-")
	})
	t.Run("could not run where pod groups are of another version", func(t *testing.T) {
		define(t, definitionOf("scheduling.run.ai", "v3", "PodGroup", true))
		f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 2)))
		wantSkip(t, f, finding.CouldNotRun, "scheduling.run.ai in the version v3 alone")
	})
	t.Run("fails where a complete group is not bound", func(t *testing.T) {
		f := conformance.GangScheduling(bounded(t, 3*time.Second), validator(t, scheduled(t, 3)))
		wantFailure(t, f, "both pods of a complete group to be bound to nodes")
	})
	t.Run("is not applicable without pod groups", func(t *testing.T) {
		wantSkip(t, conformance.GangScheduling(within(t), bare(t)), finding.NotApplicable, "none of the kinds of pod group")
	})
}

// grantPodGroups lets the validator make pod groups of a kind that not every cluster has.
func grantPodGroups(t *testing.T, group string) {
	t.Helper()
	roles, bindings := world.admin.RbacV1().Roles(runNamespace), world.admin.RbacV1().RoleBindings(runNamespace)
	const name = "pod-groups"
	if _, err := roles.Create(t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{"podgroups"}, Verbs: []string{"create", "delete"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := bindings.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: runNamespace}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{roles.Delete(ctx, name, metav1.DeleteOptions{}), bindings.Delete(ctx, name, metav1.DeleteOptions{})} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// A pod of KAI that has an owner would be put into the owner's group.
func TestPodsOfKAIBelongToNobody(t *testing.T) {
	define(t, definitionOf("scheduling.run.ai", "v2alpha2", "PodGroup", true))
	grantPodGroups(t, "scheduling.run.ai")
	watcher, err := world.admin.CoreV1().Pods(runNamespace).Watch(t.Context(), metav1.ListOptions{LabelSelector: "validation.aicr.dev/check"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	wantPass(t, conformance.GangScheduling(within(t), validator(t, scheduled(t, 2))))
	grouped := map[string]bool{}
	for len(grouped) < 2 {
		event := <-watcher.ResultChan()
		pod, ok := event.Object.(*corev1.Pod)
		if !ok || pod.Spec.SchedulerName != "kai-scheduler" {
			continue
		}
		if len(pod.OwnerReferences) > 0 || pod.Labels["kai.scheduler/queue"] != "default-queue" {
			t.Errorf("pod %s belongs to %v and has the labels %v, want no owner and the queue", pod.Name, pod.OwnerReferences, pod.Labels)
		}
		if pod.Annotations["pod-group-name"] != "" {
			grouped[pod.Name] = true
		}
	}
}
