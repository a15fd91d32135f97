package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// WantedConstraint is a constraint that the recipe states for the phase.
type WantedConstraint struct {
	// Name is the constraint's, as checks report it.
	Name string
	// Severity is gotest.SeverityError or gotest.SeverityWarning; empty is an error.
	Severity string
	// Expected is what it asks for, and Remediation how to mend what does not hold: for reports that do not say.
	Expected, Remediation string
}

// weighed are the constraints with their severity, and with what the recipe says of them where the report does not. That one does not hold
// is as grave as either of the two says, and an error where neither says anything.
func (c *trial) weighed(constraints []gotest.Constraint) []gotest.Constraint {
	out := slices.Clone(constraints)
	for i := range out {
		of := &out[i]
		mild := of.Severity == gotest.SeverityWarning
		if k := slices.IndexFunc(c.goTest.Constraints, func(w WantedConstraint) bool { return w.Name == of.Name }); k >= 0 {
			want := c.goTest.Constraints[k]
			mild = want.Severity == gotest.SeverityWarning && of.Severity != gotest.SeverityError
			of.Expected, of.Remediation = orElse(of.Expected, want.Expected), orElse(of.Remediation, want.Remediation)
		}
		if of.Severity = gotest.SeverityError; mild {
			of.Severity = gotest.SeverityWarning
		}
	}
	return out
}

// fails tells whether a constraint of known severity fails its test.
func fails(of gotest.Constraint) bool { return !of.Passed && of.Severity != gotest.SeverityWarning }

// warns tells whether a constraint of known severity does not hold, which fails nothing.
func warns(of gotest.Constraint) bool { return !of.Passed && of.Severity == gotest.SeverityWarning }

// describe says of each test's constraints of that kind what was expected and found.
func (c *trial) describe(kind func(gotest.Constraint) bool) []string {
	var out []string
	for _, t := range c.tests {
		for _, of := range t.Constraints {
			if kind(of) {
				out = append(out, describe(of))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// describe says what was expected and found, and what to do about it.
func describe(of gotest.Constraint) string {
	text := fmt.Sprintf("constraint %s: expected %s, found %s", of.Name, orElse(of.Expected, "nothing"), orElse(of.Actual, "nothing"))
	if of.Remediation != "" {
		text += "; to mend: " + firstLine(of.Remediation)
	}
	return text
}

// unevaluated are the wanted constraints of which no test that counts said what came out.
func (c *trial) unevaluated() []string {
	if len(c.goTest.Constraints) == 0 {
		return nil
	}
	listed, reported := c.listed(), map[string]bool{}
	for _, t := range c.tests {
		if top, _, _ := strings.Cut(t.Name, "/"); c.goTest.Manifest != nil && !listed[top] {
			continue
		}
		for _, of := range t.Constraints {
			reported[of.Name] = true
		}
	}
	var out []string
	for _, want := range c.goTest.Constraints {
		if !reported[want.Name] && !slices.Contains(out, want.Name) {
			out = append(out, want.Name)
		}
	}
	return out
}

// notEvaluated: what nobody evaluated is not known to hold, nor is what was reported and cannot be told.
func (c *trial) notEvaluated() (string, string) {
	if names := c.unevaluated(); len(names) > 0 {
		return v1alpha1.ReasonConstraintNotEvaluated, fmt.Sprintf("no test said whether %s: %s", holds(len(names)), list(names))
	}
	lost, garbled := c.stream.Anomalies[gotest.DroppedConstraint], c.stream.Anomalies[gotest.MalformedConstraint]
	switch {
	case lost > 0:
		return v1alpha1.ReasonConstraintNotEvaluated, reportsOf(lost) + " could not be kept, being too many or of no known test"
	case garbled > 0:
		return v1alpha1.ReasonConstraintNotEvaluated,
			reportsOf(garbled) + " could not be read: the constraint's name has to be there, and whether it passed"
	}
	return "", ""
}

func reportsOf(n int64) string {
	if n == 1 {
		return "1 report of a constraint"
	}
	return fmt.Sprintf("%d reports of constraints", n)
}

func holds(n int) string {
	if n == 1 {
		return "1 constraint holds"
	}
	return fmt.Sprintf("%d constraints hold", n)
}

// unproven tells whether anything keeps the constraints from being known to hold.
func (c *trial) unproven() bool {
	reason, _ := c.notEvaluated()
	return reason != ""
}

// maxWarnings is how many warnings are spelt out.
const maxWarnings = 20

// warned counts the constraints that do not hold and fail nothing.
func (c *trial) warned() string {
	switch n := len(c.describe(warns)); n {
	case 0:
		return ""
	case 1:
		return ", 1 warning"
	default:
		return fmt.Sprintf(", %d warnings", n)
	}
}

// withFailures adds to the constraints those of others that fail.
func withFailures(to, others []gotest.Constraint) []gotest.Constraint {
	for _, of := range others {
		if !fails(of) {
			continue
		}
		if i := slices.IndexFunc(to, func(old gotest.Constraint) bool { return old.Name == of.Name }); i < 0 {
			to = append(to, of)
		} else if !fails(to[i]) {
			to[i] = of
		}
	}
	return to
}
