package verdict

import (
	"fmt"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// seekSubtests looks for the subtests that run selects, in the tests of the manifest.
func (c *trial) seekSubtests() {
	tops := c.goTest.Manifest
	var err error
	if c.lacking, err = gotest.Lacking(c.goTest.Run, tops, c.stream.Tests); err == nil {
		return
	}
	for _, name := range tops { // nobody knows what was selected
		c.lacking = append(c.lacking, gotest.Lack{Test: name})
	}
}

// subtestsMissing: testing passes a test that ran only for the sake of subtests which it does not have.
func (c *trial) subtestsMissing() (string, string) {
	if len(c.lacking) == 0 {
		return "", ""
	}
	var missing []string
	for _, l := range c.lacking {
		if l.Alternative != "" {
			l.Test += " (by " + l.Alternative + ")"
		}
		missing = append(missing, l.Test)
	}
	in := list(missing)
	switch {
	case c.goTest.LogMissing != "":
		return v1alpha1.ReasonEvidenceIncomplete,
			fmt.Sprintf("the log is incomplete: %s; the subtests may be there that run selects, and of which none was seen in %s", c.goTest.LogMissing, in)
	case c.stream.BeyondSubtests.Started > 0 || c.stream.Anomalies[gotest.LongName] > 0:
		return v1alpha1.ReasonEvidenceIncomplete, "the subtests that run selects in " + in +
			" may be among those whose names are not kept: have the phase run fewer subtests, or ones of shorter names"
	}
	return v1alpha1.ReasonNoTests, "run selects subtests, and there is none of them in " + in
}
