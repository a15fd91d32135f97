package verdict

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// draw makes evidence of all kinds, much of it contradictory, and enough of it proof.
type draw struct{ *rand.Rand }

// rarely is true once in so many times.
func (d draw) rarely(n int) bool { return d.IntN(n) == 0 }

func oneOf[T any](d draw, values ...T) T { return values[d.IntN(len(values))] }

func (d draw) evidence() Evidence {
	names := []string{"TestA", "TestB", "TestC"}
	g := &GoTest{
		Stream: gotest.Result{Framing: gotest.Marked, Overall: gotest.Pass, Tests: d.tests(names)}, Listed: 3, DenySkips: d.rarely(4),
	}
	if !d.rarely(3) {
		g.Manifest = slices.Clone(names)
		if d.rarely(6) {
			g.Manifest = g.Manifest[:d.IntN(3)]
		}
	}
	if g.Manifest == nil && d.rarely(2) {
		g.ListLost = "nobody read it"
	}
	if d.rarely(2) {
		g.ExpectedTests = oneOf(d, 1, 2, 3, 3, 3, 4, 5)
	}
	if d.rarely(6) {
		g.Stream.Overall = oneOf(d, gotest.Unended, gotest.Fail, gotest.Skip)
	}
	if d.rarely(6) {
		g.LogMissing = "some lines"
	}
	if d.rarely(8) {
		g.Stream.Panic = &gotest.Panic{Message: "boom", Test: oneOf(d, "", "TestA"), Timeout: d.rarely(2)}
	}
	if d.rarely(8) {
		t := gotest.Tally{Passed: d.Int64N(2), Failed: d.Int64N(2), Skipped: d.Int64N(2)}
		t.Started = t.Passed + t.Failed + t.Skipped + d.Int64N(2)
		g.Stream.Beyond = t
	}
	if d.rarely(8) {
		g.Witness.Tests = d.tests(oneOf(d, names, []string{"TestD"}))
	}
	d.says(g)
	e := Evidence{GoTest: g, Exit: &Exit{}}
	if d.rarely(6) {
		e.Exit = oneOf(d, nil, &Exit{Code: 1}, &Exit{Code: 2}, &Exit{Code: 137})
	}
	if d.rarely(6) {
		e.Trouble = &Trouble{Reason: oneOf(d, troubles...), Message: "it went away"}
	}
	return e
}

// says adds what checks can say of themselves, and what a recipe asks of them.
func (d draw) says(g *GoTest) {
	constraint := func() gotest.Constraint {
		return gotest.Constraint{
			Name: oneOf(d, "a", "b"), Passed: !d.rarely(4), Severity: oneOf(d, "", gotest.SeverityError, gotest.SeverityWarning),
		}
	}
	for _, tests := range [][]gotest.Test{g.Stream.Tests, g.Witness.Tests} {
		for i := range tests {
			if d.rarely(6) {
				tests[i].Constraints = []gotest.Constraint{constraint()}
			}
			if d.rarely(12) {
				tests[i].SkipKind = oneOf(d, gotest.SkipNotApplicable, gotest.SkipCouldNotRun)
			}
		}
	}
	if d.rarely(5) {
		g.Constraints = []WantedConstraint{{Name: oneOf(d, "a", "b", "c"), Severity: oneOf(d, "", gotest.SeverityWarning)}}
	}
	if d.rarely(5) {
		g.Checks = oneOf(d, []string{"a"}, []string{"a", "b", "c"}, []string{"a", "unknown"}, []string{"twice"})
	}
	if d.rarely(10) {
		g.All = []string{"TestA", "TestB", "TestC", "TestTwice", "Test_twice"}
	}
	if d.rarely(5) {
		g.Run = oneOf(d, "Test/x", "Test/x", "Test/gone", "Test/x/gone", "TestA/x|TestA/gone")
	}
	if d.rarely(20) {
		g.Stream.Anomalies = map[gotest.Anomaly]int64{oneOf(d, gotest.DroppedConstraint, gotest.MalformedConstraint, gotest.GluedLine): 1}
	}
}

func (d draw) tests(names []string) []gotest.Test {
	names = slices.Clone(names)
	if d.rarely(8) {
		names = append(names, "TestForged")
	}
	bias := oneOf(d, []gotest.Outcome{gotest.Pass}, []gotest.Outcome{gotest.Skip}, []gotest.Outcome{gotest.Pass, gotest.Skip},
		[]gotest.Outcome{gotest.Pass, gotest.Pass, gotest.Pass, gotest.Skip, gotest.Fail, gotest.Unended})
	var out []gotest.Test
	for _, name := range names {
		if !d.rarely(20) {
			out = append(out, test(name, oneOf(d, bias...)))
		}
		if d.rarely(3) {
			out = append(out, test(name+"/x", oneOf(d, bias...)))
		}
	}
	return out
}

