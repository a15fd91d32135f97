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

func (c *trial) skipsDenied() (string, string) {
	if names := c.couldNotRun(); len(names) > 0 {
		return v1alpha1.ReasonRequiredCheckSkipped, fmt.Sprintf("%s could not run, and skipped: %s", tests(len(names)), list(names))
	}
	skipped, names := int(c.stream.Beyond.Skipped), c.namesOf(Skipped)
	if skipped += len(names); skipped == 0 || !c.goTest.DenySkips {
		return "", ""
	}
	message := fmt.Sprintf("%s skipped, which skips: Deny does not permit", tests(skipped))
	if len(names) > 0 {
		message += ": " + list(names)
	}
	return v1alpha1.ReasonRequiredCheckSkipped, message
}

func (c *trial) subtestsMissing() (string, string) {
	names := c.childless()
	if len(names) == 0 {
		return "", ""
	}
	return v1alpha1.ReasonNoTests, "run selects subtests, and there is none of them in " + list(names)
}
