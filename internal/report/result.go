// Package report is the ValidationResult, what a run leaves behind of an attempt, and its encodings: result.yaml that people read,
// ctrf.json and junit.xml that CI systems read, the ConfigMaps that hold these whatever their size, the compressed form in which the
// evidence of an ended phase is kept until the attempt is complete, and the excerpts that a status has room for.
//
// Readers of ctrf.json and junit.xml look at tests alone. So a phase that is not proven and has no test to show for it is in them as
// a test of its own, as is a run that was cancelled or that is rejected because nothing applied: a report without a failure is always a
// success.
//
// Whatever a check printed is hostile: all text is made inert on its way in, so that it can neither break an encoding nor drive a
// terminal. What has to be left out for size is counted where it was; the status of a test is never left out.
//
// The package is pure: values in, values and bytes out. It imports the API's types and what was judged, and no client.
package report

import (
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// The type of a Result's document.
const (
	APIVersion = "validation.aicr.dev/v1alpha1"
	Kind       = "ValidationResult"
)

// Result is the ValidationResult of one attempt. Its fields are in the order in which people ask for them.
type Result struct {
	// APIVersion and Kind are set by Pack.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Run is the run that the attempt belongs to.
	Run Run `json:"run"`
	// Attempt is the attempt's number, from 1.
	Attempt int64 `json:"attempt"`
	// Verdict and Message are those of the status.
	Verdict v1alpha1.Verdict `json:"verdict"`
	Message string           `json:"message,omitempty"`
	// Rejected says that an attempt that is Skipped is no success, since the run's allSkipped is Reject.
	Rejected bool `json:"rejected,omitempty"`
	// StartTime and CompletionTime are the attempt's, in whole seconds.
	StartTime      time.Time `json:"startTime,omitzero"`
	CompletionTime time.Time `json:"completionTime,omitzero"`
	// Summary counts the tests of all phases; Pack adds it up.
	Summary v1alpha1.Summary `json:"summary"`
	// Omitted says what was left out for size, nil for nothing. It is set by Pack.
	Omitted *Omitted `json:"omitted,omitempty"`
	// Inputs are the frozen inputs.
	Inputs []v1alpha1.Input `json:"inputs,omitempty"`
	// Phases are the phases, in order.
	Phases []Phase `json:"phases"`
}

// Run names a ValidationRun and the state of its spec.
type Run struct {
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
	UID        string `json:"uid"`
	Generation int64  `json:"generation"`
	Trigger    string `json:"trigger,omitempty"`
}

// Omitted counts what was left out for size, while the log was read or later.
type Omitted struct {
	// Outputs is how many outputs were cut or dropped, and Bytes how many bytes of them.
	Outputs int   `json:"outputs,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`
	// Attributes is how many attributes, texts of constraints and remedies were dropped.
	Attributes int `json:"attributes,omitempty"`
	// Artifacts is how many artifacts are without their content.
	Artifacts int `json:"artifacts,omitempty"`
}

// Phase is the result of one phase.
type Phase struct {
	Name           string              `json:"name"`
	State          v1alpha1.PhaseState `json:"state"`
	Reason         string              `json:"reason,omitempty"`
	Message        string              `json:"message,omitempty"`
	StartTime      *time.Time          `json:"startTime,omitempty"`
	CompletionTime *time.Time          `json:"completionTime,omitempty"`
	// Flaky says that the phase passed on a retry, and Retries how many there were.
	Flaky   bool  `json:"flaky,omitempty"`
	Retries int32 `json:"retries,omitempty"`
	// Summary counts the top-level tests.
	Summary v1alpha1.Summary `json:"summary,omitzero"`
	// Job, Pod and Node are where the validator ran, Image what it was asked to run and ImageDigest what that was.
	Job         string `json:"job,omitempty"`
	Pod         string `json:"pod,omitempty"`
	Node        string `json:"node,omitempty"`
	Image       string `json:"image,omitempty"`
	ImageDigest string `json:"imageDigest,omitempty"`
	// ExitCode is the validator's, nil where nobody saw it.
	ExitCode *int32 `json:"exitCode,omitempty"`
	// Notes name what disagrees with the outcome, or was left out of account.
	Notes []string `json:"notes,omitempty"`
	// Anomalies counts by class what a healthy stream does not hold.
	Anomalies map[string]int64 `json:"anomalies,omitempty"`
	// Log is what was read of the validator's log.
	Log *Log `json:"log,omitempty"`
	// Output is what was printed outside of any test.
	Output *Output `json:"output,omitempty"`
	// Tests are the tests and subtests, in the order in which they started.
	Tests []Test `json:"tests,omitempty"`
	// Check is the check that the phase ran where it is one of the Jobs of another; Items are the Jobs of a phase that has many.
	Check string        `json:"check,omitempty"`
	Items []ItemOutcome `json:"items,omitempty"`
	// Earlier is the evidence of earlier runs of the phase, which infrastructure cut short, the oldest first. It counts in no
	// summary.
	Earlier []Phase `json:"earlier,omitempty"`
}

// Log is how much of a log was read, and what is known to be missing.
type Log struct {
	Lines int64    `json:"lines"`
	Bytes int64    `json:"bytes"`
	Gaps  []string `json:"gaps,omitempty"`
}

// Test is the result of one test or subtest.
type Test struct {
	// Name is the full name, subtests with slashes.
	Name string `json:"name"`
	// Package is the import path, where the stream names it.
	Package string `json:"package,omitempty"`
	// Check and Node are those of the Job that ran it, in a phase of many Jobs.
	Check  string         `json:"check,omitempty"`
	Node   string         `json:"node,omitempty"`
	Status verdict.Status `json:"status"`
	// Reason says why a test is Error.
	Reason string `json:"reason,omitempty"`
	// DurationSeconds is how long it ran, to the millisecond.
	DurationSeconds float64 `json:"durationSeconds,omitzero"`
	// SkipKind is what the test said about its skip: not-applicable, or could-not-run, which proves nothing.
	SkipKind string `json:"skipKind,omitempty"`
	// Remediation says how to mend what the test found.
	Remediation string `json:"remediation,omitempty"`
	// Constraints are what came of the constraints that the test evaluated.
	Constraints []Constraint `json:"constraints,omitempty"`
	// Artifacts are what the test handed over to be kept.
	Artifacts []Artifact `json:"artifacts,omitempty"`
	// Attributes are those that the test set, and CutAttributes how many of them were dropped, and of the texts above.
	Attributes    map[string]string `json:"attributes,omitempty"`
	CutAttributes int               `json:"cutAttributes,omitempty"`
	// Output is what it printed.
	Output *Output `json:"output,omitempty"`
}

// Output is what was printed.
type Output struct {
	// Text is the text, with a line that says so where bytes were cut. It is empty where all of it was dropped.
	Text string `json:"text,omitempty"`
	// CutBytes is how many bytes are missing.
	CutBytes int64 `json:"cutBytes,omitempty"`
}
