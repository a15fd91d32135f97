package scripted

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/network"
)

// A cluster that is full does what it should, and proves nothing.
func TestFullClusterIsNoFault(t *testing.T) {
	t.Parallel()
	image := unscheduled(t, "1 Insufficient cpu")
	tests := map[string]check{
		"JobCompletes":     conformance.JobCompletes,
		"ConfigMapMount":   conformance.ConfigMapMount,
		"ServiceEndpoints": conformance.ServiceEndpoints,
		"PVCLifecycle":     conformance.PVCLifecycle,
		"ServiceRouting":   network.Routing,
	}
	for name, check := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "PVCLifecycle" {
				storage(t, storagev1.VolumeBindingImmediate, 1)
			}
			wantNoRoom(t, tried(t, ample, check, validator(t, image)))
		})
	}
}

func wantNoRoom(t *testing.T, f *finding.Finding) {
	t.Helper()
	wantSkip(t, f, finding.CouldNotRun, "1 Insufficient cpu. To mend: make room for it")
}

// limited has a limit in the run's namespace that the pods of checks are beyond. It is in force when limited returns, and again gone when
// the test is over.
func limited(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	pods, limits := world.admin.CoreV1().Pods(runNamespace), world.admin.CoreV1().LimitRanges(runNamespace)
	admitted := func() bool {
		planned := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "limited"}, Spec: *pod.Spec.DeepCopy()}
		planned.Spec.NodeName = ""
		_, err := pods.Create(context.WithoutCancel(t.Context()), planned, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err == nil
	}
	if _, err := limits.Create(t.Context(), &corev1.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Name: "small"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Max: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")},
		}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := limits.Delete(context.WithoutCancel(t.Context()), "small", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		eventually(t, admitted)
	})
	eventually(t, func() bool { return !admitted() })
}

// What turns a pod down says so to the controller that makes it, where nobody sees it.
func TestPodsThatControllersMayNotMakeAreNoFault(t *testing.T) {
	for name, check := range map[string]check{"JobCompletes": conformance.JobCompletes, "HPA": conformance.HPA} {
		t.Run(name, func(t *testing.T) {
			self := selfOf(t, world.plane.Config, image)
			limited(t, self)
			f := check(within(t), at(t, world.plane.ServiceAccountConfig(runNamespace, account), self))
			wantSkip(t, f, finding.CouldNotRun, "maximum cpu usage per Container is 100m")
		})
	}
}
