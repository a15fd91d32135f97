package verdict

// WantedConstraint is a constraint that the recipe states for the phase.
type WantedConstraint struct{ Name, Severity string }
