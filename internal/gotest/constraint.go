package gotest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

const (
	maxConstraintText = 1 << 10 // bytes kept of what is expected and of what was found
	maxRemediation    = 1 << 10
)

// text is a JSON string, or any other value as it is written.
type text string

// UnmarshalJSON takes any value.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		s = string(data)
	}
	*t = text(s)
	return nil
}

// parseConstraintJSON reads the value of an attribute. What it says has to be there, the rest may be missing.
func parseConstraintJSON(name, value []byte) (Constraint, bool) {
	var in struct {
		Expected, Actual, Passed, Severity, Remediation text
	}
	if err := json.Unmarshal(value, &in); err != nil {
		return Constraint{}, false
	}
	return newConstraint(map[string]string{
		"name": string(name), "expected": string(in.Expected), "actual": string(in.Actual), "passed": string(in.Passed),
		"severity": string(in.Severity), "remediation": string(in.Remediation),
	})
}

// lineKeys are the keys of the line of output that reports a constraint.
var lineKeys = []string{"name", "expected", "actual", "passed"}

// parseConstraintLine reads "name=… expected=… actual=… passed=…". A value is quoted as in Go or JSON, or goes on to the next key: those
// that printed the line before there was a rule put expressions with blanks there.
func parseConstraintLine(line []byte) (Constraint, bool) {
	values := map[string]string{}
	rest := strings.TrimSpace(string(line))
	for rest != "" {
		key, behind, ok := strings.Cut(rest, "=")
		if _, twice := values[key]; !ok || twice || !slices.Contains(lineKeys, key) {
			return Constraint{}, false
		}
		value, n := quoted(behind)
		if n == 0 {
			n = nextKey(behind, values, key)
			value = strings.TrimSpace(behind[:n])
		}
		values[key] = value
		if rest = strings.TrimLeft(behind[n:], " \t"); rest != "" && n > 0 && len(rest) == len(behind[n:]) {
			return Constraint{}, false // something clings to the quotes
		}
	}
	return newConstraint(values)
}

// quoted reads the quoted string that text begins with and returns its length, or 0.
func quoted(text string) (value string, n int) {
	if text == "" || text[0] != '"' && text[0] != '`' {
		return "", 0
	}
	if prefix, err := strconv.QuotedPrefix(text); err == nil {
		value, err = strconv.Unquote(prefix)
		if err == nil {
			return value, len(prefix)
		}
	}
	dec := json.NewDecoder(strings.NewReader(text))
	if err := dec.Decode(&value); err != nil {
		return "", 0
	}
	return value, int(dec.InputOffset())
}

// nextKey returns where in text a key begins that has no value yet, its blank before it, or the length of text.
func nextKey(text string, values map[string]string, current string) int {
	end := len(text)
	for _, key := range lineKeys {
		if _, seen := values[key]; seen || key == current {
			continue
		}
		if i := strings.Index(" "+text, " "+key+"="); i >= 0 {
			end = min(end, max(i-1, 0))
		}
	}
	return end
}

// newConstraint takes the values of a report, of which the name and the outcome have to be there.
func newConstraint(values map[string]string) (Constraint, bool) {
	name, passed := strings.TrimSpace(values["name"]), strings.ToLower(values["passed"])
	if name == "" || passed != "true" && passed != "false" {
		return Constraint{}, false
	}
	severity := strings.ToLower(strings.TrimSpace(values["severity"]))
	if severity != "" && severity != SeverityWarning {
		severity = SeverityError // an unknown one is not taken lightly
	}
	return Constraint{
		Name: name, Expected: clip([]byte(values["expected"]), maxConstraintText), Actual: clip([]byte(values["actual"]), maxConstraintText),
		Passed: passed == "true", Severity: severity, Remediation: clip([]byte(values["remediation"]), maxRemediation),
	}, true
}

// clip returns at most n bytes of b as a string, with an ellipsis where it had to be cut.
func clip(b []byte, n int) string {
	const ellipsis = "…"
	if len(b) <= n {
		return valid(b)
	}
	b = b[:n-len(ellipsis)]
	return valid(b[:len(b)-partialRune(b)]) + ellipsis
}

// constrain adds a constraint to a test. The worst report on one name stands.
func (r *Record) constrain(t *test, c Constraint) {
	if len(c.Name) > r.limits.NameBytes {
		r.anomalies.count(LongName)
	}
	c.Name = valid(r.bound([]byte(c.Name)))
	if !c.Passed && c.Severity != SeverityWarning {
		r.progress.Failures++
	}
	if i := slices.IndexFunc(t.Constraints, func(old Constraint) bool { return old.Name == c.Name }); i >= 0 {
		r.replaceConstraint(t, i, worseConstraint(t.Constraints[i], c))
		return
	}
	full := len(t.Constraints) >= r.limits.Constraints || r.constraints+c.size() > r.limits.TotalOutputBytes/2
	if !full {
		r.constraints += c.size()
		t.Constraints = append(t.Constraints, c)
		return
	}
	r.anomalies.count(DroppedConstraint)
	if i := slices.IndexFunc(t.Constraints, func(old Constraint) bool { return old.Passed }); i >= 0 && !c.Passed {
		c.Expected, c.Actual, c.Remediation = "", "", clip([]byte(c.Remediation), len(t.Constraints[i].Remediation)+len("…"))
		r.replaceConstraint(t, i, c)
	}
}

func (r *Record) replaceConstraint(t *test, i int, c Constraint) {
	r.constraints += c.size() - t.Constraints[i].size()
	t.Constraints[i] = c
}

// size is what a constraint takes of the room for all.
func (c Constraint) size() int {
	return len(c.Name) + len(c.Expected) + len(c.Actual) + len(c.Remediation) + 64
}

// worseConstraint settles what two reports on one constraint come to: a failure stands, and of two alike the later one. The older
// kind of report says nothing of severity and remediation and takes none away.
func worseConstraint(a, b Constraint) Constraint {
	out, other := b, a
	if !a.Passed && b.Passed {
		out, other = a, b
	}
	if out.Severity == "" || other.Severity == SeverityError {
		out.Severity = other.Severity
	}
	for _, f := range []struct{ to, from *string }{
		{&out.Expected, &other.Expected}, {&out.Actual, &other.Actual}, {&out.Remediation, &other.Remediation},
	} {
		if *f.to == "" && out.Passed == other.Passed {
			*f.to = *f.from
		}
	}
	return out
}

// isJSONObject tells whether b can only be an object or an array.
func isJSONObject(b []byte) bool {
	b = bytes.TrimSpace(b)
	return len(b) > 0 && (b[0] == '{' || b[0] == '[')
}
