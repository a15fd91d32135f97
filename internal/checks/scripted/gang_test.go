package scripted

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// silent is a scheduler that does not say that it holds a pod back.
const silent = "scheduler-plugins-scheduler"

// scheduled plays every scheduler, or those that are named, for the pods of an image: it binds one of no group at once, and the others once
// as many are there as a group is said to have.
func scheduled(t *testing.T, group int, schedulers ...string) (image string) {
	t.Helper()
	const incomplete = "its group is not complete"
	script := podlet.Script{}
	// A scheduler that knows no groups holds nobody back, not for a moment.
	if group > 1 {
		script.Unschedulable = &podlet.Unschedulable{Message: incomplete}
	}
	image = scripted(t, script)
	var waiting []string
	onAdded(t, world.admin.CoreV1().Pods(runNamespace), made(t), func(pod *corev1.Pod) {
		if pod.Spec.Containers[0].Image != image || len(schedulers) > 0 && !slices.Contains(schedulers, pod.Spec.SchedulerName) {
			return
		}
		if strings.HasPrefix(pod.Name, "check-single-") {
			bind(t.Context(), t, pod.Name)
			return
		}
		if waiting = append(waiting, pod.Name); len(waiting) < group {
			// The node says so itself of pods of the default scheduler.
			if pod.Spec.SchedulerName != corev1.DefaultSchedulerName && pod.Spec.SchedulerName != silent {
				holdBack(t.Context(), t, pod.Name, incomplete)
			}
			return
		}
		for _, name := range waiting {
			bind(t.Context(), t, name)
		}
		waiting = nil
	})
	return image
}

// holdBack says of a pod that no node takes it.
func holdBack(ctx context.Context, t *testing.T, name, words string) {
	t.Helper()
	patch := fmt.Sprintf(`{"status":{"conditions":[{"type":%q,"status":%q,"reason":%q,"message":%q}]}}`,
		corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable, words)
	_, err := world.admin.CoreV1().Pods(runNamespace).Patch(ctx, name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil && ctx.Err() == nil {
		t.Errorf("holding a pod back: %v", err)
	}
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
	t.Parallel()
	alone(t, &podGroups)
	t.Run("scheduling.k8s.io", func(t *testing.T) {
		gangSchedules(t, "scheduling.k8s.io/v1beta1", "scheduling.k8s.io")
		for name, said := range map[string]edit{
			"does nothing": {path: "/pods?", from: `"type":"PodScheduled"`, to: `"type":"Considered"`},
			"fails":        {path: "/pods?", from: `"reason":"Unschedulable"`, to: `"reason":"SchedulerError"`},
		} {
			t.Run("fails where the scheduler "+name, func(t *testing.T) {
				t.Parallel()
				config := world.plane.ServiceAccountConfig(runNamespace, account)
				config.ContentType = "application/json"
				config.Wrap(said.wrap)
				f := tried(t, brief, conformance.GangScheduling, at(t, config, selfOf(t, world.plane.Config, unscheduled(t, "nothing"))))
				wantFailure(t, f, "a pod of no group to be bound to nodes; found pod check-single-")
			})
		}
		t.Run("could not run where the nodes are full", func(t *testing.T) {
			t.Parallel()
			wantNoRoom(t, tried(t, brief, conformance.GangScheduling, validator(t, unscheduled(t, "1 Insufficient cpu"))))
		})
		t.Run("fails where a complete group is not bound", func(t *testing.T) {
			t.Parallel()
			f := tried(t, ample, conformance.GangScheduling, validator(t, scheduled(t, 3)))
			wantFailure(t, f, "both pods of a complete group to be bound to nodes")
		})
	})
	t.Run("scheduling.volcano.sh", func(t *testing.T) {
		have(t, "scheduling.volcano.sh", "v1beta1")
		gangSchedules(t, "scheduling.k8s.io/v1beta1,scheduling.volcano.sh/v1beta1", "scheduling.volcano.sh")
	})
	t.Run("scheduling.x-k8s.io", func(t *testing.T) {
		have(t, "scheduling.x-k8s.io", "v1alpha1")
		gangSchedules(t, "scheduling.k8s.io/v1beta1,scheduling.x-k8s.io/v1alpha1", "scheduling.x-k8s.io")
		t.Run("could not run where the scheduler has another name", func(t *testing.T) {
			t.Parallel()
			f := tried(t, ample, conformance.GangScheduling, validator(t, scheduled(t, 2, corev1.DefaultSchedulerName)))
			wantSkip(t, f, finding.CouldNotRun, "no scheduler of the name "+silent)
			wantSkip(t, f, finding.CouldNotRun, "environment variable AICR_GANG_SCHEDULER")
		})
	})
	t.Run("scheduling.run.ai", func(t *testing.T) {
		have(t, "scheduling.run.ai", "v2alpha2")
		gangSchedules(t, "scheduling.k8s.io/v1beta1,scheduling.run.ai/v2alpha2", "scheduling.run.ai")
		t.Run("has pods that belong to nobody", belongToNobody)
	})
	t.Run("could not run where pod groups are of another version", func(t *testing.T) {
		define(t, definitionOf("scheduling.run.ai", "v3", "PodGroup", true))
		f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 2)))
		wantSkip(t, f, finding.CouldNotRun, "scheduling.run.ai in the version v3 alone")
	})
	t.Run("is not applicable without pod groups", func(t *testing.T) {
		wantSkip(t, conformance.GangScheduling(within(t), bare(t)), finding.NotApplicable, "none of the kinds of pod group")
	})
}

// have adds a kind of pod group to the cluster until the test ends.
func have(t *testing.T, group, version string) {
	t.Helper()
	define(t, definitionOf(group, version, "PodGroup", true))
	grantPodGroups(t, group)
}

// gangSchedules has the check try the kinds of pod group that there are. One that fails does so for pod groups of the group.
func gangSchedules(t *testing.T, tried, group string) {
	t.Helper()
	t.Run("passes", func(t *testing.T) {
		t.Parallel()
		f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 2)))
		wantPass(t, f)
		wantMeasured(t, f, "gang-scheduling", tried)
	})
	t.Run("fails where the first pod does not wait", func(t *testing.T) {
		t.Parallel()
		f := conformance.GangScheduling(within(t), validator(t, scheduled(t, 1)))
		wantFailure(t, f, "found it bound to node podlet. To mend: see that the scheduler default-scheduler runs with gang scheduling on")
		wantFailure(t, f, "for pod groups of "+group)
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
func belongToNobody(t *testing.T) {
	t.Parallel()
	ctx := within(t)
	watcher := coming(t, world.admin.CoreV1().Pods(runNamespace), made(t))
	image := scheduled(t, 2)
	wantPass(t, conformance.GangScheduling(ctx, validator(t, image)))
	grouped := map[string]bool{}
	for len(grouped) < 2 {
		var event watch.Event
		select {
		case event = <-watcher.ResultChan():
		case <-ctx.Done():
			t.Fatalf("saw pods %v of a group, want two", grouped)
		}
		pod, ok := event.Object.(*corev1.Pod)
		if !ok || pod.Spec.Containers[0].Image != image || pod.Spec.SchedulerName != "kai-scheduler" {
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
