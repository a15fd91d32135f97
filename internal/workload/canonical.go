package workload

import (
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// canonical writes equal amounts in one way, so that 1000m for 1 is no change.
func canonical(spec *v1alpha1.ValidationRunSpec) {
	canonicalResources(&spec.Validator.Resources)
	canonicalVolumes(spec.Validator.Volumes)
	for i := range spec.Phases {
		if v := spec.Phases[i].Validator; v != nil {
			canonicalResources(v.Resources)
			canonicalVolumes(v.Volumes)
		}
	}
}

func canonicalResources(r *v1alpha1.ResourceRequirements) {
	if r == nil {
		return
	}
	for _, amounts := range []map[string]v1alpha1.Amount{r.Requests, r.Limits} {
		for name, amount := range amounts {
			amounts[name] = canonicalAmount(amount)
		}
	}
}

func canonicalVolumes(volumes []v1alpha1.Volume) {
	for i := range volumes {
		if e := volumes[i].EmptyDir; e != nil && e.SizeLimit != nil {
			*e.SizeLimit = canonicalAmount(*e.SizeLimit)
		}
	}
}

func canonicalAmount(a v1alpha1.Amount) v1alpha1.Amount {
	q, err := a.Quantity()
	if err != nil {
		return a
	}
	return v1alpha1.Amount(intstr.FromString(q.String()))
}
