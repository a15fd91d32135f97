package recipe

// State is how a constraint came out.
type State string

const (
	StatePassed State = "Passed"
	StateFailed State = "Failed"
	// StateError is what cannot be told: the value is not there, or does not compare.
	StateError State = "Error"
)

// Outcome is what became of one constraint.
type Outcome struct {
	Constraint Constraint
	// Actual is what was measured, as a person reads it.
	Actual string
	State  State
	// Message says what was expected, what was found and where; it does not repeat the remediation.
	Message string
}

// Evaluate judges a constraint by a snapshot. Where nodes were measured on their own it has to hold on each of them.
func Evaluate(c Constraint, s *Snapshot) Outcome {
	return Outcome{Constraint: c, State: StateError, Message: "not evaluated"}
}
