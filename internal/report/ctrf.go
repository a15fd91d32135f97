package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// The Common Test Report Format has no released version; 0.0.0 is what its own tools write.
const (
	ctrfFormat      = "CTRF"
	ctrfSpecVersion = "0.0.0"
	toolName        = "validation-operator"
)

type (
	ctrfReport struct {
		ReportFormat string      `json:"reportFormat"`
		SpecVersion  string      `json:"specVersion"`
		RunID        string      `json:"runId"`
		Timestamp    string      `json:"timestamp,omitempty"`
		GeneratedBy  string      `json:"generatedBy"`
		Results      ctrfResults `json:"results"`
	}

	ctrfResults struct {
		Tool        ctrfTool        `json:"tool"`
		Summary     ctrfSummary     `json:"summary"`
		Tests       []ctrfTest      `json:"tests"`
		Environment ctrfEnvironment `json:"environment"`
	}

	ctrfTool struct {
		Name string `json:"name"`
	}

	ctrfSummary struct {
		Tests    int   `json:"tests"`
		Passed   int   `json:"passed"`
		Failed   int   `json:"failed"`
		Skipped  int   `json:"skipped"`
		Pending  int   `json:"pending"`
		Other    int   `json:"other"`
		Flaky    int   `json:"flaky"`
		Suites   int   `json:"suites"`
		Start    int64 `json:"start"`
		Stop     int64 `json:"stop"`
		Duration int64 `json:"duration"`
	}

	ctrfTest struct {
		TestID        string            `json:"testId"`
		Name          string            `json:"name"`
		Suite         []string          `json:"suite"`
		Status        string            `json:"status"`
		RawStatus     string            `json:"rawStatus,omitempty"`
		Duration      int64             `json:"duration"`
		Message       string            `json:"message,omitempty"`
		Trace         string            `json:"trace,omitempty"`
		Stdout        []string          `json:"stdout,omitempty"`
		Flaky         bool              `json:"flaky,omitempty"`
		Retries       int32             `json:"retries,omitempty"`
		RetryAttempts []ctrfAttempt     `json:"retryAttempts,omitempty"`
		Labels        map[string]string `json:"labels,omitempty"`
		Extra         *ctrfTestExtra    `json:"extra,omitempty"`
	}

	ctrfAttempt struct {
		Attempt  int    `json:"attempt"`
		Status   string `json:"status"`
		Duration int64  `json:"duration,omitempty"`
		Message  string `json:"message,omitempty"`
	}

	// ctrfTestExtra is what is known of a test that the format has no word for.
	ctrfTestExtra struct {
		Reason        string       `json:"reason,omitempty"`
		Package       string       `json:"package,omitempty"`
		Check         string       `json:"check,omitempty"`
		Node          string       `json:"node,omitempty"`
		SkipKind      string       `json:"skipKind,omitempty"`
		Remediation   string       `json:"remediation,omitempty"`
		Constraints   []Constraint `json:"constraints,omitempty"`
		Artifacts     []Artifact   `json:"artifacts,omitempty"`
		CutBytes      int64        `json:"cutBytes,omitempty"`
		CutAttributes int          `json:"cutAttributes,omitempty"`
	}

	ctrfEnvironment struct {
		ReportName string  `json:"reportName"`
		Healthy    bool    `json:"healthy"`
		Extra      ctrfRun `json:"extra"`
	}

	// ctrfRun is the attempt, in the words of result.yaml.
	ctrfRun struct {
		Run     Run              `json:"run"`
		Attempt int64            `json:"attempt"`
		Verdict v1alpha1.Verdict `json:"verdict"`
		Message string           `json:"message,omitempty"`
		Phases  []ctrfPhase      `json:"phases"`
	}

	ctrfPhase struct {
		Name        string              `json:"name"`
		State       v1alpha1.PhaseState `json:"state"`
		Reason      string              `json:"reason,omitempty"`
		Message     string              `json:"message,omitempty"`
		Node        string              `json:"node,omitempty"`
		Image       string              `json:"image,omitempty"`
		ImageDigest string              `json:"imageDigest,omitempty"`
	}
)

