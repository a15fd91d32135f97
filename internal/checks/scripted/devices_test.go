package scripted

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

const driver = "gpu.test.example"

var (
	sliceResource = schema.GroupVersionResource{Group: "resource.k8s.io", Version: "v1", Resource: "resourceslices"}
	classResource = schema.GroupVersionResource{Group: "resource.k8s.io", Version: "v1", Resource: "deviceclasses"}
	claimResource = schema.GroupVersionResource{Group: "resource.k8s.io", Version: "v1", Resource: "resourceclaims"}
)

// offer has a driver offer one device on the node, of a class or of none.
func offer(t *testing.T, class string) {
	t.Helper()
	slice(t, driver, 1, "gpu-0")
	if class != "" {
		classOf(t, class, driver)
	}
}

// slice has a driver offer devices on the node, in the generation of its pool.
func slice(t *testing.T, driver string, generation int64, devices ...string) {
	t.Helper()
	var offered []any
	for _, name := range devices {
		offered = append(offered, map[string]any{"name": name})
	}
	create(t, sliceResource, "", map[string]any{
		"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice",
		"metadata": map[string]any{"name": fmt.Sprintf("podlet-%s-%d", driver, generation)},
		"spec": map[string]any{
			"driver": driver, "nodeName": "podlet",
			"pool":    map[string]any{"name": "podlet", "generation": generation, "resourceSliceCount": int64(1)},
			"devices": offered,
		},
	})
}

// classOf is a class of a driver's devices.
func classOf(t *testing.T, name, driver string) {
	t.Helper()
	create(t, classResource, "", map[string]any{
		"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"selectors": []any{map[string]any{"cel": map[string]any{
			"expression": `device.driver == "` + driver + `"`,
		}}}},
	})
}

