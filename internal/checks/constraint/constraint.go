// Package constraint judges what a recipe demands of a measured value, and says which demands nobody judges. What came of one, package
// finding says. The language of the demands is internal/recipe's. It must import neither a client nor a check.
package constraint

import "github.com/validation-operator/validation-operator/internal/recipe"

// Severity says what a constraint that does not hold means for the check that evaluates it.
type Severity = recipe.Severity

const (
	// Error fails the check. It is what a recipe means that names no severity.
	Error = recipe.SeverityError
	// Warning is shown and fails nothing.
	Warning = recipe.SeverityWarning
)

// Constraint is one demand of a recipe.
type Constraint = recipe.Constraint

// Find returns the constraint of that name.
func Find(constraints []Constraint, name string) (Constraint, bool) {
	for _, c := range constraints {
		if c.Name == name {
			return c, true
		}
	}
	return Constraint{}, false
}

// Unknown returns the constraints that none of the known names covers: whoever wrote them expects them to be judged.
func Unknown(constraints []Constraint, known ...string) []Constraint {
	var unknown []Constraint
next:
	for _, c := range constraints {
		for _, name := range known {
			if c.Name == name {
				continue next
			}
		}
		unknown = append(unknown, c)
	}
	return unknown
}
