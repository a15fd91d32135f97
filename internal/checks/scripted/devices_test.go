package scripted

import (
	"testing"
	"time"

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
	create(t, sliceResource, "", map[string]any{
		"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": map[string]any{"name": "podlet-gpus"},
		"spec": map[string]any{
			"driver": driver, "nodeName": "podlet",
			"pool":    map[string]any{"name": "podlet", "generation": int64(1), "resourceSliceCount": int64(1)},
			"devices": []any{map[string]any{"name": "gpu-0"}},
		},
	})
	if class == "" {
		return
	}
	create(t, classResource, "", map[string]any{
		"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": map[string]any{"name": class},
		"spec": map[string]any{"selectors": []any{map[string]any{"cel": map[string]any{
			"expression": `device.driver == "` + driver + `"`,
		}}}},
	})
}

// allocate plays the scheduler's part for the claims that come while the test runs.
func allocate(t *testing.T, driver string) {
	t.Helper()
	claims := world.admin.ResourceV1().ResourceClaims(runNamespace)
	watcher, err := claims.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watcher.Stop)
	go func() {
		for event := range watcher.ResultChan() {
			claim, ok := event.Object.(*resourcev1.ResourceClaim)
			if !ok || claim.Status.Allocation != nil || claim.DeletionTimestamp != nil || event.Type == "DELETED" {
				continue
			}
			claim.Status.Allocation = allocation(driver)
			if _, err := claims.UpdateStatus(t.Context(), claim, metav1.UpdateOptions{}); err != nil && t.Context().Err() == nil {
				t.Errorf("allocating a device: %v", err)
			}
		}
	}()
}

func allocation(driver string) *resourcev1.AllocationResult {
	return &resourcev1.AllocationResult{Devices: resourcev1.DeviceAllocationResult{
		Results: []resourcev1.DeviceRequestAllocationResult{{Request: "device", Driver: driver, Pool: "podlet", Device: "gpu-0"}},
	}}
}

// slowly is an image whose pods run a moment, as pods do that have a device prepared for them.
func slowly(t *testing.T) string {
	t.Helper()
	const name = "registry.test/slowly"
	world.node.Script(name, podlet.Runs(func(p *podlet.Process) {
		for p.Pod.Spec.ResourceClaims != nil {
			claim, err := world.admin.ResourceV1().ResourceClaims(p.Pod.Namespace).Get(t.Context(),
				*p.Pod.Spec.ResourceClaims[0].ResourceClaimName, metav1.GetOptions{})
			if err != nil || claim.Status.Allocation != nil {
				return
			}
		}
	}))
	return name
}

func TestDRAPasses(t *testing.T) {
	for name, class := range map[string]string{"a class of the driver's name": driver, "a class that mentions it": "gpus"} {
		t.Run(name, func(t *testing.T) {
			offer(t, class)
			allocate(t, driver)
			wantPass(t, conformance.DRA(within(t), validator(t, slowly(t))))
		})
	}
}

func TestDRAFails(t *testing.T) {
	world.node.Script("registry.test/unscheduled", podlet.Script{Unschedulable: &podlet.Unschedulable{Message: "cannot allocate all claims"}})
	t.Run("without a class", func(t *testing.T) {
		offer(t, "")
		wantFailure(t, conformance.DRA(within(t), validator(t, image)), "a DeviceClass for the devices of driver "+driver)
	})
	t.Run("with a free device that is not handed out", func(t *testing.T) {
		offer(t, driver)
		f := conformance.DRA(bounded(t, 3*time.Second), validator(t, "registry.test/unscheduled"))
		wantFailure(t, f, "to be scheduled; found it Pending; not scheduled: Unschedulable")
	})
	t.Run("with a pod that does not start", func(t *testing.T) {
		offer(t, driver)
		allocate(t, driver)
		world.node.Script("registry.test/unprepared", podlet.Script{Main: podlet.Container{
			Waiting: &podlet.Waiting{Reason: "CreateContainerError", Message: "device not prepared"},
		}})
		f := conformance.DRA(bounded(t, 3*time.Second), validator(t, "registry.test/unprepared"))
		wantFailure(t, f, "to run to its end; found it Pending; container waits: CreateContainerError: device not prepared")
	})
	t.Run("with a device of another driver", func(t *testing.T) {
		offer(t, driver)
		allocate(t, "other.test.example")
		wantFailure(t, conformance.DRA(within(t), validator(t, slowly(t))), "to have a device of driver "+driver)
	})
}

func TestDRACannotTellWhileAllDevicesAreInUse(t *testing.T) {
	offer(t, driver)
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
	claim.Status.Allocation = allocation(driver)
	if _, err := claims.UpdateStatus(t.Context(), claim, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	f := conformance.DRA(bounded(t, 3*time.Second), validator(t, "registry.test/unscheduled"))
	wantSkip(t, f, finding.CouldNotRun, "all 1 devices of driver "+driver+" are in use")
}

func TestDRAIsNotApplicableWithoutDevices(t *testing.T) {
	wantSkip(t, conformance.DRA(within(t), validator(t, image)), finding.NotApplicable, "no driver offers devices")
}
