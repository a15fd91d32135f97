package workload

import "github.com/validation-operator/validation-operator/api/v1alpha1"

// Merge is the validator of a phase: the run's, with each field that the phase gives in its place. A field that is given empty clears the
// run's.
func Merge(run v1alpha1.Validator, phase *v1alpha1.PhaseValidator) v1alpha1.Validator {
	if phase == nil {
		return run
	}
	replace(&run.Image, phase.Image)
	replace(&run.ImagePullPolicy, phase.ImagePullPolicy)
	replace(&run.Resources, phase.Resources)
	replace(&run.PriorityClassName, phase.PriorityClassName)
	replace(&run.RuntimeClassName, phase.RuntimeClassName)
	if phase.PodSecurityContext != nil {
		run.PodSecurityContext = phase.PodSecurityContext
	}
	if phase.SecurityContext != nil {
		run.SecurityContext = phase.SecurityContext
	}
	if phase.NodeSelector != nil {
		run.NodeSelector = phase.NodeSelector
	}
	replaceList(&run.ImagePullSecrets, phase.ImagePullSecrets)
	replaceList(&run.Env, phase.Env)
	replaceList(&run.Tolerations, phase.Tolerations)
	replaceList(&run.Volumes, phase.Volumes)
	replaceList(&run.VolumeMounts, phase.VolumeMounts)
	return run
}

func replace[T any](field, by *T) {
	if by != nil {
		*field = *by
	}
}

func replaceList[T any](field *[]T, by []T) {
	if by != nil {
		*field = by
	}
}
