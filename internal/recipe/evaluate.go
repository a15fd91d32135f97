package recipe

import (
	"fmt"
	"strings"
)

// State is how a constraint came out.
type State string

const (
	// StatePassed is proof that the constraint holds.
	StatePassed State = "Passed"
	// StateFailed is proof that it does not.
	StateFailed State = "Failed"
	// StateError is what cannot be told: the value is not there, or does not compare.
	StateError State = "Error"
)

// Outcome is what became of one constraint.
type Outcome struct {
	Constraint Constraint
	// Actual is what was measured, as a person reads it; empty where nothing was.
	Actual string
	State  State
	// Message says what was expected, what was found, and on which nodes. The remediation is left to whoever shows it.
	Message string
}

// Evaluate judges a constraint by a snapshot. Where nodes were measured on their own it has to hold on each of them. A value
// for which it does not hold outweighs one that cannot be told.
func Evaluate(c Constraint, s *Snapshot) Outcome {
	o := Outcome{Constraint: c, State: StateError}
	expression, err := ParseExpression(c.Value)
	if err != nil {
		o.Message = clip(fmt.Sprintf("the constraint %s cannot be read: %v", show(c.Name), err), maxMessage)
		return o
	}
	if s == nil {
		o.Message = fmt.Sprintf("there is no snapshot to find %s in: name one in the run, or have it captured", show(c.Name))
		return o
	}
	readings, missing := s.Lookup(c.Name)
	o.Actual = clip(actual(readings), maxText)
	var failed, unclear, found []string
	for _, r := range readings {
		switch holds, err := expression.Holds(r.Value); {
		case err != nil:
			unclear = append(unclear, err.Error()+r.where())
		case !holds:
			failed = append(failed, show(r.Value)+r.where())
		default:
			found = append(found, show(r.Value)+r.where())
		}
	}
	if missing != nil {
		unclear = append(unclear, missing.Error())
	}
	expected := fmt.Sprintf("expected %s %s", show(c.Name), expression)
	if expression.operator == exactly {
		expected = fmt.Sprintf("expected %s to be %s", show(c.Name), quote(expression.operand))
	}
	switch {
	case len(failed) > 0:
		o.State = StateFailed
		o.Message = expected + "; found " + listed(failed)
	case len(unclear) > 0:
		o.Message = expected + "; " + listed(unclear)
	default:
		o.State = StatePassed
		o.Message = expected + "; found " + listed(found)
	}
	o.Message = clip(o.Message, maxMessage)
	return o
}

// where are the nodes of a reading, as a message ends with them.
func (r Reading) where() string {
	if len(r.Nodes) == 0 {
		return ""
	}
	return " on " + named(r.Nodes)
}

// actual are the values of all readings, as a person reads them.
func actual(readings []Reading) string {
	var values []string
	for _, r := range readings {
		values = append(values, r.Value)
	}
	if len(values) == 0 {
		return ""
	}
	return named(values)
}

// listed joins the first few texts and counts the others.
func listed(texts []string) string {
	shown := texts[:min(len(texts), maxNamed)]
	list := strings.Join(shown, "; ")
	if more := len(texts) - len(shown); more > 0 {
		list += "; and " + plural(more, "other value")
	}
	return list
}
