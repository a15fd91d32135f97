// Package finding is what a check concludes, apart from the test that says it, so that a check can be tried out where it fails
// without failing anybody's test. It must import neither a client nor a check.
package finding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

// Skip says why a check came to no conclusion; empty if it came to one.
type Skip string

const (
	// NotApplicable is a check whose subject does not exist in the cluster.
	NotApplicable Skip = "not-applicable"
	// CouldNotRun is a check that lacks the rights or the means to try.
	CouldNotRun Skip = "could-not-run"
)

// maxWhy is how long the reasons may be for one more to be added.
const maxWhy = 4 << 10

// Problem is a fault of the cluster: what was expected, what was found instead, and what mends it.
type Problem struct{ Expected, Found, Mend string }

// String is the problem as a person reads it.
func (p Problem) String() string {
	return fmt.Sprintf("expected %s; found %s. To mend: %s", p.Expected, p.Found, p.Mend)
}

// Measurement is a value that a check measured on its way.
type Measurement struct{ Name, Value string }

// Finding is a check's conclusion. The zero Finding is a pass.
type Finding struct {
	Measured    []Measurement
	Notes       []string
	Problems    []Problem
	Constraints []constraint.Outcome
	Skip        Skip
	Why         string
}

// Measure keeps a measured value.
func (f *Finding) Measure(name string, value any) {
	f.Measured = append(f.Measured, Measurement{name, fmt.Sprint(value)})
}

// Note keeps a line that fails nothing.
func (f *Finding) Note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// Fail keeps a problem.
func (f *Finding) Fail(expected, found, mend string) {
	f.Problems = append(f.Problems, Problem{expected, found, mend})
}

// NotApplicable ends a check whose subject does not exist. Of one that could not look it is not known to be so.
func (f *Finding) NotApplicable(format string, args ...any) {
	if f.Skip != CouldNotRun {
		f.Skip, f.Why = NotApplicable, fmt.Sprintf(format, args...)
	}
}

// CouldNotRun ends a check that cannot try, or that part of it. Each reason is kept, once.
func (f *Finding) CouldNotRun(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	switch {
	case f.Skip != CouldNotRun:
		f.Skip, f.Why = CouldNotRun, why
	case !strings.Contains(f.Why, why) && len(f.Why) < maxWhy:
		f.Why += "; " + why
	}
}

// Passed reports whether nothing stands against a pass. A constraint of severity warning does not.
func (f *Finding) Passed() bool {
	return f.Skip == "" && !f.Failed()
}

// Failed reports whether the check found a fault of the cluster, which outweighs that part of it could not be tried.
func (f *Finding) Failed() bool {
	return len(f.Problems) > 0 || slices.ContainsFunc(f.Constraints, func(o constraint.Outcome) bool {
		return !o.Holds && o.Constraint.Severity != constraint.Warning
	})
}

// mends are the remedies of all that was found, each once.
func (f *Finding) mends() string {
	var all []string
	for _, p := range f.Problems {
		all = append(all, p.Mend)
	}
	for _, o := range f.Constraints {
		if !o.Holds {
			all = append(all, remedy(o))
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "; ")
}

// remedy is the recipe's own advice, or else the check's.
func remedy(o constraint.Outcome) string {
	if o.Constraint.Remediation != "" {
		return o.Constraint.Remediation
	}
	return o.Mend
}
