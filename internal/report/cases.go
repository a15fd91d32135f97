package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// suite is a phase as CI systems see it, or behind all phases the run itself.
type suite struct {
	phase Phase
	cases []testCase
	// output is the phase's own, where no case carries it.
	output *Output
}

// testCase is a test as CI systems see it. They read tests and nothing else, so whatever is not proven has to be one.
type testCase struct {
	Test
	// raw is the outcome in our own word, which may be that of a phase or of the run.
	raw string
	// message says why the test did not pass. Its first line is the title of what is no test, but a phase or the run.
	message, title string
	// attempts are what came of it in the earlier runs of its phase.
	attempts []attempt
	flaky    bool
}

// attempt is a test in an earlier run of its phase.
type attempt struct {
	status  verdict.Status
	seconds float64
	reason  string
}

// suites are the phases with their tests. A phase that did not pass and has no test to show for it becomes a test of its own, and
// so does a run that is not proven although each of its phases is: no reader of tests alone may take either for a success.
func suites(r Result) []suite {
	var out []suite
	proven := true
	for _, p := range r.Phases {
		s := suite{phase: p, output: p.Output}
		parents := explained(bad(p.Tests))
		earlier := indexEarlier(p.Earlier)
		for _, t := range p.Tests {
			s.cases = append(s.cases, p.retried(testCase{Test: t, raw: string(t.Status), message: t.why(parents[t.key()])}, earlier))
		}
		s.cases = append(s.cases, p.itemCases(s.cases)...)
		if len(s.cases) == 0 || !good(p.status()) && !slices.ContainsFunc(s.cases, testCase.bad) {
			s.cases, s.output = append(s.cases, p.retried(p.asCase(), earlier)), nil
		}
		proven = proven && !slices.ContainsFunc(s.cases, testCase.bad)
		out = append(out, s)
	}
	if proven && r.Verdict != v1alpha1.VerdictPassed && (r.Verdict != v1alpha1.VerdictSkipped || r.Rejected) {
		title := fmt.Sprintf("the run is %s: %s", cmp.Or(string(r.Verdict), "without a verdict"), r.Message)
		if r.Rejected {
			title += ". Nothing was proven; where that is as it should be, set allSkipped: Accept"
		}
		c := testCase{
			Test: Test{Name: "run " + r.Run.Name, Status: verdict.Error, Reason: string(r.Verdict)},
			raw:  string(r.Verdict), message: title, title: title,
		}
		out = append(out, suite{phase: Phase{Name: "run"}, cases: []testCase{c}})
	}
	return out
}

// asCase is the phase as a test.
func (p Phase) asCase() testCase {
	title := cmp.Or(p.Message, p.Reason, string(p.State))
	return testCase{
		Test: Test{
			Name: "phase " + p.Name, Status: p.status(), Reason: p.Reason, DurationSeconds: p.duration().Seconds(), Output: p.Output,
		},
		raw: string(p.State), message: strings.Join(append([]string{title}, p.Notes...), "\n"), title: title,
	}
}

// status is the phase's state as that of a test: whatever is neither proven nor disproven is Error.
func (p Phase) status() verdict.Status {
	switch p.State {
	case v1alpha1.PhasePassed:
		return verdict.Passed
	case v1alpha1.PhaseFailed:
		return verdict.Failed
	case v1alpha1.PhaseSkipped:
		return verdict.Skipped
	default:
		return verdict.Error
	}
}

// duration is how long the phase took, 0 where that is unknown.
func (p Phase) duration() time.Duration {
	if p.StartTime == nil || p.CompletionTime == nil {
		return 0
	}
	return between(*p.StartTime, *p.CompletionTime)
}

func between(start, end time.Time) time.Duration {
	if start.IsZero() || end.IsZero() {
		return 0
	}
	return max(end.Sub(start), 0)
}

// earlierTests are the tests of an earlier run of a phase by package and name.
type earlierTests map[[2]string]Test

func indexEarlier(phases []Phase) []earlierTests {
	var out []earlierTests
	for _, p := range phases {
		tests := earlierTests{}
		for _, t := range p.Tests {
			tests[[2]string{t.Package, t.Name}] = t
		}
		out = append(out, tests)
	}
	return out
}

// retried adds what came of a test before. A test that an earlier run did not get to is as that run is. Only where a retry
// made the phase pass is it flaky, and of its tests those are that had not passed each time.
func (p Phase) retried(c testCase, earlier []earlierTests) testCase {
	c.flaky = p.Flaky && c.Status == verdict.Passed && len(earlier) == 0
	for i, run := range p.Earlier {
		if !p.ofItem(run, c.Test) {
			continue
		}
		a := attempt{status: verdict.Error, reason: cmp.Or(run.Reason, string(run.State))}
		switch t, found := earlier[i][[2]string{c.Package, c.Name}]; {
		case found:
			a = attempt{status: t.Status, seconds: t.DurationSeconds, reason: t.Reason}
		case len(p.Tests) == 0 && len(p.Items) == 0:
			a.status, a.seconds = run.status(), run.duration().Seconds()
		}
		c.attempts = append(c.attempts, a)
		c.flaky = c.flaky || p.Flaky && c.Status == verdict.Passed && !good(a.status)
	}
	return c
}

func (c testCase) bad() bool { return !good(c.Status) }

func good(s verdict.Status) bool { return s == verdict.Passed || s == verdict.Skipped }

// why says why a test did not pass, nothing if it did.
func (t Test) why(explained bool) string {
	switch {
	case t.Status == verdict.Passed:
		return ""
	case t.Status == verdict.Skipped && (t.Output == nil || t.Output.Text == ""):
		return "it skipped itself and did not say why"
	case explained && t.appendix() == "" && (t.Output == nil || t.Output.Text == ""):
		return "its subtests say why"
	}
	return t.excerpt()
}

// source is how testing begins what a test says.
var source = regexp.MustCompile(`(?m)^ *[^\s:]+\.go:\d+: .*$`)

// headline is the message in one line.
func (c testCase) headline() string {
	if c.title != "" {
		return clipLine(c.title, NameBytes)
	}
	return headline(c.message)
}

// headline is the line of a message that says most: the beginning of a panic, otherwise the last one that a test itself said,
// otherwise the last one.
func headline(message string) string {
	message, _, _ = strings.Cut(strings.TrimSpace(message), "\n"+mendPrefix)
	if first, _, _ := strings.Cut(message, "\n"); strings.HasPrefix(first, "panic: ") || strings.HasPrefix(first, "fatal error: ") {
		return clipLine(first, NameBytes)
	}
	if said := source.FindAllString(message, -1); len(said) > 0 {
		return clipLine(strings.TrimSpace(said[len(said)-1]), NameBytes)
	}
	return clipLine(strings.TrimSpace(message[strings.LastIndexByte(message, '\n')+1:]), NameBytes)
}
