package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// VolumeSizeVariable names how much the claim asks for, where the default storage class makes no volume of 1Gi.
const VolumeSizeVariable = "AICR_VOLUME_SIZE"

const (
	// Kubernetes still heeds the older annotation.
	defaultClassAnnotation      = "storageclass.kubernetes.io/is-default-class"
	olderDefaultClassAnnotation = "storageclass.beta.kubernetes.io/is-default-class"
)

// PVCLifecycle proves that the default storage class makes volumes that keep what is written: a claim is bound, at once or when
// its first pod comes, a pod writes into the volume, a second pod reads it there, and the claim goes when it is deleted.
func PVCLifecycle(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	class := defaultClass(ctx, b, f)
	if class == nil {
		return f
	}
	size, err := volumeSize()
	if err != nil {
		f.CouldNotRun("%v", err)
		return f
	}
	claims := b.CoreV1().PersistentVolumeClaims(b.Namespace)
	claim, err := cluster.Make(ctx, b, claims, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("volume")},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	})
	if err != nil {
		f.Refused("create PersistentVolumeClaims in "+b.Namespace, err)
		return f
	}
	v := &volume{claim: claim, class: class, text: rand.String(32)}
	if ptr.Deref(class.VolumeBindingMode, storagev1.VolumeBindingImmediate) == storagev1.VolumeBindingImmediate && !v.bound(ctx, b, f) {
		return f
	}
	if !v.written(ctx, b, f) || !v.bound(ctx, b, f) || !v.read(ctx, b, f) {
		return f
	}
	// Since it was seen last, pods may have come and gone for minutes.
	if claim, err = claims.Get(ctx, claim.Name, metav1.GetOptions{}); err != nil {
		f.Refused("get PersistentVolumeClaims in "+b.Namespace, err)
		return f
	}
	if err := claims.Delete(ctx, claim.Name, metav1.DeleteOptions{}); err != nil {
		f.Refused("delete PersistentVolumeClaims in "+b.Namespace, err)
		return f
	}
	switch err := gone(ctx, claims, claim); {
	case apierrors.IsForbidden(err):
		f.Refused("watch PersistentVolumeClaims in "+b.Namespace, err)
	case err != nil:
		f.Fail("the claim "+claim.Name+" to go once it is deleted and no pod uses it", "it still there: "+err.Error(),
			"see kubectl -n "+b.Namespace+" describe pvc for the finalizer that keeps it, and the log of what is to take it away")
	}
	return f
}

// defaultClass is the storage class of claims that name none; of several, the one that was made last.
func defaultClass(ctx context.Context, b *cluster.Bench, f *finding.Finding) *storagev1.StorageClass {
	classes, err := b.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		f.Refused("list StorageClasses", err)
		return nil
	}
	var found *storagev1.StorageClass
	for i, class := range classes.Items {
		if (class.Annotations[defaultClassAnnotation] == "true" || class.Annotations[olderDefaultClassAnnotation] == "true") &&
			(found == nil || found.CreationTimestamp.Before(&class.CreationTimestamp)) {
			found = &classes.Items[i]
		}
	}
	if found == nil {
		f.NotApplicable("none of the cluster's %d storage classes is the default", len(classes.Items))
		return nil
	}
	f.Measure("storage-class", found.Name)
	f.Measure("storage-class.provisioner", found.Provisioner)
	return found
}

// volumeSize is how much the claim asks for.
func volumeSize() (resource.Quantity, error) {
	text := cmp.Or(os.Getenv(VolumeSizeVariable), "1Gi")
	size, err := resource.ParseQuantity(text)
	if err == nil && size.Sign() <= 0 {
		err = errors.New("it must be more than nothing")
	}
	if err != nil {
		return size, fmt.Errorf("the environment variable %s has %q: %w. To mend: give it the size of a volume, such as 10Gi",
			VolumeSizeVariable, text, err)
	}
	return size, nil
}

// volume is a claim's volume, with what it is to keep.
type volume struct {
	claim *corev1.PersistentVolumeClaim
	class *storagev1.StorageClass
	text  string
}

// bound waits until the claim has a volume, and keeps it as it is then.
func (v *volume) bound(ctx context.Context, b *cluster.Bench, f *finding.Finding) bool {
	found, err := cluster.Await(ctx, b.CoreV1().PersistentVolumeClaims(b.Namespace), v.claim,
		func(claim *corev1.PersistentVolumeClaim) (bool, error) {
			return claim.Status.Phase == corev1.ClaimBound, nil
		})
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("watch PersistentVolumeClaims in "+b.Namespace, err)
	case err != nil:
		f.Fail("a claim of storage class "+v.class.Name+" to be bound", fmt.Sprintf("it %s: %v", found.Status.Phase, err),
			provisionerMend(v.class)+"; where it makes no volume as small as this one, set the run's environment variable "+VolumeSizeVariable)
	default:
		v.claim = found
		return true
	}
	return false
}

func provisionerMend(class *storagev1.StorageClass) string {
	return fmt.Sprintf("see that the provisioner %s of storage class %s runs, and what its log says", class.Provisioner, class.Name)
}

func (v *volume) probe(what, run string) cluster.Probe {
	return cluster.Probe{
		What: what, Run: run, Paths: []string{proofPath},
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: v.claim.Name},
		}}},
		Mounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
	}
}

// written has a pod write the text, and removes the pod: another node may be the next to have the volume.
func (v *volume) written(ctx context.Context, b *cluster.Bench, f *finding.Finding) bool {
	return v.used(ctx, b, f, v.probe("writer", probe.Write)) != nil
}

// read has another pod read the text.
func (v *volume) read(ctx context.Context, b *cluster.Bench, f *finding.Finding) bool {
	pod := v.used(ctx, b, f, v.probe("reader", probe.Read))
	if pod == nil {
		return false
	}
	var contents map[string]string
	if err := json.Unmarshal([]byte(message(pod)), &contents); err != nil || contents[proofPath] != v.text {
		f.Fail("a second pod to read in the volume what the first has written, "+v.text, fmt.Sprintf("%q", message(pod)),
			"see that storage class "+v.class.Name+" makes volumes that outlast a pod, and whether this one was written to its disk")
		return false
	}
	return true
}

// used runs a pod with the volume to its end, and waits until it is gone.
func (v *volume) used(ctx context.Context, b *cluster.Bench, f *finding.Finding, p cluster.Probe) *corev1.Pod {
	pod, err := start(ctx, b, p, func(pod *corev1.Pod) {
		container := &pod.Spec.Containers[0]
		container.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
		container.Env = append(container.Env, corev1.EnvVar{Name: probe.TextVariable, Value: v.text})
	})
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return nil
	}
	ended, ok := finish(ctx, b, f, pod, provisionerMend(v.class)+"; see the events of the pod")
	if !ok {
		return nil
	}
	pods := b.CoreV1().Pods(b.Namespace)
	if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		f.Refused("delete pods in "+b.Namespace, err)
		return nil
	}
	if err := gone(ctx, pods, ended); err != nil {
		f.Fail("pod "+pod.Name+" to go once it is deleted", "it still there: "+err.Error(), "see the kubelet's log on its node for "+
			"a volume that it cannot unmount, and "+health.DescribePod(ended))
		return nil
	}
	return ended
}
