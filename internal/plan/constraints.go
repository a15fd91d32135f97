package plan

import (
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// evaluates says whether the unit is what the operator evaluates itself.
func (u *unit) evaluates() bool {
	return len(u.stage.constraints) > 0 && (u.check == constraintsItem || !u.stage.fans())
}

// evaluate holds the recipe's constraints against the snapshot.
func (u *unit) evaluate() {
	if !u.equipped() {
		return
	}
	if why := u.seen.InvalidSnapshot; why != "" {
		u.refuse(v1alpha1.ReasonInvalidRecipe, "the snapshot is not valid: "+why)
		return
	}
	var outcomes []report.ConstraintOutcome
	for _, c := range u.stage.constraints {
		out := recipe.Evaluate(c, u.seen.Snapshot)
		outcomes = append(outcomes, report.ConstraintOutcome{
			Name: c.Name, Expected: c.Value, Actual: out.Actual, Severity: string(c.Severity), Remediation: c.Remediation,
			State: v1alpha1.PhaseState(out.State), Message: out.Message,
		})
	}
	u.keep(report.NewConstraintPhase(u.info(judged{}), outcomes))
}

// wanted are the constraints that the unit's validator has to evaluate. Where each check has a Job of its own, it is those that are named
// after the check, and all others are the constraints check's.
func (u *unit) wanted() (out []verdict.WantedConstraint) {
	if u.check == "" {
		return u.stage.wanted
	}
	for _, w := range u.stage.wanted {
		its := namedAfter([]verdict.WantedConstraint{w}, []string{u.check})
		others := namedAfter([]verdict.WantedConstraint{w}, slices.DeleteFunc(slices.Clone(u.stage.GoTest.Checks), isConstraints))
		if u.check == constraintsCheck && !others || u.check != constraintsCheck && its {
			out = append(out, w)
		}
	}
	return out
}

func isConstraints(check string) bool { return check == constraintsCheck }
