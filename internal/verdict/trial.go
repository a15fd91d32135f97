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
	// seenTop is how many top-level tests the stream showed, top how many there are with those that never ran.
	seenTop, top int
}

func newTrial(e Evidence) *trial {
	c := &trial{goTest: e.GoTest, stream: &e.GoTest.Stream, exit: e.Exit, trouble: e.Trouble}
	c.tests = make([]Test, 0, len(c.stream.Tests)+len(c.goTest.Manifest))
	byName := map[string]int{}
	for _, t := range c.stream.Tests {
		byName[t.Name] = len(c.tests)
		c.tests = append(c.tests, c.judge(t))
	}
	c.addWitness(byName)
	c.settleFamilies(byName)
	for _, t := range c.tests {
		if t.TopLevel() {
			c.seenTop++
		}
	}
	for _, name := range c.goTest.Manifest {
		if _, seen := byName[name]; !seen {
			c.tests = append(c.tests, Test{Name: name, Status: Error, Reason: v1alpha1.ReasonTestMissing})
		}
	}
	c.seenTop += int(c.stream.Beyond.Started)
	for _, t := range c.tests {
		if t.TopLevel() {
			c.top++
		}
	}
	c.top += int(c.stream.Beyond.Started)
	return c
}

// judge takes a test by itself.
func (c *trial) judge(t gotest.Test) Test {
	out := Test{Name: t.Name, Package: t.Package, Elapsed: t.Elapsed, Output: t.Output, Attributes: t.Attributes}
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
func (c *trial) addWitness(byName map[string]int) {
	for _, w := range c.goTest.Witness.Tests {
		if w.Outcome != gotest.Fail {
			continue
		}
		i, seen := byName[w.Name]
		if !seen {
			i = len(c.tests)
			byName[w.Name] = i
			c.tests = append(c.tests, Test{Name: w.Name, Package: w.Package, Elapsed: w.Elapsed, Output: w.Output})
		}
		c.tests[i].Status, c.tests[i].Reason = Failed, ""
	}
}

// settleFamilies uses what testing guarantees: a test ends after its subtests, and fails if one of them fails. So a subtest without an
// end below a parent that ended did not fail, and a parent without an end above a subtest that failed is a failure.
func (c *trial) settleFamilies(byName map[string]int) {
	for i := range c.tests {
		t := &c.tests[i]
		for _, parent := range parents(t.Name) {
			p, known := byName[parent]
			if !known {
				continue
			}
			switch up := &c.tests[p]; {
			case t.Status == Failed && up.Status != Failed:
				up.Status, up.Reason = Failed, ""
			case t.Status == Error && (up.Status == Passed || up.Status == Skipped):
				t.Status, t.Reason = up.Status, ""
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

func (c *trial) namesOf(s Status) []string      { return c.names(func(t Test) bool { return t.Status == s }) }
func (c *trial) reasoned(reason string) []string { return c.names(func(t Test) bool { return t.Reason == reason }) }

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
		case c.exit != nil && c.exit.Code == 0:
			out = append(out, v1alpha1.ReasonExitCodeMismatch+": the container ended with exit code 0")
		}
		if missing := c.reasoned(v1alpha1.ReasonTestMissing); len(missing) > 0 {
			out = append(out, fmt.Sprintf("%s never ran", count(len(missing), "test")))
		}
	}
	if c.goTest.LogMissing != "" && reason != v1alpha1.ReasonEvidenceIncomplete {
		out = append(out, "the log is incomplete: "+c.goTest.LogMissing)
	}
	if extra := c.unlisted(); len(extra) > 0 {
		out = append(out, fmt.Sprintf("%s not of the binary's list: %s", count(len(extra), "test"), list(extra)))
	}
	return out
}

// unlisted are top-level tests of the stream that the manifest does not hold: such frames were not printed by testing.
func (c *trial) unlisted() []string {
	if c.goTest.Manifest == nil {
		return nil
	}
	listed := map[string]bool{}
	for _, name := range c.goTest.Manifest {
		listed[name] = true
	}
	return c.names(func(t Test) bool { return !listed[t.Name] })
}
