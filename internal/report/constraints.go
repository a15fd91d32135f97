package report

import (
	"fmt"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// ConstraintOutcome is what came of a constraint that the operator evaluated itself.
type ConstraintOutcome struct {
	Name, Expected, Actual string
	// Severity is error or warning; empty is an error.
	Severity, Remediation string
	// Message says why it is in error, or more of what was found.
	Message string
	// State is Passed, Failed or Error; any other is an error.
	State v1alpha1.PhaseState
}

// warns tells whether the constraint does not hold and fails nothing.
func (c ConstraintOutcome) warns() bool {
	return c.State == v1alpha1.PhaseFailed && c.Severity == gotest.SeverityWarning
}

// ConstraintCases are the tests that stand for constraints, one each.
func ConstraintCases(results []ConstraintOutcome) []Test {
	var out []Test
	for _, c := range results {
		t := Test{Name: clipLine("constraint "+c.Name, NameBytes), Status: verdict.Error}
		constraint := newConstraint(gotest.Constraint{
			Name: c.Name, Expected: c.Expected, Actual: c.Actual, Passed: c.State == v1alpha1.PhasePassed, Severity: c.Severity,
			Remediation: c.Remediation,
		})
		text := Clip(c.Message, MessageBytes)
		switch {
		case c.State == v1alpha1.PhasePassed:
			t.Status = verdict.Passed
		case c.warns():
			t.Status, text = verdict.Passed, strings.TrimSuffix("warning: "+constraint.found()+"\n"+text, "\n")
		case c.State == v1alpha1.PhaseFailed:
			t.Status = verdict.Failed
		default:
			t.Reason, t.Remediation = v1alpha1.ReasonConstraintNotEvaluated, constraint.Remediation
		}
		// What could not be evaluated has no outcome to show: the message says why.
		if t.Status != verdict.Error {
			t.Constraints = []Constraint{constraint}
		}
		if text != "" {
			t.Output = &Output{Text: inert(text)}
		}
		out = append(out, t)
	}
	return out
}

// NewConstraintPhase is the result of a phase of constraints that the operator evaluated itself.
func NewConstraintPhase(info PhaseInfo, results []ConstraintOutcome) Phase {
	p := NewPhase(info, verdict.Outcome{}, gotest.Result{})
	p.Tests = ConstraintCases(results)
	var failed, unknown []ConstraintOutcome
	warnings := 0
	for i, c := range results {
		p.Summary.Total++
		switch p.Tests[i].Status {
		case verdict.Failed:
			p.Summary.Failed++
			failed = append(failed, c)
		case verdict.Passed:
			p.Summary.Passed++
			if c.warns() {
				warnings++
			}
		default:
			p.Summary.Errored++
			unknown = append(unknown, c)
		}
	}
	switch {
	case len(failed) > 0:
		p.State, p.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
		p.Message = counted(len(failed), "does not hold", "do not hold")
	case len(unknown) > 0:
		p.State, p.Reason = v1alpha1.PhaseError, v1alpha1.ReasonConstraintNotEvaluated
		p.Message = counted(len(unknown), "could not be evaluated", "could not be evaluated")
	case len(results) == 0:
		p.State, p.Reason, p.Message = v1alpha1.PhaseSkipped, v1alpha1.ReasonNothingApplicable, "there are no constraints"
	case len(results) == warnings:
		// What only warns does not fail, and is no proof either.
		p.State, p.Reason, p.Message = v1alpha1.PhaseSkipped, v1alpha1.ReasonNothingApplicable, "no constraint holds"
	default:
		p.State = v1alpha1.PhasePassed
		p.Message = counted(len(results)-warnings, "holds", "hold")
	}
	if len(failed) > 0 && len(unknown) > 0 {
		p.Message += fmt.Sprintf(", %d could not be evaluated", len(unknown))
	}
	if warnings == 1 {
		p.Message += ", 1 warning"
	} else if warnings > 1 {
		p.Message += fmt.Sprintf(", %d warnings", warnings)
	}
	if said := details(append(failed, unknown...)); said != "" {
		p.Message += ": " + said
	}
	p.Message = Clip(p.Message, MessageBytes)
	return p
}

// details say of the first few constraints what was expected and found, and how to mend it, and name the others.
func details(of []ConstraintOutcome) string {
	const enough = 3
	var parts, others []string
	for i, c := range of {
		if i >= enough {
			others = append(others, c.Name)
			continue
		}
		text := headline(c.Message)
		if !strings.Contains(text, c.Name) {
			text = strings.TrimSuffix(c.Name+": "+text, ": ")
		}
		if mend := headline(c.Remediation); mend != "" {
			text += "; to mend: " + strings.TrimSuffix(mend, ".")
		}
		parts = append(parts, text)
	}
	if len(others) > 0 {
		parts = append(parts, "and "+names(others))
	}
	return strings.Join(parts, "; ")
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 constraint " + one
	}
	return fmt.Sprintf("%d constraints %s", n, many)
}

// names spells out the first few.
func names(all []string) string {
	const enough = 5
	if len(all) <= enough {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:enough], ", "), len(all)-enough)
}
