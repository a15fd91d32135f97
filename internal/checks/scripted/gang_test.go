package scripted

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// scheduled plays every scheduler for the pods of an image: it binds them once as many are there as a group is said to have.
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
		{}, {"scheduling.volcano.sh", "v1beta1"}, {"scheduling.x-k8s.io", "v1alpha1"},
	} {
		t.Run("scheduling.k8s.io "+other.group, func(t *testing.T) {
			if other.group != "" {
				define(t, definitionOf(other.group, other.version, "PodGroup", true))
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
	t.Run("fails where a complete group is not bound", func(t *testing.T) {
		f := conformance.GangScheduling(bounded(t, 3*time.Second), validator(t, scheduled(t, 3)))
		wantFailure(t, f, "both pods of a complete group to be bound to nodes")
	})
	t.Run("is not applicable without pod groups", func(t *testing.T) {
		wantSkip(t, conformance.GangScheduling(within(t), bare(t)), finding.NotApplicable, "none of the kinds of pod group")
	})
}