// TestProperties asks of much random evidence what holds for all of it.
func TestProperties(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(20_000) {
		e := draw{rand.New(rand.NewPCG(seed, 0))}.evidence()
		out := Judge(e)
		seen[strings.TrimSpace(string(out.State)+" "+out.Reason)]++
		if broken := brokenRules(e, out); len(broken) > 0 {
			t.Errorf("seed %d: %s %s: %s\n%s\nevidence %+v\nstream %+v", seed, out.State, out.Reason, out.Message,
				strings.Join(broken, "\n"), e, e.GoTest)
		}
		if seed%100 == 0 {
			if diff := cmp.Diff(out, Judge(e)); diff != "" {
				t.Errorf("seed %d: judged twice it differs:\n%s", seed, diff)
			}
		}
		if t.Failed() && seed > 1000 {
			break
		}
	}
	for _, want := range []string{
		"Passed", "Failed TestsFailed", "Skipped NothingApplicable", "Error EvidenceIncomplete", "Error TestIncomplete",
		"Error TestMissing", "Error NoTests", "Error Panicked", "Error DeadlineExceeded", "Error OOMKilled",
		"Error UnexpectedTestCount", "Error ExitCodeMismatch", "Error RequiredCheckSkipped", "Error ConstraintNotEvaluated",
		"Error CheckNotFound", "Error ListFailed",
	} {
		if seen[want] < 20 {
			t.Errorf("%s came out %d times, so that little was asked of it", want, seen[want])
		}
	}
}

// brokenRules are the properties that an outcome does not have.
func brokenRules(e Evidence, out Outcome) []string {
	var broken []string
	must := func(ok bool, rule string) {
		if !ok {
			broken = append(broken, rule)
		}
	}
	g, failed := e.GoTest, anyFailFrame(e)
	must(!failed || out.State == v1alpha1.PhaseFailed && out.Reason == v1alpha1.ReasonTestsFailed, "a fail frame is Failed")
	must(out.State != v1alpha1.PhaseFailed || failed || g.Stream.Overall == gotest.Fail, "Failed needs a fail frame")
	if out.State == v1alpha1.PhasePassed || out.State == v1alpha1.PhaseSkipped {
		required := required(g)
		passed, skipped, open := ends(g, required)
		must(e.Exit != nil && e.Exit.Code == 0, "proof needs exit code 0")
		must(g.Stream.Overall == gotest.Pass, "proof needs the final PASS")
		must(required != nil || g.ExpectedTests > 0 && g.LogMissing == "", "proof needs a list, or a number and the whole log")
		must(g.ExpectedTests == 0 || g.ExpectedTests == passed+skipped, "proof needs the expected number of tests")
		must(open == 0, "proof needs the end of every test that has to run")
		must((passed > 0) == (out.State == v1alpha1.PhasePassed), "Passed needs a test that passed, Skipped has none")
		must(skipped == 0 || !g.DenySkips, "proof needs that skips are permitted")
		must(len(g.Checks) == 0 || required != nil, "proof needs a list in which each check is one test")
		must(!anySkipped(g, gotest.SkipCouldNotRun), "a check that could not run proves nothing")
		must(g.LogMissing == "" || !anySkipped(g, ""), "nobody knows why a test skipped where the log is incomplete")
		must(selectedRan(g, required), "proof needs that subtests ran which run selects")
		must(allReported(g, required), "proof needs that each wanted constraint was reported")
		must(g.Stream.Anomalies[gotest.DroppedConstraint]+g.Stream.Anomalies[gotest.MalformedConstraint] == 0,
			"proof needs that each report of a constraint was read")
		must(g.Stream.Framing == gotest.Marked || g.Stream.Framing == gotest.JSON, "proof needs a stream that is hard to forge")
	}
	must((out.Reason == "") == (out.State == v1alpha1.PhasePassed), "Passed alone has no reason")
	must(out.State.Ended() && out.Message != "", "there is an outcome and a message")
	sum := out.Summary
	must(sum.Total == sum.Passed+sum.Failed+sum.Skipped+sum.Errored, "the summary adds up")
	for _, test := range out.Tests {
		must((test.Reason != "") == (test.Status == Error), "tests in error, and they alone, have a reason")
	}
	return broken
}

