package scripted

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/conformance"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// storage has a default class, and as many volumes as are asked for, which the volumes' controller has taken note of.
func storage(t *testing.T, mode storagev1.VolumeBindingMode, count int) {
	t.Helper()
	alone(t, &volumes)
	classes, all := world.admin.StorageV1().StorageClasses(), world.admin.CoreV1().PersistentVolumes()
	if _, err := classes.Create(t.Context(), &storagev1.StorageClass{
		ObjectMeta:        metav1.ObjectMeta{Name: "fast", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner:       "test.example/disks",
		VolumeBindingMode: &mode,
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for range count {
		volume, err := all.Create(t.Context(), &corev1.PersistentVolume{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "disk-"},
			Spec: corev1.PersistentVolumeSpec{
				StorageClassName:              "fast",
				AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
				PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
				PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/disk"}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.Await(within(t), all, volume, func(volume *corev1.PersistentVolume) (bool, error) {
			return volume.Status.Phase == corev1.VolumeAvailable, nil
		}); err != nil {
			t.Fatalf("waiting for a volume to be available: %v", err)
		}
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{
			classes.Delete(ctx, "fast", metav1.DeleteOptions{}),
			all.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

// onClaims does something about each claim that comes to the run's namespace while the test runs.
func onClaims(t *testing.T, do func(context.Context, *corev1.PersistentVolumeClaim) error) {
	t.Helper()
	claims := world.admin.CoreV1().PersistentVolumeClaims(runNamespace)
	onAdded(t, claims, metav1.ListOptions{}, func(claim *corev1.PersistentVolumeClaim) {
		if err := do(t.Context(), claim); err != nil && t.Context().Err() == nil {
			t.Errorf("changing a claim or its volume: %v", err)
		}
	})
}

// bindVolumes gives a volume to each claim, as a scheduler does that has found a node for its first pod.
func bindVolumes(t *testing.T) {
	t.Helper()
	onClaims(t, func(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
		volumes := world.admin.CoreV1().PersistentVolumes()
		// The controller may be at a new volume as well.
		return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			list, err := volumes.List(ctx, metav1.ListOptions{})
			if err != nil {
				return err
			}
			for _, volume := range list.Items {
				if volume.Spec.ClaimRef == nil && volume.DeletionTimestamp == nil {
					volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
					_, err := volumes.Update(ctx, &volume, metav1.UpdateOptions{})
					return err
				}
			}
			return nil
		})
	})
}

func TestPVCLifecyclePasses(t *testing.T) {
	t.Run("a volume at once", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 1)
		wantPass(t, conformance.PVCLifecycle(within(t), validator(t, image)))
	})
	t.Run("a volume with the first pod", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingWaitForFirstConsumer, 1)
		bindVolumes(t)
		wantPass(t, conformance.PVCLifecycle(within(t), validator(t, image)))
	})
}

// A claim that waited long was made at a version from which nobody can watch any more.
func TestPVCLifecyclePassesFromOldVersions(t *testing.T) {
	storage(t, storagev1.VolumeBindingWaitForFirstConsumer, 1)
	bindVolumes(t)
	config := world.plane.ServiceAccountConfig(runNamespace, account)
	config.Wrap(answer{
		status: http.StatusGone, reason: metav1.StatusReasonExpired, message: "too old resource version: 7 (99)",
	}.to(http.MethodGet, "/persistentvolumeclaims?").wrap)
	wantPass(t, conformance.PVCLifecycle(within(t), at(t, config, selfOf(t, world.plane.Config, image))))
}

