package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// trial is a goTest phase being judged: the evidence, and the tests judged one by one.
type trial struct {
	goTest  *GoTest
	stream  *gotest.Result
	exit    *Exit
	trouble *Trouble
	tests   []Test
	index   map[identity]int // of tests
	unknown *Trouble         // what is wrong with the checks' names
	lacking []gotest.Lack    // what is missing of the subtests that run selects
	// seenTop is how many top-level tests the stream showed, top how many there are with those that never ran.
	seenTop, top int
	// frames says that a fail frame was read, and not only a constraint that does not hold.
	frames bool
}

// identity tells tests apart: ready-made events may be those of several packages.
type identity struct{ pkg, name string }

func newTrial(e Evidence) *trial {
	c := &trial{goTest: e.GoTest, stream: &e.GoTest.Stream, exit: e.Exit, trouble: e.Trouble, index: map[identity]int{}}
	c.selectChecks()
	c.tests = make([]Test, 0, len(c.stream.Tests)+len(c.goTest.Manifest))
	c.addStream()
	c.addWitness()
	c.settleFamilies()
	c.settleParents()
	c.seenTop = c.countTop()
	seen := map[string]bool{}
	for _, t := range c.tests {
		seen[t.Name] = true
	}
	for _, name := range c.goTest.Manifest {
		if !seen[name] {
			c.tests = append(c.tests, Test{Name: name, Status: Error, Reason: v1alpha1.ReasonTestMissing})
		}
	}
	c.top = c.countTop()
	c.seekSubtests()
	return c
}

// countTop counts top-level tests, those among them whose names are not kept.
func (c *trial) countTop() int {
	return len(c.names(func(Test) bool { return true })) + int(c.stream.Beyond.Started)
}

func (c *trial) add(t Test) {
	c.index[identity{t.Package, t.Name}] = len(c.tests)
	c.tests = append(c.tests, t)
}

// addStream judges the tests of the stream. A subtest proves that its test has started, whether or not the frames of that one
// were seen; they may merely be beyond the limits.
func (c *trial) addStream() {
	tops := map[identity]bool{}
	for _, t := range c.stream.Tests {
		if t.TopLevel() {
			tops[identity{t.Package, t.Name}] = true
		}
	}
	for _, t := range c.stream.Tests {
		judged := c.judge(t)
		if top := topOf(t.Package, t.Name); !tops[top] && (judged.Status == Failed || c.stream.Beyond.Started == 0) {
			tops[top] = true
			c.add(c.started(top))
		}
		c.add(judged)
	}
}

// started is a test of which nothing is proven but that it has started.
func (c *trial) started(id identity) Test {
	return Test{Name: id.name, Package: id.pkg, Status: Error, Reason: c.openReason(id.name)}
}

func topOf(pkg, name string) identity {
	top, _, _ := strings.Cut(name, "/")
	return identity{pkg, top}
}

// judge takes a test by itself.
func (c *trial) judge(t gotest.Test) Test {
	out := Test{
		Name: t.Name, Package: t.Package, Elapsed: t.Elapsed, Output: t.Output, Attributes: t.Attributes,
		Constraints: c.weighed(t.Constraints), Artifacts: t.Artifacts, Remediation: t.Remediation, SkipKind: t.SkipKind,
	}
	switch t.Outcome {
	case gotest.Pass:
		out.Status = Passed
	case gotest.Fail:
		out.Status = Failed
	case gotest.Skip:
		out.Status = Skipped
	case gotest.Unended:
		out.Status, out.Reason = Error, c.openReason(t.Name)
	}
	if out.Status == Failed {
		c.frames = true
	}
	if slices.ContainsFunc(out.Constraints, fails) {
		out.Status, out.Reason = Failed, ""
	}
	return out
}

