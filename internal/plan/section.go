package plan

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// fromRecipe is a phase of the recipe's, as far as the spec does not say otherwise.
func fromRecipe(spec *v1alpha1.ValidationRunSpec, from *recipe.Recipe, name string) (stage, bool) {
	section, stated := from.Phase(name), true
	if section == nil {
		section, stated = &recipe.Phase{Name: name}, false
	}
	st := stage{Phase: v1alpha1.Phase{Name: name}}
	i := slices.IndexFunc(spec.Phases, func(p v1alpha1.Phase) bool { return p.Name == name })
	if i >= 0 {
		st.Phase, stated = *spec.Phases[i].DeepCopy(), false
	}
	constraints := section.Constraints
	if name == "readiness" {
		st.constraints = slices.Concat(from.Constraints, constraints)
		constraints = nil
	}
	for _, c := range constraints {
		st.wanted = append(st.wanted, verdict.WantedConstraint{
			Name: c.Name, Severity: string(c.Severity), Expected: c.Value, Remediation: c.Remediation,
		})
	}
	switch {
	case st.Container != nil && len(st.wanted) > 0:
		st.invalid = fmt.Sprintf("phase %s is a container, which cannot evaluate the %d constraints of validation.%s: use goTest, or take them out",
			name, len(st.wanted), name)
	case st.GoTest != nil && st.Isolation == v1alpha1.IsolationCheck && !namedAfter(st.wanted, st.GoTest.Checks):
		st.invalid = fmt.Sprintf("phase %s has a Job for each check, and none for the constraints of validation.%s: add %s to goTest.checks",
			name, name, constraintsCheck)
	case st.GoTest != nil || st.Container != nil:
	default:
		st.adopt(spec, section)
	}
	if len(st.constraints) > 0 && st.GoTest != nil && slices.Contains(st.GoTest.Checks, constraintsItem) {
		st.invalid = fmt.Sprintf("phase %s names a check %s, and that is what the constraints of the recipe are called: name the check otherwise",
			name, constraintsItem)
	}
	if st.GoTest != nil || st.Container != nil {
		return st, true
	}
	switch idle := st.idle(section); {
	case len(st.constraints) > 0 && idle != "":
		st.invalid = fmt.Sprintf("phase %s has %s, for checks, and nothing but constraints, which the operator holds against the snapshot: "+
			"name checks in validation.%s, or take %s out", name, idle, name, idle)
	case len(st.constraints) == 0 && stated:
		st.invalid = fmt.Sprintf("validation.%s (line %d of the recipe) names neither checks nor constraints: name some, or take the section out",
			name, section.Line)
		st.GoTest = &v1alpha1.GoTest{}
	}
	return st, st.invalid != "" || len(st.constraints) > 0
}

// idle names the fields that do nothing in a phase without checks.
func (st *stage) idle(section *recipe.Phase) string {
	var fields []string
	if st.Nodes != nil {
		fields = append(fields, "nodes")
	}
	if st.Isolation == v1alpha1.IsolationCheck {
		fields = append(fields, "isolation")
	}
	if section.Timeout > 0 {
		fields = append(fields, "a timeout")
	}
	return strings.Join(fields, " and ")
}

// adopt has a phase run what the recipe's section says.
func (st *stage) adopt(spec *v1alpha1.ValidationRunSpec, section *recipe.Phase) {
	if st.Timeout == nil && section.Timeout > 0 {
		st.Timeout = &metav1.Duration{Duration: section.Timeout}
	}
	if n := section.Nodes; st.Nodes == nil && n != nil {
		st.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{}, Exclude: n.Exclude}
		for key, value := range n.Selector {
			st.Nodes.Selector[key] = v1alpha1.LabelValue(value)
		}
		if n.MaxNodes > 0 {
			st.Nodes.MaxNodes = new(int32(min(n.MaxNodes, maxItems)))
		}
	}
	var checks []string
	for _, c := range section.Checks {
		checks = append(checks, c.Name)
	}
	if !namedAfter(st.wanted, checks) {
		checks = append(checks, constraintsCheck)
	}
	if in := section.Infrastructure; in != "" {
		st.equip(spec, in)
		if !slices.Contains(checks, in) {
			checks = slices.Insert(checks, 0, in)
		}
	}
	if len(checks) > 0 {
		st.GoTest = &v1alpha1.GoTest{Checks: checks}
	}
}

// namedAfter says whether each constraint is one of a check that is named, as api-latency.p99 is one of api-latency.
func namedAfter(wanted []verdict.WantedConstraint, checks []string) bool {
	return !slices.ContainsFunc(wanted, func(w verdict.WantedConstraint) bool {
		check := w.Name[:max(strings.LastIndexByte(w.Name, '.'), 0)]
		return !slices.Contains(checks, check) && !slices.Contains(checks, constraintsCheck)
	})
}

// equip tells the validator what infrastructure the recipe names. A check of that name provides it.
func (st *stage) equip(spec *v1alpha1.ValidationRunSpec, infrastructure string) {
	if st.Validator == nil {
		st.Validator = &v1alpha1.PhaseValidator{}
	}
	env := st.Validator.Env
	if env == nil {
		env = spec.Validator.Env
	}
	st.Validator.Env = append(slices.Clone(env), v1alpha1.EnvVar{Name: "AICR_INFRASTRUCTURE", Value: infrastructure})
}
