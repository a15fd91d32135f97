package finding

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

const (
	// maxProblems are said one by one: a fault that every node of a large cluster has would drown all others.
	maxProblems = 20
	// maxAttr bounds an attribute's value.
	maxAttr = 1 << 10
)

// Say turns the finding into the test's result: its attributes, its failures, its skip.
func (f *Finding) Say(t testing.TB) {
	t.Helper()
	for _, m := range f.Measured {
		t.Attr(m.Name, attr(m.Value))
	}
	for _, note := range f.Notes {
		t.Log(note)
	}
	if mends := f.mends(); mends != "" {
		t.Attr("remediation", attr(mends))
	}
	for i, p := range f.Problems {
		if i == maxProblems {
			t.Errorf("and %d more of the kind", len(f.Problems)-maxProblems)
			break
		}
		t.Error(p)
	}
	for _, o := range f.Constraints {
		sayConstraint(t, o)
	}
	f.saySkip(t)
}

func (f *Finding) saySkip(t testing.TB) {
	t.Helper()
	if f.Skip == "" {
		return
	}
	prefix := "not applicable: "
	if f.Skip == CouldNotRun {
		prefix = "could not run: "
	}
	if f.Failed() {
		t.Log(prefix + f.Why)
		return
	}
	t.Attr("skip", string(f.Skip))
	t.Skip(prefix + f.Why)
}

func sayConstraint(t testing.TB, o constraint.Outcome) {
	t.Helper()
	c := o.Constraint
	t.Attr(c.Name, attr(o.Actual))
	t.Attr(c.Name+".expected", attr(c.Value))
	var outcome strings.Builder
	encoder := json.NewEncoder(&outcome)
	// A person reads "<= 1s".
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		Expected    string `json:"expected"`
		Actual      string `json:"actual"`
		Passed      bool   `json:"passed"`
		Severity    string `json:"severity"`
		Remediation string `json:"remediation,omitempty"`
	}{c.Value, o.Actual, o.Holds, string(cmp.Or(c.Severity, constraint.Error)), remedy(o)})
	if err != nil {
		t.Fatalf("encoding the outcome of %s: %v", c, err)
	}
	t.Attr("constraint/"+c.Name, strings.TrimSpace(outcome.String()))
	switch {
	case o.Holds:
		t.Logf("%s holds: found %s", c, o.Actual)
	case c.Severity == constraint.Warning:
		t.Logf("warning: expected %s; found %s. To mend: %s", c, o.Actual, remedy(o))
	default:
		t.Errorf("expected %s; found %s. To mend: %s", c, o.Actual, remedy(o))
	}
}

// attr is a value as an attribute takes it: on one line, and bounded.
func attr(value string) string {
	value = strings.Join(strings.Fields(strings.ToValidUTF8(value, "?")), " ")
	if len(value) <= maxAttr {
		return value
	}
	cut := maxAttr - len("…")
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut] + "…"
}
