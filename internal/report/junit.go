package report

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/validation-operator/validation-operator/internal/verdict"
)

type (
	junitReport struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Time   string       `xml:"time,attr"`
		Suites []junitSuite `xml:"testsuite"`
	}

	junitCounts struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
	}

	junitSuite struct {
		Name string `xml:"name,attr"`
		junitCounts
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Hostname   string          `xml:"hostname,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
		SystemOut  *junitText      `xml:"system-out"`
	}

	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}

	junitCase struct {
		Name       string          `xml:"name,attr"`
		Class      string          `xml:"classname,attr"`
		Time       string          `xml:"time,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Skipped    *junitTrouble   `xml:"skipped"`
		Error      *junitTrouble   `xml:"error"`
		Failure    *junitTrouble   `xml:"failure"`
		SystemOut  *junitText      `xml:"system-out"`
	}

	junitTrouble struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",cdata"`
	}

	junitText struct {
		Text string `xml:",cdata"`
	}
)

// marshalJUnit writes the result as JUnit's XML, in the dialect that Jenkins and GitLab read: phases are testsuites, and each test
// is of the class run.phase, which they show as phases of a run. What a test that did not pass has printed is the text of its
// failure or error, and what any other has printed its system-out. Times are UTC, since the format has no zones.
func marshalJUnit(r Result) ([]byte, error) {
	out := junitReport{Name: line(r.Run.Name), Time: xmlSeconds(between(r.StartTime, r.CompletionTime).Seconds())}
	for _, s := range suites(r) {
		suite := newJUnitSuite(r, s)
		out.add(suite.junitCounts)
		out.Suites = append(out.Suites, suite)
	}
	text := bytes.NewBufferString(xml.Header)
	w := xml.NewEncoder(text)
	w.Indent("", "  ")
	if err := w.Encode(out); err != nil {
		return nil, fmt.Errorf("writing JUnit: %w", err)
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}

func (c *junitCounts) add(other junitCounts) {
	c.Tests += other.Tests
	c.Failures += other.Failures
	c.Errors += other.Errors
	c.Skipped += other.Skipped
}

func newJUnitSuite(r Result, s suite) junitSuite {
	class := line(r.Run.Name + "." + s.phase.Name)
	out := junitSuite{
		Name: class, Time: xmlSeconds(s.phase.duration().Seconds()), Hostname: line(s.phase.Node),
		Properties: phaseProperties(r.Attempt, s.phase), SystemOut: newJUnitText(s.output),
	}
	if start := s.phase.StartTime; start != nil && !start.IsZero() {
		out.Timestamp = start.UTC().Format("2006-01-02T15:04:05")
	}
	for _, c := range s.cases {
		out.Cases = append(out.Cases, newJUnitCase(strings.Join(append([]string{class}, s.phase.where(c.Test)...), "."), c))
		out.Tests++
		switch c.Status {
		case verdict.Passed:
		case verdict.Failed:
			out.Failures++
		case verdict.Skipped:
			out.Skipped++
		default:
			out.Errors++
		}
	}
	return out
}

// phaseProperties are what is known of a phase that the format has no word for.
func phaseProperties(attempt int64, p Phase) []junitProperty {
	all := []junitProperty{
		{"attempt", strconv.FormatInt(attempt, 10)}, {"state", string(p.State)}, {"reason", p.Reason}, {"message", p.Message},
		{"job", p.Job}, {"pod", p.Pod}, {"image", p.Image}, {"imageDigest", p.ImageDigest},
	}
	if p.ExitCode != nil {
		all = append(all, junitProperty{"exitCode", strconv.Itoa(int(*p.ExitCode))})
	}
	if p.Retries > 0 {
		all = append(all, junitProperty{"retries", strconv.Itoa(int(p.Retries))})
	}
	if p.Flaky {
		all = append(all, junitProperty{"flaky", "true"})
	}
	return slices.DeleteFunc(all, func(p junitProperty) bool { return p.Value == "" })
}

func newJUnitCase(class string, c testCase) junitCase {
	out := junitCase{
		Name: cmp.Or(line(c.Name), "(no name)"), Class: class, Time: xmlSeconds(c.DurationSeconds), Properties: caseProperties(c),
	}
	text := newJUnitText(c.Output)
	if !c.bad() {
		out.SystemOut = text
	}
	if c.Status == verdict.Passed {
		return out
	}
	trouble := &junitTrouble{Message: c.headline(), Type: line(cmp.Or(c.Reason, c.raw))}
	switch c.Status {
	case verdict.Skipped:
		out.Skipped = trouble
		return out
	case verdict.Failed:
		out.Failure = trouble
	default:
		out.Error = trouble
	}
	switch trouble.Text = inert(c.message); {
	case text == nil:
	case c.title != "":
		trouble.Text += "\n" + text.Text
	default:
		trouble.Text = text.Text // the message is a part of it, but for what follows
		if appendix := c.appendix(); appendix != "" {
			trouble.Text = strings.TrimSuffix(text.Text, "\n") + "\n" + inert(appendix)
		}
	}
	return out
}

// caseProperties are what is known of a test that the format has no word for, and what it said of itself.
func caseProperties(c testCase) []junitProperty {
	out := []junitProperty{
		{"package", line(c.Package)}, {"check", line(c.Check)}, {"node", line(c.Node)}, {"skipKind", line(c.SkipKind)},
		{"remediation", inert(c.Remediation)},
	}
	if c.flaky {
		out = append(out, junitProperty{"flaky", "true"})
	}
	for _, of := range c.Constraints {
		name := "constraint/" + line(of.Name)
		out = append(out, junitProperty{name, line(of.String())}, junitProperty{name + "/remediation", inert(of.Remediation)})
	}
	for _, a := range c.Artifacts {
		out = append(out, junitProperty{"artifact/" + line(a.Label), fmt.Sprintf("%d bytes, sha256 %s", a.Bytes, line(a.SHA256))})
	}
	out = slices.DeleteFunc(out, func(p junitProperty) bool { return p.Value == "" })
	for _, key := range slices.Sorted(maps.Keys(c.Attributes)) {
		out = append(out, junitProperty{line(key), inert(c.Attributes[key])})
	}
	return out
}

func newJUnitText(o *Output) *junitText {
	if o == nil || o.Text == "" {
		return nil
	}
	return &junitText{Text: inert(o.Text)}
}

func xmlSeconds(seconds float64) string {
	return strconv.FormatFloat(max(seconds, 0), 'f', 3, 64)
}