// busy is a claim of somebody else, who has a device.
func busy(t *testing.T, device string) {
	t.Helper()
	other := create(t, claimResource, "default", map[string]any{
		"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": map[string]any{"name": "busy"},
		"spec": map[string]any{"devices": map[string]any{"requests": []any{map[string]any{
			"name": "device", "exactly": map[string]any{"deviceClassName": driver},
		}}}},
	})
	claims := world.admin.ResourceV1().ResourceClaims(other.GetNamespace())
	claim, err := claims.Get(t.Context(), other.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	claim.Status.Allocation = allocation(driver, device)
	if _, err := claims.UpdateStatus(t.Context(), claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// allocate plays the scheduler's part for the claims of a class that come while the test runs: they get a device of a driver.
func allocate(t *testing.T, class, driver string) {
	t.Helper()
	claims := world.admin.ResourceV1().ResourceClaims(runNamespace)
	onAdded(t, claims, metav1.ListOptions{}, func(claim *resourcev1.ResourceClaim) {
		if claim.Spec.Devices.Requests[0].Exactly.DeviceClassName != class {
			return
		}
		claim.Status.Allocation = allocation(driver, "gpu-0")
		if _, err := claims.UpdateStatus(t.Context(), claim, metav1.UpdateOptions{}); err != nil && t.Context().Err() == nil {
			t.Errorf("allocating a device: %v", err)
		}
	})
}

func allocation(driver, device string) *resourcev1.AllocationResult {
	return &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
		Results: []resourcev1.DeviceRequestAllocationResult{{Request: "device", Driver: driver, Pool: "podlet", Device: device}},
	}}
}

// slowly is an image whose pods run a moment, as pods do that have a device prepared for them.
func slowly(t *testing.T) string {
	t.Helper()
	return scripted(t, podlet.Runs(func(p *podlet.Process) {
		for p.Pod.Spec.ResourceClaims != nil {
			claim, err := world.admin.ResourceV1().ResourceClaims(p.Pod.Namespace).Get(t.Context(),
				*p.Pod.Spec.ResourceClaims[0].ResourceClaimName, metav1.GetOptions{})
			if err != nil || claim.Status.Allocation != nil {
				return
			}
		}
	}))
}

func TestDRAPasses(t *testing.T) {
	offer(t, driver)
	allocate(t, driver, driver)
	wantPass(t, conformance.DRA(within(t), validator(t, slowly(t))))
}

// NVIDIA's driver offers devices of which no class has its name: those that mention it need parameters of a daemon.
func TestDRALeavesOutDriversWithoutAClass(t *testing.T) {
	const domains = "compute-domain.test.example"
	slice(t, domains, 1, "daemon-0", "channel-0")
	classOf(t, "compute-domain-daemon.test.example", domains)
	t.Run("which could not run alone", func(t *testing.T) {
		f := conformance.DRA(within(t), validator(t, slowly(t)))
		wantSkip(t, f, finding.CouldNotRun, "no DeviceClass is named after a driver")
	})
	t.Run("beside one that has", func(t *testing.T) {
		offer(t, driver)
		allocate(t, driver, driver)
		f := conformance.DRA(within(t), validator(t, slowly(t)))
		wantPass(t, f)
		if len(f.Notes) != 1 || !strings.Contains(f.Notes[0], domains) {
			t.Errorf("notes = %q, want one of %s", f.Notes, domains)
		}
	})
}

// A driver whose pod hangs takes no time from the others.
func TestDRADriversHaveTimeOfTheirOwn(t *testing.T) {
	t.Parallel()
	alone(t, &devices)
	const last = "nic.test.example"
	offer(t, driver)
	slice(t, last, 1, "nic-0")
	classOf(t, last, last)
	allocate(t, last, last)
	f := tried(t, ample, conformance.DRA, validator(t, slowly(t)))
	wantFailure(t, f, "a pod with a device of driver "+driver+" to run to its end")
	if len(f.Problems) != 1 || f.Skip != "" {
		t.Errorf("found %s, want nothing of %s", describe(f), last)
	}
}

// What keeps pods off a node that is not ready must keep these off too: a node that is powered off offers its devices still.
func TestDRAToleratesNoNodeThatIsNotReady(t *testing.T) {
	offer(t, driver)
	allocate(t, driver, driver)
	self := selfOf(t, world.plane.Config, image).DeepCopy()
	self.Spec.Containers[0].Image = slowly(t)
	self.Spec.Tolerations = []corev1.Toleration{
		{Key: "team", Operator: corev1.TolerationOpExists}, {Operator: corev1.TolerationOpExists},
		{Key: "node.kubernetes.io/unreachable", Operator: corev1.TolerationOpExists},
	}
	wantPass(t, conformance.DRA(within(t), at(t, world.plane.ServiceAccountConfig(runNamespace, account), self)))
	pods, err := world.admin.CoreV1().Pods(runNamespace).List(t.Context(), made(t))
	if err != nil {
		t.Fatal(err)
	}
	tolerated := map[string]bool{}
	for _, pod := range pods.Items {
		for _, toleration := range pod.Spec.Tolerations {
			// The API server adds the two that let a pod stay on a node for a while, and no longer.
			tolerated[toleration.Key] = tolerated[toleration.Key] || toleration.TolerationSeconds == nil
		}
	}
	want := map[string]bool{"team": true, "nvidia.com/gpu": true, "amd.com/gpu": true,
		"node.kubernetes.io/not-ready": false, "node.kubernetes.io/unreachable": false}
	if !maps.Equal(tolerated, want) {
		t.Errorf("tolerates %v, want %v", tolerated, want)
	}
}

// unscheduled is an image with pods that no node takes, for the reason that the words give.
func unscheduled(t *testing.T, words string) (image string) {
	t.Helper()
	return scripted(t, podlet.Script{Unschedulable: &podlet.Unschedulable{Message: words}})
}

func TestDRAFails(t *testing.T) {
	t.Parallel()
	alone(t, &devices)
	offer(t, driver)
	t.Run("with a free device that is not handed out", func(t *testing.T) {
		f := tried(t, brief, conformance.DRA, validator(t, unscheduled(t, "1 cannot allocate all claims")))
		wantFailure(t, f, "to be scheduled; found it Pending; not scheduled: Unschedulable")
	})
	t.Run("with a pod that does not start", func(t *testing.T) {
		allocate(t, driver, driver)
		world.node.Script("registry.test/unprepared", podlet.Script{Main: podlet.Container{
			Waiting: &podlet.Waiting{Reason: "CreateContainerError", Message: "device not prepared"},
		}})
		f := tried(t, brief, conformance.DRA, validator(t, "registry.test/unprepared"))
		wantFailure(t, f, "to run to its end; found it Pending; container waits: CreateContainerError: device not prepared")
	})
	t.Run("with a device of another driver", func(t *testing.T) {
		allocate(t, driver, "other.test.example")
		wantFailure(t, conformance.DRA(within(t), validator(t, slowly(t))), "to have a device of driver "+driver)
	})
}

func TestDRACannotTell(t *testing.T) {
	t.Parallel()
	alone(t, &devices)
	classOf(t, driver, driver)
	t.Run("while all devices are in use", func(t *testing.T) {
		slice(t, driver, 1, "gpu-0")
		busy(t, "gpu-0")
		f := tried(t, brief, conformance.DRA, validator(t, unscheduled(t, "1 cannot allocate all claims")))
		wantSkip(t, f, finding.CouldNotRun, "none of the 1 devices of driver "+driver+" can be shown to be free, and 1 are in use")
	})
	t.Run("while what is free may be of another kind", func(t *testing.T) {
		slice(t, driver, 1, "gpu-0", "slice-0")
		busy(t, "gpu-0")
		f := tried(t, brief, conformance.DRA, validator(t, unscheduled(t, "1 cannot allocate all claims")))
		wantSkip(t, f, finding.CouldNotRun, "none of the 2 devices of driver "+driver+" can be shown to be free, and 1 are in use")
	})
	t.Run("of devices that are no longer offered", func(t *testing.T) {
		slice(t, driver, 1, "gpu-0", "gpu-1")
		slice(t, driver, 2, "gpu-0")
		busy(t, "gpu-0")
		f := tried(t, brief, conformance.DRA, validator(t, unscheduled(t, "1 cannot allocate all claims")))
		wantSkip(t, f, finding.CouldNotRun, "none of the 1 devices")
		wantMeasured(t, f, "devices/"+driver, "1")
	})
	t.Run("where the node is full", func(t *testing.T) {
		slice(t, driver, 1, "gpu-0")
		f := tried(t, brief, conformance.DRA, validator(t, unscheduled(t, "1 Insufficient cpu")))
		wantSkip(t, f, finding.CouldNotRun, "1 Insufficient cpu")
	})
}

func TestDRAIsNotApplicableWithoutDevices(t *testing.T) {
	wantSkip(t, conformance.DRA(within(t), validator(t, image)), finding.NotApplicable, "no driver offers devices")
}
