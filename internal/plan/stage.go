package plan

import (
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// stage is a phase as the attempt goes through it.
type stage struct {
	v1alpha1.Phase
}

// stages are the phases that a spec comes to.
func stages(spec *v1alpha1.ValidationRunSpec) (out []stage) {
	for i := range spec.Phases {
		out = append(out, stage{Phase: spec.Phases[i]})
	}
	return out
}

// stage is the stage of a phase.
func (s *step) stage(phase string) *stage {
	i := slices.IndexFunc(s.stages, func(st stage) bool { return st.Name == phase })
	return &s.stages[i]
}

// needs are the phases that a phase waits for, by their places in status: those that it names, or the one before it.
func (s *step) needs(i int) (out []int) {
	names := s.stage(s.Status.Phases[i].Name).DependsOn
	if names == nil {
		if i > 0 {
			out = append(out, i-1)
		}
		return out
	}
	for j := range i {
		if slices.Contains(names, s.Status.Phases[j].Name) {
			out = append(out, j)
		}
	}
	return out
}
