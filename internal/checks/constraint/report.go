package constraint

import "testing"

// Outcome is what a check found out about one constraint.
type Outcome struct {
	Constraint Constraint
	// Actual is the measured value as a person reads it.
	Actual string
	Holds  bool
	// Mend is the advice for a constraint that brings no remediation of its own.
	Mend string
}

// Cover demands that each of the constraints is one of the known names: one that nothing evaluates must not look like one
// that holds.
func Cover(t testing.TB, constraints []Constraint, known ...string) {
	t.Helper()
	if len(constraints) == 0 {
		t.Skip("not applicable: the recipe states no constraints for this phase")
	}
	for _, c := range Unknown(constraints, known...) {
		complain(t, c, "expected a check that evaluates %s; found none in this image, which evaluates %q. "+
			"To mend: correct the name, take the constraint out of the recipe, or use an image that evaluates it", c, known)
	}
}

func complain(t testing.TB, c Constraint, format string, args ...any) {
	t.Helper()
	if c.Severity == Warning {
		t.Logf("warning: "+format, args...)
		return
	}
	t.Errorf(format, args...)
}
