package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/test/corpus"
)

// faults are what a reader can do wrong, each counted once for a stream.
type faults struct{ aborted, lost, passed, invented int }

func (f *faults) add(g faults) {
	f.aborted += g.aborted
	f.lost += g.lost
	f.passed += g.passed
	f.invented += g.invented
}

// weigh holds what a reader says against what is true of the stream, and tells the faults.
//
// Aborted: it gave up, loudly, and says nothing. Lost: a test failed, and it says that it did not, or nothing of it. Passed: nothing is
// proven, or something failed, and it says that all is well; where only the exit code or the binary's list tells, which a reader of
// streams does not know, this is not counted. Invented: a test that passed or never was is said to have failed.
//
// A reader that is blind to a stream, since it goes by what that does not hold, is not blamed for anything but giving up.
func weigh(s corpus.Stream, f finding) (faults, []string) {
	var out faults
	var why []string
	note := func(n *int, format string, args ...any) {
		*n = 1
		why = append(why, fmt.Sprintf(format, args...))
	}
	if f.aborted != nil {
		note(&out.aborted, "aborts: %.100v", f.aborted)
		return out, why
	}
	if f.blind {
		return out, nil
	}
	truth := s.Truth
	if truth.Counts["Failed"] > 0 && f.passes {
		note(&out.lost, "loses the failure")
	}
	for _, name := range truth.Of("Failed") {
		if t := named(name); slices.Contains(s.List, t.name) && !says(truth, f, t) {
			note(&out.lost, "loses that %s failed", name)
		}
	}
	for t := range f.failed {
		if truth.Counts == nil && !strings.Contains(t.name, "/") && invented(s, t) {
			note(&out.invented, "invents that %s failed", t.name)
		}
	}
	if f.passes && !truth.Good() && s.Only == "" {
		note(&out.passed, "says pass, and it is %s", truth.Phase)
	}
	if !f.passes && truth.Good() && out.invented == 0 {
		note(&out.invented, "says fail, and it is %s", truth.Phase)
	}
	return out, why
}

// named is the test of a name of the table, "package name" or "name".
func named(name string) test {
	if pkg, rest, ok := strings.Cut(name, " "); ok && !strings.HasPrefix(name, "Test") {
		return test{pkg, rest}
	}
	return test{name: name}
}

// says tells whether the test, or a subtest of it, is among those that failed. The package counts where another has a test of that name
// which did not fail.
func says(truth corpus.Truth, f finding, t test) bool {
	ambiguous := slices.ContainsFunc(truth.Of("Passed", "Skipped", "Error"), func(name string) bool { return named(name).name == t.name })
	for failed := range f.failed {
		if top, _, _ := strings.Cut(failed.name, "/"); top == t.name && (!ambiguous || failed.pkg == t.pkg) {
			return true
		}
	}
	return false
}

// invented tells whether a top-level test that is said to have failed passed or was skipped, or never was.
func invented(s corpus.Stream, t test) bool {
	here := func(name string) bool {
		n := named(name)
		return n.name == t.name && (n.pkg == "" || n.pkg == t.pkg)
	}
	if slices.ContainsFunc(s.Truth.Of("Failed", "Error"), here) {
		return false
	}
	return slices.ContainsFunc(s.Truth.Of("Passed", "Skipped"), here) || !slices.Contains(s.List, t.name)
}
