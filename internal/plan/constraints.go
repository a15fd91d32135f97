package plan

import (
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

// wanted are the constraints that the unit's validator has to evaluate. Of a phase with a Job for each check it is the one that is there for
// them.
func (u *unit) wanted() []verdict.WantedConstraint {
	if u.stage.Isolation == v1alpha1.IsolationCheck && u.check != constraintsCheck {
		return nil
	}
	return u.stage.wanted
}
