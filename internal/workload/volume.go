package workload

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// The names of the operator's own volumes begin with validation-, which the API keeps for them.
const (
	tmpVolume   = "validation-tmp"
	tokenVolume = "validation-token"
	tokenPath   = "/var/run/secrets/kubernetes.io/serviceaccount"
	tmpPath     = "/tmp"
)

func inputVolume(input string) string { return "validation-" + input }
func inputPath(input string) string   { return "/data/" + input }

// volumes gives the inputs, a /tmp, the run's own volumes, and the token, which is mounted into the validator alone: the container that
// lists the tests needs no access.
func (b *podBuilder) volumes() error {
	for _, input := range Mounted(&b.run.Spec, b.phase.Name) {
		b.mount(inputVolume(input), inputPath(input), true, corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: InputName(b.run, b.item.Attempt, input)},
		}})
	}
	if !b.mountsAt(tmpPath) {
		b.mount(tmpVolume, tmpPath, false, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
	}
	own, err := convert[[]corev1.Volume](b.validator.Volumes)
	if err != nil {
		return err
	}
	b.spec.Volumes = append(b.spec.Volumes, own...)
	b.spec.Volumes = append(b.spec.Volumes, corev1.Volume{Name: tokenVolume, VolumeSource: tokenSource()})
	mounts, err := convert[[]corev1.VolumeMount](b.validator.VolumeMounts)
	b.mounts = append(b.mounts, mounts...)
	return err
}

func (b *podBuilder) mount(name, at string, readOnly bool, source corev1.VolumeSource) {
	b.spec.Volumes = append(b.spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	b.mounts = append(b.mounts, corev1.VolumeMount{Name: name, MountPath: at, ReadOnly: readOnly})
}

func (b *podBuilder) mountsAt(at string) bool {
	for _, m := range b.validator.VolumeMounts {
		if path.Clean(m.MountPath) == at {
			return true
		}
	}
	return false
}

// tokenSource is the volume that admission would add for the ServiceAccount (kube-apiserver, plugin/pkg/admission/serviceaccount), but
// for the token's lifetime: admission's 3607 s are a sign to the API server to make it valid for a year.
func tokenSource() corev1.VolumeSource {
	return corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3600)}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}}
}
