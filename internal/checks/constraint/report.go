package constraint

import (
	"bytes"
	"cmp"
	"encoding/json"
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

// result is an outcome as the operator reads it from the attribute constraint/<name>.
type result struct {
	Expected    string   `json:"expected"`
	Actual      string   `json:"actual"`
	Passed      bool     `json:"passed"`
	Severity    Severity `json:"severity"`
	Remediation string   `json:"remediation,omitempty"`
}

// Report puts the outcome into the test's attributes and, where the constraint does not hold, its message: as the failure of
// the test, or as a plain line where the constraint's severity is warning.
func Report(t testing.TB, o Outcome) {
	t.Helper()
	c := o.Constraint
	mend := cmp.Or(c.Remediation, o.Mend)
	t.Attr(c.Name, o.Actual)
	t.Attr(c.Name+".expected", c.Value)
	t.Attr("constraint/"+c.Name, encode(result{c.Value, o.Actual, o.Holds, cmp.Or(c.Severity, Error), mend}))
	if o.Holds {
		t.Logf("%s holds: found %s", c, o.Actual)
		return
	}
	complain(t, c, "expected %s; found %s. To mend: %s", c, o.Actual, mend)
}

// encode writes ">=" as a person reads it.
func encode(r result) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(r) // strings and a bool always encode
	return string(bytes.TrimSpace(b.Bytes()))
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
