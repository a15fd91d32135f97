package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// probeLifetime ends the pods that nobody came to remove.
const probeLifetime = 10 * 60

// Probe is a pod that a check wants to start.
type Probe struct {
	// What goes into the pod's name.
	What string
	// Run is the probe to run, of package probe.
	Run string
	// Paths are the files that probe.Read reads.
	Paths   []string
	Labels  map[string]string
	Volumes []corev1.Volume
	Mounts  []corev1.VolumeMount
}

// Pod is the pod of a probe: the validator's own image where the validator itself may run, without a token, without rights and
// within Pod Security "restricted".
func (p Probe) Pod(self *corev1.Pod) (*corev1.Pod, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, finding.Unmet{Err: fmt.Errorf("finding the own binary: %w", err)}
	}
	own := ownContainer(self, filepath.Base(binary))
	if own == nil {
		return nil, finding.Unmet{Err: fmt.Errorf("the pod %s has no container", self.Name)}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: Name(p.What), Labels: p.Labels},
		Spec: corev1.PodSpec{
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64(probeLifetime)),
			TerminationGracePeriodSeconds: new(int64(5)),
			ServiceAccountName:            self.Spec.ServiceAccountName,
			AutomountServiceAccountToken:  new(false),
			ImagePullSecrets:              self.Spec.ImagePullSecrets,
			NodeSelector:                  self.Spec.NodeSelector,
			Affinity:                      self.Spec.Affinity,
			Tolerations:                   self.Spec.Tolerations,
			PriorityClassName:             self.Spec.PriorityClassName,
			RuntimeClassName:              self.Spec.RuntimeClassName,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot:   new(true),
				RunAsUser:      userOf(self, own),
				FSGroup:        fsGroupOf(self),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name:            "probe",
				Image:           own.Image,
				ImagePullPolicy: own.ImagePullPolicy,
				Command:         []string{binary},
				Env: []corev1.EnvVar{
					{Name: probe.Variable, Value: p.Run},
					{Name: probe.PathsVariable, Value: strings.Join(p.Paths, string(filepath.ListSeparator))},
				},
				VolumeMounts: p.Mounts,
				// Limits are there for namespaces whose quota asks for them.
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{
						corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi"),
					},
					Limits: corev1.ResourceList{
						corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
					},
				},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					ReadOnlyRootFilesystem:   new(true),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
			Volumes: p.Volumes,
		},
	}, nil
}

// nonroot is the user of the reference image.
const nonroot = 65532

// userOf is the user that the validator runs as, or nil where the image decides: who guards the namespace lets that user in, and maybe no
// other. A probe needs no root, even where the validator is.
func userOf(self *corev1.Pod, own *corev1.Container) *int64 {
	var user *int64
	if self.Spec.SecurityContext != nil {
		user = self.Spec.SecurityContext.RunAsUser
	}
	if own.SecurityContext != nil && own.SecurityContext.RunAsUser != nil {
		user = own.SecurityContext.RunAsUser
	}
	if user != nil && *user == 0 {
		return new(int64(nonroot))
	}
	return user
}

// fsGroupOf is the group that the validator's volumes are open to, or nil.
func fsGroupOf(self *corev1.Pod) *int64 {
	if self.Spec.SecurityContext == nil {
		return nil
	}
	return self.Spec.SecurityContext.FSGroup
}

// ownContainer is the container that runs the binary: sidecars may have been put beside it. If none names the binary, the image's
// entry point does, and the first container is the validator's.
func ownContainer(self *corev1.Pod, binary string) *corev1.Container {
	for i, container := range self.Spec.Containers {
		for _, word := range slices.Concat(container.Command, container.Args) {
			if filepath.Base(word) == binary {
				return &self.Spec.Containers[i]
			}
		}
	}
	if len(self.Spec.Containers) == 0 {
		return nil
	}
	return &self.Spec.Containers[0]
}
