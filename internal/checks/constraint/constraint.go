// Package constraint judges what a recipe demands of a measured value: a version or a duration against an
// expression such as ">= 1.32.4" or "<= 1s". It is pure; it must import neither a client nor a check.
package constraint

import (
	"errors"
	"fmt"
	"strings"
)

// Severity says what a constraint that does not hold means for the check that evaluates it.
type Severity string

const (
	// Error fails the check. It is what a recipe means that names no severity.
	Error Severity = "error"
	// Warning is shown and fails nothing.
	Warning Severity = "warning"
)

// Constraint is one demand of a recipe.
type Constraint struct {
	Name        string
	Value       string
	Severity    Severity
	Remediation string
	// Line is where the recipe says so; 0 for a default.
	Line int
}

// String is the constraint as a message shows it.
func (c Constraint) String() string {
	if c.Line == 0 {
		return fmt.Sprintf("%s %s (the default)", c.Name, c.Value)
	}
	return fmt.Sprintf("%s %s (recipe line %d)", c.Name, c.Value, c.Line)
}

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

// operator is how an expression compares; the order in operators makes ">=" win over ">".
type operator string

var operators = []operator{">=", "<=", "==", "!=", ">", "<"}

// split parts an expression into its operator and what is compared with; without an operator it means "==".
func split(expression string) (operator, string, error) {
	expression = strings.TrimSpace(expression)
	op := operator("==")
	for _, candidate := range operators {
		if rest, found := strings.CutPrefix(expression, string(candidate)); found {
			op, expression = candidate, strings.TrimSpace(rest)
			break
		}
	}
	if expression == "" {
		return "", "", errors.New("nothing to compare with; write for example \">= 1.32.4\"")
	}
	return op, expression, nil
}

// holds applies an operator to the outcome of a three-way comparison of the actual value with the wanted one.
func (op operator) holds(comparison int) bool {
	switch op {
	case ">=":
		return comparison >= 0
	case "<=":
		return comparison <= 0
	case ">":
		return comparison > 0
	case "<":
		return comparison < 0
	case "!=":
		return comparison != 0
	default:
		return comparison == 0
	}
}