// marshalCTRF writes the result in the Common Test Report Format: phases are suites, an Error is `other`, what a test that did
// not pass has printed is its trace, and what any other has printed its stdout.
func marshalCTRF(r Result) ([]byte, error) {
	out := ctrfReport{
		ReportFormat: ctrfFormat, SpecVersion: ctrfSpecVersion, GeneratedBy: toolName,
		RunID: fmt.Sprintf("%s/%d", cmp.Or(line(r.Run.UID), line(r.Run.Name)), r.Attempt),
		Results: ctrfResults{
			Tool: ctrfTool{Name: toolName}, Tests: []ctrfTest{},
			Summary: ctrfSummary{
				Start: unixMilli(r.StartTime), Stop: unixMilli(r.CompletionTime),
				Duration: between(r.StartTime, r.CompletionTime).Milliseconds(),
			},
			Environment: newCTRFEnvironment(r),
		},
	}
	if !r.CompletionTime.IsZero() {
		out.Timestamp = r.CompletionTime.UTC().Format(time.RFC3339)
	}
	for _, s := range suites(r) {
		out.Results.Summary.Suites++
		for _, c := range s.cases {
			t := newCTRFTest(s.phase, c)
			out.Results.Summary.count(t)
			out.Results.Tests = append(out.Results.Tests, t)
		}
	}
	var text bytes.Buffer
	w := json.NewEncoder(&text)
	w.SetEscapeHTML(false)
	w.SetIndent("", " ") // one line for each line of output makes indent dear
	if err := w.Encode(out); err != nil {
		return nil, fmt.Errorf("writing CTRF: %w", err)
	}
	return text.Bytes(), nil
}

func (s *ctrfSummary) count(t ctrfTest) {
	s.Tests++
	switch t.Status {
	case "passed":
		s.Passed++
	case "failed":
		s.Failed++
	case "skipped":
		s.Skipped++
	default:
		s.Other++
	}
	if t.Flaky {
		s.Flaky++
	}
}

func newCTRFEnvironment(r Result) ctrfEnvironment {
	run := r.Run
	run.Name, run.Namespace, run.UID, run.Trigger = line(run.Name), line(run.Namespace), line(run.UID), inert(run.Trigger)
	extra := ctrfRun{Run: run, Attempt: r.Attempt, Verdict: r.Verdict, Message: inert(r.Message), Phases: []ctrfPhase{}}
	for _, p := range r.Phases {
		extra.Phases = append(extra.Phases, ctrfPhase{
			Name: line(p.Name), State: p.State, Reason: line(p.Reason), Message: inert(p.Message),
			Node: line(p.Node), Image: line(p.Image), ImageDigest: line(p.ImageDigest),
		})
	}
	return ctrfEnvironment{ReportName: run.Name, Healthy: r.Verdict == v1alpha1.VerdictPassed, Extra: extra}
}

func newCTRFTest(p Phase, c testCase) ctrfTest {
	name := cmp.Or(line(c.Name), "(no name)")
	id := slices.Concat(nonEmpty(p.Name), p.where(c.Test), nonEmpty(c.Package, name))
	t := ctrfTest{
		TestID: line(strings.Join(id, "/")), Name: name, Suite: []string{line(p.Name)},
		Status: ctrfStatus(c.Status), RawStatus: c.raw, Duration: milliseconds(c.DurationSeconds), Message: inert(c.message),
		Flaky: c.flaky, Retries: p.Retries,
	}
	if c.Output != nil && c.Output.Text != "" {
		if text := inert(c.Output.Text); c.bad() {
			t.Trace = text
		} else {
			t.Stdout = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		}
	}
	for i, a := range c.attempts {
		t.RetryAttempts = append(t.RetryAttempts, ctrfAttempt{
			Attempt: i + 1, Status: ctrfStatus(a.status), Duration: milliseconds(a.seconds), Message: line(a.reason),
		})
	}
	for _, key := range slices.Sorted(maps.Keys(c.Attributes)) {
		if t.Labels == nil {
			t.Labels = map[string]string{}
		}
		t.Labels[line(key)] = inert(c.Attributes[key])
	}
	t.Extra = newCTRFExtra(c)
	return t
}

// newCTRFExtra is nil where there is nothing to say.
func newCTRFExtra(c testCase) *ctrfTestExtra {
	extra := ctrfTestExtra{
		Reason: line(c.Reason), Package: line(c.Package), Check: line(c.Check), Node: line(c.Node), SkipKind: line(c.SkipKind),
		Remediation: inert(c.Remediation), Constraints: c.Constraints, CutAttributes: c.CutAttributes,
	}
	for _, a := range c.Artifacts {
		extra.Artifacts = append(extra.Artifacts, Artifact{Label: a.Label, Bytes: a.Bytes, SHA256: a.SHA256}) // result.yaml has the content
	}
	if c.Output != nil {
		extra.CutBytes = c.Output.CutBytes
	}
	if reflect.DeepEqual(extra, ctrfTestExtra{}) {
		return nil
	}
	return &extra
}

func ctrfStatus(s verdict.Status) string {
	switch s {
	case verdict.Passed:
		return "passed"
	case verdict.Failed:
		return "failed"
	case verdict.Skipped:
		return "skipped"
	default:
		return "other"
	}
}

func milliseconds(seconds float64) int64 { return int64(math.Round(max(seconds, 0) * 1000)) }

// unixMilli is 0 for no time.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func nonEmpty(texts ...string) []string {
	var out []string
	for _, text := range texts {
		if text != "" {
			out = append(out, text)
		}
	}
	return out
}