// openReason says why a test that started has no end.
func (c *trial) openReason(name string) string {
	p := c.stream.Panic
	switch {
	case p != nil && p.Timeout:
		return v1alpha1.ReasonDeadlineExceeded
	case p != nil && (p.Test == name || p.Test == ""):
		return v1alpha1.ReasonPanicked
	case c.trouble != nil:
		return c.trouble.Reason
	}
	return v1alpha1.ReasonTestIncomplete
}

// addWitness takes failures from the termination message, which is the tail of the same stream and may hold what the log lost.
func (c *trial) addWitness() {
	for _, w := range c.goTest.Witness.Tests {
		if w.Outcome == gotest.Fail {
			c.frames = true
		} else if !slices.ContainsFunc(c.weighed(w.Constraints), fails) {
			continue
		}
		for _, id := range []identity{topOf(w.Package, w.Name), {w.Package, w.Name}} {
			if _, seen := c.index[id]; !seen {
				c.add(c.started(id))
			}
		}
		t := &c.tests[c.index[identity{w.Package, w.Name}]]
		if t.Status, t.Reason = Failed, ""; t.Output == (gotest.Output{}) {
			t.Elapsed, t.Output = w.Elapsed, w.Output
		}
		t.Constraints = withFailures(t.Constraints, c.weighed(w.Constraints))
	}
}

// settleFamilies uses what testing guarantees: a test ends after its subtests, and fails if one of them fails. So a parent of a
// subtest that failed is a failure, whatever else it says, and a subtest without an end below a parent that ended well did not
// fail, though it skipped itself if it said that it could not run.
func (c *trial) settleFamilies() {
	for _, t := range c.tests {
		if t.Status != Failed {
			continue
		}
		for _, parent := range parents(t.Name) {
			if p, known := c.index[identity{t.Package, parent}]; known {
				c.tests[p].Status, c.tests[p].Reason = Failed, ""
			}
		}
	}
	for i := range c.tests {
		t := &c.tests[i]
		for _, parent := range parents(t.Name) {
			if p, known := c.index[identity{t.Package, parent}]; known && t.Status == Error {
				if up := c.tests[p].Status; up == Passed || up == Skipped {
					t.Status, t.Reason = up, ""
				}
				if t.Status == Passed && t.SkipKind == gotest.SkipCouldNotRun {
					t.Status = Skipped
				}
			}
		}
	}
}

// settleParents takes a test for skipped of which every subtest skipped itself: testing says of it that it passed, and nothing that it was
// made of ran to an end that proves anything.
func (c *trial) settleParents() {
	if c.stream.BeyondSubtests.Started > 0 {
		return // nobody knows whose they are
	}
	depth := func(i int) int { return strings.Count(c.tests[i].Name, "/") }
	order := make([]int, len(c.tests))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return depth(b) - depth(a) }) // subtests before their tests
	skipped, other := map[int]bool{}, map[int]bool{}
	for _, i := range order {
		t := &c.tests[i]
		if t.Status == Passed && skipped[i] && !other[i] {
			t.Status = Skipped
		}
		for _, parent := range parents(t.Name) {
			if p, known := c.index[identity{t.Package, parent}]; known {
				skipped[p], other[p] = skipped[p] || t.Status == Skipped, other[p] || t.Status != Skipped
				break
			}
		}
	}
}

// parents are the names of a subtest's parents, the nearest first.
func parents(name string) []string {
	var out []string
	for i := strings.LastIndexByte(name, '/'); i >= 0; i = strings.LastIndexByte(name[:i], '/') {
		out = append(out, name[:i])
	}
	return out
}

// settled says whether every top-level test, listed or seen, has an end of its own.
func (c *trial) settled() bool {
	b := c.stream.Beyond
	return b.Started == b.Passed+b.Failed+b.Skipped &&
		!slices.ContainsFunc(c.tests, func(t Test) bool { return t.TopLevel() && t.Status == Error })
}

// open are the top-level tests that started and never ended.
func (c *trial) open() []string {
	return c.names(func(t Test) bool { return t.Status == Error && t.Reason != v1alpha1.ReasonTestMissing })
}

