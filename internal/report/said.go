package report

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// Constraint is what came of a constraint that a test evaluated.
type Constraint struct {
	Name     string `json:"name"`
	Expected string `json:"expected,omitempty"`
	Actual   string `json:"actual,omitempty"`
	Passed   bool   `json:"passed"`
	// Severity is error or warning; a constraint that is only a warning fails nothing.
	Severity string `json:"severity,omitempty"`
	// Remediation says how to mend what was found.
	Remediation string `json:"remediation,omitempty"`
}

// Artifact is something that a test handed over to be kept.
type Artifact struct {
	Label string `json:"label"`
	// Bytes and SHA256 are of the content, whether or not it is here.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Text is the content where that is text which any encoding takes as it is, otherwise Base64 is.
	Text   string `json:"text,omitempty"`
	Base64 string `json:"base64,omitempty"`
	// DataOmitted says that the content was left out for size.
	DataOmitted bool `json:"dataOmitted,omitempty"`
}

const (
	constraintBytes  = 512
	remediationBytes = 1024
	labelBytes       = 256
	// mendBytes and brokenBytes are the most that remedies and constraints take of a message.
	mendBytes, brokenBytes = 320, 400
	mendPrefix             = "To mend: "
)

func newConstraint(c gotest.Constraint) Constraint {
	return Constraint{
		Name: clipLine(c.Name, constraintBytes), Expected: clipLine(c.Expected, remediationBytes), Actual: clipLine(c.Actual, remediationBytes),
		Passed: c.Passed, Severity: clipLine(c.Severity, reasonBytes), Remediation: Clip(c.Remediation, remediationBytes),
	}
}

func newArtifact(a gotest.Artifact) Artifact {
	out := Artifact{Label: clipLine(a.Label, labelBytes), Bytes: a.Bytes, SHA256: clipLine(a.SHA256, reasonBytes)}
	switch text := string(a.Data); {
	case int64(len(a.Data)) != a.Bytes:
		out.DataOmitted = true
	case inert(text) == text:
		out.Text = text
	default:
		out.Base64 = base64.StdEncoding.EncodeToString(a.Data)
	}
	return out
}

// withoutData is the artifact without its content.
func (a Artifact) withoutData() Artifact {
	a.DataOmitted = a.DataOmitted || a.hasData()
	a.Text, a.Base64 = "", ""
	return a
}

func (a Artifact) hasData() bool { return a.Text != "" || a.Base64 != "" }

// String says what came out of a constraint.
func (c Constraint) String() string {
	word := "holds"
	switch {
	case !c.Passed && c.Severity == gotest.SeverityWarning:
		word = "does not hold (warning)"
	case !c.Passed:
		word = "does not hold"
	}
	return word + ": " + c.found()
}

func (c Constraint) found() string {
	return fmt.Sprintf("expected %s, found %s", orNothing(c.Expected), orNothing(c.Actual))
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// fails tells whether the constraint fails its test.
func (c Constraint) fails() bool { return !c.Passed && c.Severity != gotest.SeverityWarning }

// appendix is what the message of a test says behind its output: the constraints that do not hold, and how to mend it.
func (t Test) appendix() string {
	var broken, mend []string
	if t.Remediation != "" && t.Status != verdict.Passed {
		mend = append(mend, t.Remediation)
	}
	for _, c := range t.Constraints {
		if !c.fails() {
			continue
		}
		broken = append(broken, fmt.Sprintf("constraint %s %s", c.Name, c))
		if c.Remediation != "" && !slices.Contains(mend, c.Remediation) {
			mend = append(mend, c.Remediation)
		}
	}
	var lines []string
	if len(broken) > 0 {
		lines = append(lines, Clip(strings.Join(broken, "\n"), brokenBytes))
	}
	if len(mend) > 0 {
		lines = append(lines, mendPrefix+Clip(line(strings.Join(mend, " ")), mendBytes))
	}
	return strings.Join(lines, "\n")
}

// withoutArtifacts returns copies of the phases without the contents of artifacts.
func withoutArtifacts(phases []Phase) []Phase {
	return eachTest(phases, func(t *Test) {
		t.Artifacts = slices.Clone(t.Artifacts)
		for i, a := range t.Artifacts {
			t.Artifacts[i] = a.withoutData()
		}
	})
}

// withoutAttributes returns copies of the phases without what tests said of themselves, but for the names of constraints and what
// came of them, and the labels and digests of artifacts.
func withoutAttributes(phases []Phase) []Phase {
	return withoutArtifacts(eachTest(phases, func(t *Test) {
		t.CutAttributes += len(t.Attributes)
		t.Attributes = nil
		if t.Remediation != "" {
			t.CutAttributes++
			t.Remediation = ""
		}
		t.Constraints = slices.Clone(t.Constraints)
		for i, c := range t.Constraints {
			bare := Constraint{Name: c.Name, Passed: c.Passed, Severity: c.Severity}
			if c != bare {
				t.CutAttributes++
				t.Constraints[i] = bare
			}
		}
	}))
}

// saidCost is the most that takes in a file which withoutAttributes leaves out of a test.
func (t Test) saidCost() int {
	size := 0
	for key, value := range t.Attributes {
		size += attributeCost + attributeEscape*(len(key)+len(value))
	}
	if t.Remediation != "" {
		size += attributeCost + 3*attributeEscape*len(t.Remediation) // it is in the message as well, and that may be there twice
	}
	for _, c := range t.Constraints {
		if text := len(c.Expected) + len(c.Actual) + len(c.Remediation); text > 0 {
			size += 2*attributeCost + 3*attributeEscape*text
		}
	}
	for _, a := range t.Artifacts {
		if a.hasData() {
			size += attributeCost + textCost(a.Text, earlierIndentCost) + len(a.Base64)
		}
	}
	return size
}

// saysLess tells whether withoutAttributes would leave anything out.
func (t Test) saysLess() bool {
	return len(t.Attributes) > 0 || t.saidCost() > 0
}
