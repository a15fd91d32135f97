package gotest

import (
	"strings"
	"time"
)

// Outcome is what the end frames of one test said.
type Outcome string

// The outcomes, named by the actions of go tool test2json. Unended is the zero value: nothing proves how the test ended.
const (
	Unended Outcome = ""
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"
	Skip    Outcome = "skip"
)

// Result is everything that a stream has shown so far. It is a value: a later Write changes no Result handed out before.
type Result struct {
	// Framing is the strongest framing seen. Unmarked is weak evidence: any test can print what looks like another's end.
	Framing Framing
	// Tests in the order of their first appearance, subtests among them, bounded by Limits.Tests and Limits.Subtests. Benchmarks,
	// which have no end frame when all is well, are among them only if they failed or were skipped.
	Tests []Test
	// Beyond counts the frames of top-level tests past these limits, BeyondSubtests those of subtests. They are not in Tests.
	Beyond, BeyondSubtests Tally
	// Overall is the final PASS or FAIL of the binary, or what the final events of all packages come to: Fail if any failed,
	// else Unended if any has not ended or none has begun, else Pass if any passed, else Skip (no test files).
	Overall Outcome
	// Panic is set where the stream holds a Go panic or fatal error that ended the binary.
	Panic *Panic
	// Output is what was printed outside of any test, bounded by Limits.
	Output Output
	// Anomalies counts by class what a healthy stream does not hold.
	Anomalies map[Anomaly]int64
	// Lines and Bytes are the whole stream's size as read, in lines and bytes.
	Lines, Bytes int64
}

// Test is one test, subtest, example or fuzz target.
type Test struct {
	// Package is the import path, empty in the raw framing, which does not name it.
	Package string
	// Name is the full name, with its parents before slashes, as testing prints it.
	Name string
	// Outcome is the worst of the end frames: fail, then skip, then pass. It is Unended if any run of the test has no end frame,
	// unless another failed.
	Outcome Outcome
	// Ends counts the end frames; more than Runs is an anomaly.
	Ends int
	// Runs counts the start frames: two under -test.count=2.
	Runs int
	// Elapsed is the duration that the last end frame gave, zero before one.
	Elapsed time.Duration
	// Output is what the test printed, framing left out, bounded by Limits.
	Output Output
	// Attributes are those set with testing.T.Attr, in order, the last value of a key standing. Those that the next four fields are
	// read from are not among them.
	Attributes []Attribute
	// Constraints are the constraints that the test evaluated, in order, each name once: the worst of several reports stands.
	Constraints []Constraint
	// Artifacts are what the test handed over to be kept, in order.
	Artifacts []Artifact
	// Remediation says how to mend what the test found.
	Remediation string
	// SkipKind is what the test said about its skip.
	SkipKind SkipKind
}

// TopLevel tells a test function from its subtests.
func (t Test) TopLevel() bool { return !strings.Contains(t.Name, "/") }

// Attribute is one key and value of testing.T.Attr.
type Attribute struct{ Key, Value string }

// Constraint is what a test said about one constraint that it evaluated. Texts are bounded by Limits.
type Constraint struct {
	// Name is the constraint's, as the recipe has it.
	Name string
	// Expected is what the constraint asks for, and Actual what was found.
	Expected, Actual string
	// Passed says that the constraint holds.
	Passed bool
	// Severity is SeverityError, SeverityWarning, or empty where the report does not say.
	Severity string
	// Remediation says how to mend what was found.
	Remediation string
}

// The severities of a constraint.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// Artifact is something that a test handed over to be kept.
type Artifact struct {
	// Label says what it is.
	Label string
	// Data is the content, nil where that is empty or did not fit within Limits; Bytes and SHA256 are of all of it.
	Data   []byte
	Bytes  int64
	SHA256 string
}

// SkipKind tells why a test skipped itself.
type SkipKind string

// The kinds of skips. The zero value is a skip of which nothing was said, as is permitted; a test that says both could not run.
const (
	SkipNotApplicable SkipKind = "not-applicable"
	SkipCouldNotRun   SkipKind = "could-not-run"
)

// Output is text of which the middle may have been left out for size; both cuts are at rune boundaries. It is valid UTF-8: what the
// stream held otherwise became U+FFFD.
type Output struct {
	// Head and Tail are the first and the last of the text; nothing is between them where Cut is 0.
	Head, Tail string
	// Cut is how many bytes between Head and Tail were dropped.
	Cut int64
}

// Tally counts frames.
type Tally struct{ Started, Passed, Failed, Skipped int64 }

// Panic is a Go panic, a fatal error of the runtime, or testing's own timeout, as printed.
type Panic struct {
	// Message is the first line: of a panic the text behind "panic: ", else as it is ("fatal error: all goroutines are asleep").
	Message string
	// Test is the test function on the stack of the panicking goroutine, or the one that started that goroutine, or empty.
	Test string
	// Timeout says that this is testing's own "test timed out after".
	Timeout bool
	// Running are the tests that the timeout listed as running.
	Running []string
}

// Progress is the cheap view for a live display. Of tests it counts the top-level ones only.
type Progress struct {
	// Ended counts tests with an end frame; Failed and Skipped those among them which failed or were skipped.
	Ended, Failed, Skipped int
	// Failures counts all that says fail so far: end frames, those of subtests among them, and constraints that do not hold. It never goes
	// down, though some of that may turn out to be text.
	Failures int
	// Running is the top-level test that started last and has not ended, or empty.
	Running string
}
