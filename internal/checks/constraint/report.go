package constraint

import (
	"fmt"
	"strings"
	"testing"
)

// Outcome is what a check found out about one constraint.
type Outcome struct {
	Constraint Constraint
	// Actual is the measured value as a person reads it.
	Actual string
	Holds  bool
	// Mend is the advice for a constraint that brings no remediation of its own.
	Mend string
}

// Cover demands that each of the constraints is one of the known names: one that nothing evaluates must not look like one that holds.
// Nor is it a fault of the cluster, so that the test could not run. That ends the test: Cover comes last, after what the known ones come to.
// It says so as package finding does, which imports this one.
func Cover(t testing.TB, constraints []Constraint, known ...string) {
	t.Helper()
	if len(constraints) == 0 {
		t.Attr("skip", "not-applicable")
		t.Skip("not applicable: the recipe states no constraints for this phase")
		return
	}
	var unseen []string
	for _, c := range Unknown(constraints, known...) {
		if c.Severity == Warning {
			t.Logf("warning: no check of this image evaluates %s; it evaluates %q", c, known)
			continue
		}
		unseen = append(unseen, c.String())
	}
	if len(unseen) == 0 {
		return
	}
	why := fmt.Sprintf("could not run: no check of this image evaluates %s; it evaluates %q. To mend: correct its name in the recipe, "+
		"or use an image whose checks evaluate it", strings.Join(unseen, ", "), known)
	if t.Failed() {
		t.Log(why)
		return
	}
	t.Attr("skip", "could-not-run")
	t.Skip(why)
}
