package verdict

import (
	"fmt"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// Judge says what the evidence proves.
func Judge(e Evidence) Outcome {
	if e.GoTest == nil {
		return judgeContainer(e)
	}
	c := newTrial(e)
	reason, message := c.finding()
	out := Outcome{Reason: reason, Message: message, Tests: c.tests, Notes: c.notes(reason)}
	out.Summary = summarize(c.tests, c.stream.Beyond)
	switch reason {
	case "":
		out.State = v1alpha1.PhasePassed
	case v1alpha1.ReasonTestsFailed:
		out.State = v1alpha1.PhaseFailed
	case v1alpha1.ReasonNothingApplicable:
		out.State = v1alpha1.PhaseSkipped
	default:
		out.State = v1alpha1.PhaseError
	}
	if n := out.Notes; len(n) > 0 && out.State != v1alpha1.PhasePassed && out.State != v1alpha1.PhaseSkipped {
		out.Message += " (" + strings.Join(n, "; ") + ")"
	}
	return out
}

// finding is the reason that explains most, with its message; empty where the phase is proven to have passed.
func (c *trial) finding() (reason, message string) {
	for _, rule := range []func() (string, string){
		c.failed,
		c.allProven, // from here on: no failure, and something is missing
		c.checkNotFound,
		c.befallen,
		c.timedOut,
		c.panicked,
		c.logLost,
		c.unlistable,
		c.unended,
		c.nothingRan,
		c.missing,
		c.miscounted,
		c.uncounted,
		c.forgeable,
		c.unfinished,
		c.wrongExit,
		c.skipsDenied,
		c.skipsUnexplained,
		c.notEvaluated,
		c.subtestsMissing,
	} {
		if reason, message = rule(); reason != "" || message != "" {
			break
		}
	}
	switch reason {
	case "":
		return v1alpha1.ReasonEvidenceIncomplete, "the evidence does not prove that the tests passed"
	case proven:
		return "", message
	}
	return reason, message
}

// proven is the finding that the phase has passed. It is no reason of the API: Passed needs none.
const proven = "proven"

func (c *trial) failed() (string, string) {
	names := c.namesOf(Failed)
	beyond := c.stream.Beyond.Failed
	switch {
	case len(names) > 0:
		message := fmt.Sprintf("%s failed: %s", tests(len(names)+int(beyond)), list(names))
		if broken := c.describe(fails); len(broken) > 0 {
			message += "; " + strings.Join(broken[:min(len(broken), listed)], "; ")
		}
		return v1alpha1.ReasonTestsFailed, message
	case beyond > 0:
		return v1alpha1.ReasonTestsFailed, fmt.Sprintf("%s failed, beyond the tests whose names are kept", tests(int(beyond)))
	case c.stream.BeyondSubtests.Failed > 0:
		return v1alpha1.ReasonTestsFailed, "a subtest failed, beyond the tests whose names are kept"
	case c.stream.Framing == gotest.Marked && c.stream.Overall == gotest.Fail && c.stream.Panic == nil &&
		c.settled() && c.exitCode() == 1:
		return v1alpha1.ReasonTestsFailed, "the test binary reported FAIL outside of its tests"
	}
	return "", ""
}

// allProven is rule 2 of the package comment, whole. Trouble that came after all of this counts for nothing.
func (c *trial) allProven() (string, string) {
	enough := c.goTest.Manifest != nil && c.settled() ||
		c.goTest.Manifest == nil && c.goTest.ExpectedTests > 0 && c.goTest.LogMissing == "" && c.settled()
	passed, skipped := c.ended()
	ended := c.stream.Overall == gotest.Pass && c.exitCode() == 0 && passed+skipped > 0
	if !enough || !ended || c.wrongCount() >= 0 || c.stream.Framing == gotest.Unmarked || len(c.lacking) > 0 {
		return "", ""
	}
	switch {
	case skipped > 0 && c.goTest.DenySkips, len(c.couldNotRun())+len(c.unexplained())+c.unheard() > 0:
		return "", ""
	case c.unknown != nil, len(c.goTest.Checks) > 0 && c.goTest.Manifest == nil:
		return "", ""
	case c.unproven():
		return "", ""
	case passed == 0:
		return v1alpha1.ReasonNothingApplicable, fmt.Sprintf("%s skipped, none was applicable", tests(skipped)) + c.warned()
	}
	message := fmt.Sprintf("%d passed", passed)
	if skipped > 0 {
		message += fmt.Sprintf(", %d skipped", skipped)
	}
	return proven, message + c.warned()
}

func (c *trial) befallen() (string, string) {
	if c.trouble == nil {
		return "", ""
	}
	return c.trouble.Reason, c.trouble.Message
}

func (c *trial) timedOut() (string, string) {
	p := c.stream.Panic
	if p == nil || !p.Timeout {
		return "", ""
	}
	message := p.Message
	if len(p.Running) > 0 {
		message += ", while running: " + list(p.Running)
	}
	return v1alpha1.ReasonDeadlineExceeded, message
}

func (c *trial) panicked() (string, string) {
	p := c.stream.Panic
	if p == nil {
		return "", ""
	}
	message := "panic: " + p.Message
	if p.Test != "" {
		message += ", in " + p.Test
	} else if open := c.open(); len(open) > 0 {
		message += ", while running: " + list(open)
	}
	return v1alpha1.ReasonPanicked, message
}

func (c *trial) logLost() (string, string) {
	if c.goTest.LogMissing == "" || c.goTest.Manifest != nil && c.settled() && c.stream.Framing != gotest.Unmarked {
		return "", ""
	}
	return v1alpha1.ReasonEvidenceIncomplete, "the log is incomplete: " + c.goTest.LogMissing
}

func (c *trial) unended() (string, string) {
	open := c.open()
	switch b := c.stream.Beyond; {
	case len(open) > 0:
	case b.Started > b.Passed+b.Failed+b.Skipped:
		open = []string{"beyond the tests whose names are kept"}
	default:
		return "", ""
	}
	return v1alpha1.ReasonTestIncomplete, fmt.Sprintf("%s started and never ended: %s; the container ended with %s",
		tests(len(open)), list(open), c.exit)
}

func (c *trial) nothingRan() (string, string) {
	if c.seenTop > 0 && (c.goTest.Manifest == nil || len(c.goTest.Manifest) > 0) {
		return "", ""
	}
	message := "no test ran"
	switch {
	case c.goTest.Manifest != nil && len(c.goTest.Manifest) == 0 && c.goTest.Listed > 0:
		message = fmt.Sprintf("no test ran: run selects none of the binary's %s", tests(c.goTest.Listed))
	case c.goTest.Manifest != nil && len(c.goTest.Manifest) == 0:
		message = "no test ran: the binary has none"
	}
	return v1alpha1.ReasonNoTests, fmt.Sprintf("%s; the container ended with %s", message, c.exit)
}

func (c *trial) missing() (string, string) {
	names := c.reasoned(v1alpha1.ReasonTestMissing)
	if len(names) == 0 {
		return "", ""
	}
	return v1alpha1.ReasonTestMissing, fmt.Sprintf("%s of the binary's list never ran: %s; the container ended with %s",
		tests(len(names)), list(names), c.exit)
}

// wrongCount is the number of tests where it is not the expected one, otherwise -1. Neither the stream nor the list may disagree.
func (c *trial) wrongCount() int {
	want := c.goTest.ExpectedTests
	switch {
	case want == 0:
		return -1
	case c.top != want:
		return c.top
	case c.goTest.Manifest != nil && len(c.goTest.Manifest) != want:
		return len(c.goTest.Manifest)
	}
	return -1
}

func (c *trial) miscounted() (string, string) {
	n := c.wrongCount()
	if n < 0 {
		return "", ""
	}
	return v1alpha1.ReasonUnexpectedTestCount, fmt.Sprintf("%s ran, expectedTests is %d", tests(n), c.goTest.ExpectedTests)
}

// uncounted: without a list and a number, any tests could be missing.
func (c *trial) uncounted() (string, string) {
	if c.goTest.Manifest != nil || c.goTest.ExpectedTests > 0 {
		return "", ""
	}
	return v1alpha1.ReasonEvidenceIncomplete,
		"nothing says which tests there have to be: " + c.noList() + ", and expectedTests is not set"
}

// forgeable: in the output of plain -test.v a check that prints "--- PASS" looks like testing itself. A command that prints it will do so
// again: what has to be mended is the spec.
func (c *trial) forgeable() (string, string) {
	if c.stream.Framing != gotest.Unmarked {
		return "", ""
	}
	return v1alpha1.ReasonInvalidSpec,
		"the stream is that of plain -test.v, which any output can forge: use -test.v=test2json, or go test -json"
}

func (c *trial) unfinished() (string, string) {
	if c.stream.Overall != gotest.Unended && c.exit != nil {
		return "", ""
	}
	if c.exit == nil {
		return v1alpha1.ReasonEvidenceIncomplete, "nobody saw how the container ended"
	}
	return v1alpha1.ReasonEvidenceIncomplete,
		fmt.Sprintf("the test binary never printed its final PASS; the container ended with %s", c.exit)
}

func (c *trial) wrongExit() (string, string) {
	switch {
	case c.exit.Code != 0:
		return v1alpha1.ReasonExitCodeMismatch, fmt.Sprintf("no test failed, but the container ended with %s", c.exit)
	case c.stream.Overall == gotest.Fail:
		return v1alpha1.ReasonExitCodeMismatch, "no test failed and the exit code is 0, but the test binary reported FAIL"
	}
	return "", ""
}
