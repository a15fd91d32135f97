package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// maxFailures is how many failures a status has room for.
const maxFailures = 20

// Summary adds up the tests of all phases.
func Summary(phases []Phase) v1alpha1.Summary {
	var sum v1alpha1.Summary
	for _, p := range phases {
		sum = verdict.Add(sum, p.Summary)
	}
	return sum
}

// Message says in a line what came out of the phases of an attempt.
func Message(phases []Phase) string {
	sum := Summary(phases)
	var counts, parts, notRun, skipped []string
	for _, c := range []struct {
		n    int32
		word string
	}{{sum.Failed, "failed"}, {sum.Errored, "errored"}, {sum.Passed, "passed"}, {sum.Skipped, "skipped"}} {
		if c.n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	for _, p := range phases {
		switch p.State {
		case v1alpha1.PhaseNotRun:
			notRun = append(notRun, p.Name)
		case v1alpha1.PhaseError:
			text := fmt.Sprintf("%s is in error (%s)", p.Name, p.Reason)
			if p.Message != "" {
				text += ": " + p.Message
			}
			parts = append(parts, text)
		case v1alpha1.PhaseSkipped:
			skipped = append(skipped, p.Name+": "+p.Message)
		default:
		}
	}
	text := cmp.Or(strings.Join(counts, ", "), "no test ran")
	switch ran := len(phases) - len(notRun); ran {
	case 0:
	case 1:
		text += " in 1 phase"
	default:
		text += fmt.Sprintf(" in %d phases", ran)
	}
	switch n := len(notRun); n {
	case 0:
	case 1:
		parts = append(parts, notRun[0]+" was not run")
	default:
		parts = append(parts, strings.Join(notRun[:n-1], ", ")+" and "+notRun[n-1]+" were not run")
	}
	if len(skipped) > 0 && len(skipped) == len(phases) {
		parts = append(parts, skipped[0])
	}
	return Clip(strings.Join(append([]string{text}, parts...), "; "), MessageBytes)
}

// Failures are the first tests of a run that did not pass. A failed test with failing subtests is named by these, since their
// output says why; but no test takes the place of another with its second subtest.
func Failures(phases []Phase) []v1alpha1.TestFailure {
	var all []failure
	for _, p := range phases {
		if p.State == v1alpha1.PhaseFailed || p.State == v1alpha1.PhaseError {
			all = append(all, phaseFailures(p)...)
		}
	}
	room := maxFailures
	for _, further := range []bool{false, true} {
		for i := range all {
			if all[i].further == further && room > 0 {
				all[i].chosen = true
				room--
			}
		}
	}
	var out []v1alpha1.TestFailure
	for _, f := range all {
		if f.chosen {
			out = append(out, f.TestFailure)
		}
	}
	return out
}

// failure is one that could be shown.
type failure struct {
	v1alpha1.TestFailure
	// further says that another subtest of the same test comes before it.
	further bool
	chosen  bool
}

// phaseFailures are the tests to blame that have no subtests to blame, or the phase's own failure.
func phaseFailures(p Phase) []failure {
	blamed := p.blamed()
	parents := explained(blamed)
	var out []failure
	tops := map[testKey]bool{}
	for _, t := range blamed {
		if parents[t.key()] {
			continue
		}
		top := t.key()
		top.name, _, _ = strings.Cut(t.Name, "/")
		message := t.excerpt()
		if t.Status == verdict.Skipped && (t.Output == nil || t.Output.Text == "") {
			message = p.Message
		}
		if t.Node != "" {
			message = Clip("on "+t.Node+": "+message, MessageBytes)
		}
		out = append(out, failure{further: tops[top], TestFailure: v1alpha1.TestFailure{
			Phase: p.Name, Test: clipLine(t.Name, NameBytes), Message: message,
		}})
		tops[top] = true
	}
	if len(out) == 0 {
		message := Clip(cmp.Or(p.Message, p.Reason), MessageBytes)
		out = []failure{{TestFailure: v1alpha1.TestFailure{Phase: p.Name, Message: message}}}
	}
	return out
}

// blamed are the tests for which the phase did not pass.
func (p Phase) blamed() []Test {
	if p.State == v1alpha1.PhaseError && p.Reason == v1alpha1.ReasonRequiredCheckSkipped {
		return p.skips()
	}
	return bad(p.Tests)
}

func bad(tests []Test) []Test {
	return slices.DeleteFunc(slices.Clone(tests), func(t Test) bool { return good(t.Status) })
}

// testKey tells the tests of a phase apart by name and Job.
type testKey struct {
	item itemKey
	name string
}

func (t Test) key() testKey { return testKey{t.item(), t.Name} }

// explained are the tests of which a subtest is among these, and says what is wrong with them.
func explained(tests []Test) map[testKey]bool {
	out := map[testKey]bool{}
	for _, t := range tests {
		for i := range t.Name {
			if t.Name[i] == '/' {
				parent := t.key()
				parent.name = t.Name[:i]
				out[parent] = true
			}
		}
	}
	return out
}

// excerpt is what explains a test in the room of a message: from where it panicked on, otherwise the last lines of its output;
// then the constraints that do not hold, and how to mend it.
func (t Test) excerpt() string {
	appendix := t.appendix()
	switch empty := t.Output == nil || t.Output.Text == ""; {
	case empty && strings.HasPrefix(appendix, mendPrefix), empty && appendix == "":
		return strings.TrimSuffix(cmp.Or(t.Reason, "no output")+"\n"+appendix, "\n")
	case empty:
		return appendix
	case appendix == "":
		return dedent(tail(strings.TrimRight(t.Output.Text, "\n"), MessageBytes))
	}
	return dedent(tail(strings.TrimRight(t.Output.Text, "\n"), MessageBytes-len(appendix)-1)) + "\n" + appendix
}

// tail is the end of a text in so many bytes, from where it panicked on if it did.
func tail(text string, room int) string {
	for _, word := range []string{"panic: ", "fatal error: "} {
		if i := strings.Index("\n"+text, "\n"+word); i >= 0 {
			return Clip(text[i:], room)
		}
	}
	if text = inert(text); len(text) <= room {
		return text
	}
	text = suffix(text, room-len(ellipsis)-1)
	if _, lines, found := strings.Cut(text, "\n"); found {
		return ellipsis + "\n" + lines
	}
	return ellipsis + text
}

// dedent takes away the indent that all lines of a text have: testing indents what a test says. A line that only says that something
// was cut does not count.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	indent := len(text)
	for _, line := range lines {
		if line != "" && line != ellipsis && !isMarker(line) {
			indent = min(indent, len(line)-len(strings.TrimLeft(line, " ")))
		}
	}
	for i, line := range lines {
		if line != ellipsis && !isMarker(line) {
			lines[i] = line[min(indent, len(line)):]
		}
	}
	return strings.Join(lines, "\n")
}