// Some classes make no volume as small as others do.
func TestPVCLifecycleAsksForAsMuchAsItIsTold(t *testing.T) {
	storage(t, storagev1.VolumeBindingImmediate, 0)
	tests := map[string]string{"": "1Gi", "10Gi": "10Gi", "much": "", "-1Gi": ""}
	for given, want := range tests {
		t.Run(given, func(t *testing.T) {
			t.Setenv(conformance.VolumeSizeVariable, given)
			// The claim ends the check, which waits in vain for a volume.
			ctx, cancel := context.WithCancel(within(t))
			defer cancel()
			asked := make(chan string, 1)
			onClaims(t, func(_ context.Context, claim *corev1.PersistentVolumeClaim) error {
				select {
				case asked <- claim.Spec.Resources.Requests.Storage().String():
					cancel()
				case <-ctx.Done():
				}
				return nil
			})
			f := conformance.PVCLifecycle(ctx, validator(t, image))
			if want == "" {
				wantSkip(t, f, finding.CouldNotRun, "AICR_VOLUME_SIZE")
				return
			}
			select {
			case got := <-asked:
				if got != want {
					t.Errorf("claimed %s, want %s", got, want)
				}
			default:
				t.Errorf("found %s, and no claim came", describe(f))
			}
		})
	}
}

func TestPVCLifecycleFails(t *testing.T) {
	t.Parallel()
	t.Run("without a volume", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 0)
		f := tried(t, brief, conformance.PVCLifecycle, validator(t, image))
		wantFailure(t, f, "a claim of storage class fast to be bound; found it Pending")
	})
	t.Run("with a disk that forgets", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 1)
		world.node.Script("registry.test/forgets", podlet.Runs(podlet.TerminationMessage(`{"/data/proof":""}`)))
		f := conformance.PVCLifecycle(within(t), validator(t, "registry.test/forgets"))
		wantFailure(t, f, "a second pod to read in the volume what the first has written")
	})
	t.Run("with a disk that cannot be written to", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 1)
		world.node.Script("registry.test/full", podlet.Runs(podlet.Exit(1)))
		wantFailure(t, conformance.PVCLifecycle(within(t), validator(t, "registry.test/full")), "to succeed; found it Failed")
	})
	t.Run("not with a disk that the run's user may not write to", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 2)
		const image = "registry.test/closed"
		world.node.Script(image, podlet.Runs(podlet.TerminationMessage("open /data/proof: permission denied"), podlet.Exit(1)))
		f := conformance.PVCLifecycle(within(t), validator(t, image))
		wantSkip(t, f, finding.CouldNotRun, "give the run a podSecurityContext with an fsGroup")
		self := selfOf(t, world.plane.Config, image).DeepCopy()
		self.Spec.SecurityContext.FSGroup = new(int64(65532))
		f = conformance.PVCLifecycle(within(t), at(t, world.plane.ServiceAccountConfig(runNamespace, account), self))
		wantFailure(t, f, "to succeed; found it Failed")
	})
	t.Run("with a scheduler that finds no volume", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingWaitForFirstConsumer, 0)
		f := tried(t, brief, conformance.PVCLifecycle, validator(t, unscheduled(t, "1 node(s) didn't find available persistent volumes to bind")))
		wantFailure(t, f, "to end; found it Pending; not scheduled: Unschedulable: 0/1 nodes are available: 1 node(s) didn't find")
	})
	t.Run("with a claim that stays", func(t *testing.T) {
		storage(t, storagev1.VolumeBindingImmediate, 1)
		onClaims(t, func(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
			_, err := world.admin.CoreV1().PersistentVolumeClaims(claim.Namespace).Patch(ctx, claim.Name, types.MergePatchType,
				[]byte(`{"metadata":{"finalizers":["test.example/keep"]}}`), metav1.PatchOptions{})
			return err
		})
		f := tried(t, ample, conformance.PVCLifecycle, validator(t, image))
		wantFailure(t, f, "to go once it is deleted and no pod uses it; found it still there")
		claims := world.admin.CoreV1().PersistentVolumeClaims(runNamespace)
		list, err := claims.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, claim := range list.Items {
			if _, err := claims.Patch(t.Context(), claim.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`),
				metav1.PatchOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestPVCLifecycleIsNotApplicableWithoutADefault(t *testing.T) {
	wantSkip(t, conformance.PVCLifecycle(within(t), validator(t, image)), finding.NotApplicable, "storage classes is the default")
}
