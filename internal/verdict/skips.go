package verdict

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// couldNotRun are the tests, subtests among them, that skipped themselves because they could not tell.
func (c *trial) couldNotRun() []string {
	var out []string
	for _, t := range c.tests {
		if t.Status == Skipped && t.SkipKind == gotest.SkipCouldNotRun {
			out = append(out, t.Name)
		}
	}
	return out
}

// unexplained are the tests, subtests among them, that skipped themselves without a word that was read, where parts of the log are missing, be
// it only their own beginning: had they said that they could not run, they might have said so there.
func (c *trial) unexplained() []string {
	var out []string
	for _, t := range c.stream.Tests {
		if t.Outcome == gotest.Skip && t.SkipKind == "" && (c.goTest.LogMissing != "" || t.Runs == 0) {
			out = append(out, t.Name)
		}
	}
	return out
}

// unheard is how many tests that are not kept said that they could not run, where such tests skipped themselves.
func (c *trial) unheard() int {
	if c.stream.Beyond.Skipped+c.stream.BeyondSubtests.Skipped == 0 {
		return 0
	}
	return int(c.stream.Anomalies[gotest.DroppedSkip])
}

func (c *trial) skipsUnexplained() (string, string) {
	names := c.unexplained()
	if len(names) == 0 {
		return "", ""
	}
	missing := c.goTest.LogMissing
	if missing == "" {
		missing = "the beginning of a test"
	}
	return v1alpha1.ReasonEvidenceIncomplete, fmt.Sprintf("the log is incomplete: %s; it may have said there that %s could not run, and skipped: %s",
		missing, tests(len(names)), list(names))
}

func (c *trial) skipsDenied() (string, string) {
	if names := c.couldNotRun(); len(names) > 0 {
		return v1alpha1.ReasonRequiredCheckSkipped, fmt.Sprintf("%s could not run, and skipped: %s", tests(len(names)), list(names))
	}
	if n := c.unheard(); n > 0 {
		return v1alpha1.ReasonRequiredCheckSkipped, fmt.Sprintf("%s could not run, and skipped, beyond the tests whose names are kept", tests(n))
	}
	skipped, names := int(c.stream.Beyond.Skipped), c.namesOf(Skipped)
	if skipped += len(names); skipped == 0 || !c.goTest.DenySkips {
		return "", ""
	}
	message := fmt.Sprintf("%s skipped", tests(skipped))
	if len(names) > 0 {
		message += " (" + list(names) + ")"
	}
	if len(c.goTest.Checks) == 0 {
		return v1alpha1.ReasonRequiredCheckSkipped, message + ", which goTest.skips: Deny does not permit"
	}
	message += ", and a check that is named has to run: take it out of the checks, or set goTest.skips: Allow"
	return v1alpha1.ReasonRequiredCheckSkipped, message
}
