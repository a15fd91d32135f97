package verdict

import (
	"fmt"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// seekSubtests looks for the subtests that run selects, in the tests of the manifest, or in those that were seen where there is none.
func (c *trial) seekSubtests() {
	tops := c.goTest.Manifest
	if tops == nil {
		tops = c.names(func(Test) bool { return true })
	}
	lacking, err := gotest.Lacking(c.goTest.Run, tops, c.stream.Tests)
	if err != nil { // nobody knows what was selected
		for _, name := range tops {
			lacking = append(lacking, gotest.Lack{Test: name})
		}
	}
	if c.goTest.Manifest == nil && c.stream.Beyond.Started > 0 && strings.Contains(c.goTest.Run, "/") {
		lacking = append(lacking, gotest.Lack{Test: "tests beyond those"})
	}
	c.lacking = lacking
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
	case c.stream.Beyond.Started+c.stream.BeyondSubtests.Started > 0 || c.stream.Anomalies[gotest.LongName] > 0:
		return v1alpha1.ReasonInvalidSpec, "not all names of tests are kept, so that nobody knows whether the subtests ran that run selects in " +
			in + ": have the phase run fewer tests, or ones of shorter names"
	}
	return v1alpha1.ReasonNoTests, "run selects subtests, and there is none of them in " + in
}
