// Package recipe reads recipes and snapshots, and judges the constraints of the one by the measurements of the other. It is
// strict about the parts that are acted on, names line, field and remedy of every mistake, and bounds what hostile input can
// cost. It is pure: it must import neither a client, nor os, nor any package of the operator but the API types.
package recipe

import (
	"fmt"
	"time"
)

// Recipe is what is acted on of a recipe: what its cluster should be like, and what has to be checked to know that it is.
type Recipe struct {
	// Constraints are the recipe's own, which are evaluated against the snapshot in the readiness phase.
	Constraints []Constraint
	// Phases are the sections of `validation` that are there, in the order of PhaseNames.
	Phases     []Phase
	Components []Component
}

// Phase is one section of the recipe's `validation`.
type Phase struct {
	Name string
	// Line is where the recipe says so; likewise in all that follows.
	Line int
	// Timeout is 0 where the recipe names none.
	Timeout time.Duration
	// Constraints are evaluated by the checks of the phase.
	Constraints []Constraint
	Checks      []Check
	// Nodes is nil where the phase does not choose nodes.
	Nodes *Nodes
	// Infrastructure names what the phase needs beside its checks.
	Infrastructure string
}

// Check is one check that a phase names.
type Check struct {
	Name string
	Line int
}

// Nodes says which nodes a phase is run on.
type Nodes struct {
	// Selector is empty for every node.
	Selector map[string]string
	// MaxNodes is 0 for as many as there are.
	MaxNodes int
	Exclude  []string
}

// Severity says what it means that a constraint does not hold.
type Severity string

const (
	// SeverityError fails. It is what a recipe means that names no severity.
	SeverityError Severity = "error"
	// SeverityWarning is counted and shown, and fails nothing.
	SeverityWarning Severity = "warning"
)

// Constraint is one demand on one value.
type Constraint struct {
	Name string
	// Value is the expression that the value has to satisfy.
	Value       string
	Severity    Severity
	Remediation string
	// Line is 0 for a constraint that no recipe states, such as a default.
	Line int
}

// String is the constraint as a message shows it.
func (c Constraint) String() string {
	if c.Line == 0 {
		return fmt.Sprintf("%s %s (the default)", c.Name, c.Value)
	}
	return fmt.Sprintf("%s %s (recipe line %d)", c.Name, c.Value, c.Line)
}

// Component is one of the recipe's componentRefs.
type Component struct {
	Name      string
	Namespace string
	Version   string
	Expected  []Resource
}

// Resource is one of a component's expectedResources, in the component's namespace unless it names its own.
type Resource struct {
	Kind      string
	Namespace string
	Name      string
	Line      int
}

// String is the resource as a message shows it.
func (r Resource) String() string { return r.Kind + " " + r.Namespace + "/" + r.Name }

// Subtest is the resource as a subtest's name, in which a slash would be another level.
func (r Resource) Subtest() string { return r.Kind + ":" + r.Namespace + ":" + r.Name }

// PhaseNames returns the phases that a recipe may have, in their order.
func PhaseNames() []string {
	return []string{"readiness", "deployment", "performance", "conformance"}
}

// Phase returns the section of that name; nil if the recipe has none.
func (r *Recipe) Phase(name string) *Phase {
	for i := range r.Phases {
		if r.Phases[i].Name == name {
			return &r.Phases[i]
		}
	}
	return nil
}
