package scripted

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// scheduled plays every scheduler, or those that are named, for the pods of an image: it binds one of no group at once, and the others once
// as many are there as a group is said to have.
func scheduled(t *testing.T, group int, schedulers ...string) (image string) {
	t.Helper()
	image = "registry.test/gang"
	script := podlet.Script{}
	// A scheduler that knows no groups holds nobody back, not for a moment.
	if group > 1 {
		script.Unschedulable = &podlet.Unschedulable{Message: "its group is not complete"}
	}
	world.node.Script(image, script)
	var waiting []string
	onAdded(t, world.admin.CoreV1().Pods(runNamespace), metav1.ListOptions{LabelSelector: cluster.CheckLabel}, func(pod *corev1.Pod) {
		if pod.Spec.Containers[0].Image != image || len(schedulers) > 0 && !slices.Contains(schedulers, pod.Spec.SchedulerName) {
			return
		}
		if strings.HasPrefix(pod.Name, "check-single-") {
			bind(t.Context(), t, pod.Name)
			return
		}
		if waiting = append(waiting, pod.Name); len(waiting) < group {
			return
		}
		for _, name := range waiting {
			bind(t.Context(), t, name)
		}
		waiting = nil
	})
	return image
}

func bind(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	err := world.admin.CoreV1().Pods(runNamespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Target: corev1.ObjectReference{Kind: "Node", Name: world.node.Name()},
	}, metav1.CreateOptions{})
	// The node binds pods of the default scheduler itself.
	if err != nil && !apierrors.IsConflict(err) && ctx.Err() == nil {
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
	for name, said := range map[string]edit{
		"does nothing": {path: "/pods?", from: `"type":"PodScheduled"`, to: `"type":"Considered"`},
		"fails":        {path: "/pods?", from: `"reason":"Unschedulable"`, to: `"reason":"SchedulerError"`},
	} {
		t.Run("fails where the scheduler "+name, func(t *testing.T) {
			config := world.plane.ServiceAccountConfig(runNamespace, account)
			config.ContentType = "application/json"
			config.Wrap(said.wrap)
			f := tried(t, 8*time.Second, conformance.GangScheduling, at(t, config, selfOf(t, world.plane.Config, unscheduled("nothing"))))
			wantFailure(t, f, "a pod of no group to be bound to nodes; found pod check-single-")
		})
	}
	t.Run("could not run where the scheduler has another name", func(t *testing.T) {
		define(t, definitionOf("scheduling.x-k8s.io", "v1alpha1", "PodGroup", true))
		grantPodGroups(t, "scheduling.x-k8s.io")
		f := tried(t, 12*time.Second, conformance.GangScheduling, validator(t, scheduled(t, 2, corev1.DefaultSchedulerName)))
		wantSkip(t, f, finding.CouldNotRun, "no scheduler of the name scheduler-plugins-scheduler")
		wantSkip(t, f, finding.CouldNotRun, "environment variable AICR_GANG_SCHEDULER")
	})
	t.Run("could not run where pod groups are of another version", func(t *testing.T) {
		define(t, definitionOf("scheduling.run.ai", "v3", "PodGroup", true))
		f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 2)))
		wantSkip(t, f, finding.CouldNotRun, "scheduling.run.ai in the version v3 alone")
	})
	t.Run("fails where a complete group is not bound", func(t *testing.T) {
		f := tried(t, 8*time.Second, conformance.GangScheduling, validator(t, scheduled(t, 3)))
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
	eventually(t, func() bool {
		return may(t, authorizationv1.ResourceAttributes{Verb: "create", Group: group, Resource: "podgroups", Namespace: runNamespace})
	})
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
	ctx := within(t)
	watcher := coming(t, world.admin.CoreV1().Pods(runNamespace), metav1.ListOptions{LabelSelector: cluster.CheckLabel})
	wantPass(t, conformance.GangScheduling(ctx, validator(t, scheduled(t, 2))))
	grouped := map[string]bool{}
	for len(grouped) < 2 {
		var event watch.Event
		select {
		case event = <-watcher.ResultChan():
		case <-ctx.Done():
			t.Fatalf("saw pods %v of a group, want two", grouped)
		}
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
