package health

import (
	"cmp"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

// defaultContainer is the annotation by which a workload says which of its containers is meant, sidecars being meant by none.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// Version is what a workload of a component tells of its version: by its label, or else by the tag of its image; empty if nothing does.
// Somebody may have changed the image and left the label as it was: where the tag is a version that contradicts the label's, which is
// denied then, it is the tag that tells what runs. A label that is denied, and no version, is a workload of several images of which none
// has the label's version, and none is known to be the component's own.
func Version(component, label string, template *corev1.PodTemplateSpec) (version, denied string) {
	own, first := ownTag(component, template), ""
	agrees := len(template.Spec.Containers) == 0
	for _, container := range template.Spec.Containers {
		tag := tagOf(container.Image)
		first = cmp.Or(first, tag)
		agrees = agrees || !contradict(label, tag)
	}
	switch {
	case label == "":
		return cmp.Or(own, first), ""
	case agrees:
		return label, ""
	default:
		return own, label
	}
}

// ownTag is the tag of the image that is a component's own, rather than a sidecar's; empty if it is not known which one that is.
func ownTag(component string, template *corev1.PodTemplateSpec) string {
	containers := template.Spec.Containers
	if len(containers) == 1 {
		return tagOf(containers[0].Image)
	}
	for _, is := range []func(corev1.Container) bool{
		func(c corev1.Container) bool { return c.Name == template.Annotations[defaultContainer] },
		func(c corev1.Container) bool {
			return c.Name == component || path.Base(repositoryOf(c.Image)) == component
		},
	} {
		if i := slices.IndexFunc(containers, is); i >= 0 {
			return tagOf(containers[i].Image)
		}
	}
	return ""
}

// contradict reports whether two texts are versions of which neither is the other told in less detail.
func contradict(a, b string) bool {
	one, err := constraint.HoldsForVersion("== "+a, b)
	if err != nil {
		return false
	}
	other, err := constraint.HoldsForVersion("== "+b, a)
	return err == nil && !one && !other
}

func tagOf(image string) string {
	_, tag := splitImage(image)
	return tag
}

func repositoryOf(image string) string {
	repository, _ := splitImage(image)
	return repository
}

func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return image[:i], image[i+1:]
	}
	return image, ""
}