func (c *trial) namesOf(s Status) []string {
	return c.names(func(t Test) bool { return t.Status == s })
}
func (c *trial) reasoned(reason string) []string {
	return c.names(func(t Test) bool { return t.Reason == reason })
}

func (c *trial) names(which func(Test) bool) []string {
	var out []string
	for _, t := range c.tests {
		if t.TopLevel() && which(t) {
			out = append(out, t.Name)
		}
	}
	return out
}

func (c *trial) exitCode() int32 {
	if c.exit == nil {
		return -1
	}
	return c.exit.Code
}

// notes name what disagrees with the finding.
func (c *trial) notes(reason string) []string {
	var out []string
	if reason == v1alpha1.ReasonTestsFailed {
		switch {
		case c.trouble != nil:
			out = append(out, fmt.Sprintf("then %s: %s", c.trouble.Reason, c.trouble.Message))
		case c.stream.Panic != nil:
			out = append(out, "panic: "+c.stream.Panic.Message)
		case c.exit != nil && c.exit.Code == 0 && (c.frames || len(c.describe(fails)) == 0):
			out = append(out, v1alpha1.ReasonExitCodeMismatch+": the container ended with exit code 0")
		}
		if open := c.open(); len(open) > 0 {
			out = append(out, fmt.Sprintf("%s never ended", tests(len(open))))
		}
		if n := c.wrongCount(); n >= 0 {
			out = append(out, fmt.Sprintf("%s ran, expectedTests is %d", tests(n), c.goTest.ExpectedTests))
		}
		if missing := c.reasoned(v1alpha1.ReasonTestMissing); len(missing) > 0 {
			out = append(out, fmt.Sprintf("%s never ran", tests(len(missing))))
		}
	}
	if reason != v1alpha1.ReasonConstraintNotEvaluated && c.stream.Anomalies[gotest.DroppedConstraint] > 0 {
		out = append(out, reportsOf(c.stream.Anomalies[gotest.DroppedConstraint])+" could not be kept")
	}
	warnings := c.describe(warns)
	for _, text := range warnings[:min(len(warnings), maxWarnings)] {
		out = append(out, "warning: "+text)
	}
	if more := len(warnings) - maxWarnings; more > 0 {
		out = append(out, fmt.Sprintf("%d more warnings", more))
	}
	if c.goTest.LogMissing != "" && reason != v1alpha1.ReasonEvidenceIncomplete {
		out = append(out, "the log is incomplete: "+c.goTest.LogMissing)
	}
	if extra := c.unlisted(); len(extra) > 0 {
		out = append(out, fmt.Sprintf("%s not of the binary's list: %s", tests(len(extra)), list(extra)))
	}
	return out
}

// unlisted are top-level tests of the stream that the manifest does not hold: such frames were not printed by testing.
func (c *trial) unlisted() []string {
	if c.goTest.Manifest == nil {
		return nil
	}
	known := c.listed()
	for _, name := range c.goTest.All {
		known[name] = true
	}
	return c.names(func(t Test) bool { return !known[t.Name] })
}

// listed are the names that the manifest holds.
func (c *trial) listed() map[string]bool {
	out := map[string]bool{}
	for _, name := range c.goTest.Manifest {
		out[name] = true
	}
	return out
}

// ended counts the tests that can prove something, by how they ended: those of the manifest where there is one, since a frame of
// any other test was not printed by testing.
func (c *trial) ended() (passed, skipped int) {
	if c.goTest.Manifest == nil {
		b := c.stream.Beyond
		return len(c.namesOf(Passed)) + int(b.Passed), len(c.namesOf(Skipped)) + int(b.Skipped)
	}
	listed := c.listed()
	passed = len(c.names(func(t Test) bool { return listed[t.Name] && t.Status == Passed }))
	skipped = len(c.names(func(t Test) bool { return listed[t.Name] && t.Status == Skipped }))
	return passed, skipped
}