func anyFailFrame(e Evidence) bool {
	g := e.GoTest
	failed := func(t gotest.Test) bool {
		return t.Outcome == gotest.Fail || slices.ContainsFunc(t.Constraints, g.failing)
	}
	return slices.ContainsFunc(g.Stream.Tests, failed) || slices.ContainsFunc(g.Witness.Tests, failed) || g.Stream.Beyond.Failed > 0
}

// failing tells whether a constraint does not hold and the recipe, or where it is silent the report, does not take that for a warning.
func (g *GoTest) failing(c gotest.Constraint) bool {
	for _, w := range g.Constraints {
		if w.Name == c.Name {
			return !c.Passed && (w.Severity != gotest.SeverityWarning || c.Severity == gotest.SeverityError)
		}
	}
	return !c.Passed && c.Severity != gotest.SeverityWarning
}

// required are the tests that have to run, nil where nobody knows: the checks where there are any, otherwise the manifest.
func required(g *GoTest) []string {
	if len(g.Checks) == 0 {
		return g.Manifest
	}
	all := g.All
	if all == nil {
		all = g.Manifest
	}
	var out []string
	for _, check := range g.Checks {
		matched := slices.DeleteFunc(slices.Clone(all), func(test string) bool {
			plain := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(test, "Test")), "_", "")
			return plain != strings.ReplaceAll(check, "-", "")
		})
		if len(matched) != 1 {
			return nil
		}
		out = append(out, matched...)
	}
	return out
}

func anySkipped(g *GoTest, kind gotest.SkipKind) bool {
	return slices.ContainsFunc(g.Stream.Tests, func(t gotest.Test) bool { return t.Outcome == gotest.Skip && t.SkipKind == kind })
}

// allReported tells whether a test that counts reported each wanted constraint.
func allReported(g *GoTest, required []string) bool {
	return !slices.ContainsFunc(g.Constraints, func(w WantedConstraint) bool {
		return !slices.ContainsFunc(g.Stream.Tests, func(t gotest.Test) bool {
			top, _, _ := strings.Cut(t.Name, "/")
			return (required == nil || slices.Contains(required, top)) &&
				slices.ContainsFunc(t.Constraints, func(c gotest.Constraint) bool { return c.Name == w.Name })
		})
	})
}

// selectedRan tells whether something of what run selects ran, or skipped itself, in each test that passed and that has to run.
func selectedRan(g *GoTest, required []string) bool {
	outcomes := map[string]gotest.Outcome{}
	for _, t := range g.Stream.Tests {
		outcomes[t.Name] = t.Outcome
	}
	return !slices.ContainsFunc(g.Stream.Tests, func(t gotest.Test) bool {
		if !t.TopLevel() || t.Outcome != gotest.Pass || required != nil && !slices.Contains(required, t.Name) {
			return false
		}
		x, ran := outcomes[t.Name+"/x"]
		switch g.Run {
		case "Test/x":
			return !ran
		case "Test/x/gone":
			return x != gotest.Skip
		case "TestA/x|TestA/gone":
			return t.Name == "TestA"
		}
		return g.Run != ""
	})
}

// skipsWithin tells whether all that a test is made of skipped itself.
func skipsWithin(g *GoTest, name string) bool {
	i := slices.IndexFunc(g.Stream.Tests, func(t gotest.Test) bool { return t.Name == name+"/x" })
	return i >= 0 && g.Stream.Tests[i].Outcome == gotest.Skip
}

// ends counts by their frames alone the tests that have to run: those that are required, otherwise all that were seen.
func ends(g *GoTest, required []string) (passed, skipped, open int) {
	outcomes := map[string]gotest.Outcome{}
	for _, name := range required {
		outcomes[name] = gotest.Unended
	}
	if required == nil {
		b := g.Stream.Beyond
		passed, skipped, open = int(b.Passed), int(b.Skipped), int(b.Started-b.Passed-b.Skipped)
	}
	for _, t := range g.Stream.Tests {
		if _, listed := outcomes[t.Name]; t.TopLevel() && (listed || required == nil) {
			if outcomes[t.Name] = t.Outcome; t.Outcome == gotest.Pass && skipsWithin(g, t.Name) {
				outcomes[t.Name] = gotest.Skip
			}
		}
	}
	for _, o := range outcomes {
		switch o {
		case gotest.Pass:
			passed++
		case gotest.Skip:
			skipped++
		default:
			open++
		}
	}
	return passed, skipped, open
}
