package report

import (
	"fmt"
	"math"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// PhaseInfo is what is known about a phase besides its evidence. What is not known is left empty.
type PhaseInfo struct {
	Name                      string
	StartTime, CompletionTime time.Time
	Job, Pod, Node            string
	Image, ImageDigest        string
	ExitCode                  *int32
	// LogGaps says what of the log is missing.
	LogGaps []string
}

// NewPhase is the result of a phase that was judged. The stream is that of a goTest phase, and empty for any other.
func NewPhase(info PhaseInfo, out verdict.Outcome, stream gotest.Result) Phase {
	p := Phase{
		Name: info.Name, State: out.State, Reason: clipLine(out.Reason, reasonBytes), Message: Clip(out.Message, MessageBytes),
		StartTime: seconds(info.StartTime), CompletionTime: seconds(info.CompletionTime), Summary: out.Summary,
		Job: info.Job, Pod: info.Pod, Node: info.Node, Image: info.Image, ImageDigest: info.ImageDigest, ExitCode: info.ExitCode,
		Notes: clipAll(out.Notes), Log: newLog(stream, info.LogGaps), Output: newOutput(stream.Output),
	}
	for class, n := range stream.Anomalies {
		if p.Anomalies == nil {
			p.Anomalies = map[string]int64{}
		}
		p.Anomalies[string(class)] = n
	}
	for _, t := range out.Tests {
		p.Tests = append(p.Tests, newTest(t))
	}
	if p.State == v1alpha1.PhaseSkipped || p.Reason == v1alpha1.ReasonRequiredCheckSkipped {
		p.Message = Clip(p.Message+p.firstSkip(), MessageBytes)
	}
	return p
}

// firstSkip quotes the first test that said why it skipped itself, for a message in which nothing else explains what came out.
func (p Phase) firstSkip() string {
	for _, t := range p.skips() {
		if t.Output != nil && t.Output.Text != "" {
			return fmt.Sprintf("; %s: %s", t.Name, headline(t.excerpt()))
		}
	}
	return ""
}

// skips are the tests that skipped themselves, or of these those alone that could not run, where there are any.
func (p Phase) skips() []Test {
	var skipped, unable []Test
	for _, t := range p.Tests {
		if t.Status != verdict.Skipped {
			continue
		}
		skipped = append(skipped, t)
		if t.SkipKind == string(gotest.SkipCouldNotRun) {
			unable = append(unable, t)
		}
	}
	if len(unable) > 0 {
		return unable
	}
	return skipped
}

// NotRun is the result of a phase that was never started.
func NotRun(name, reason, message string) Phase {
	return Phase{
		Name: name, State: v1alpha1.PhaseNotRun,
		Reason: clipLine(reason, reasonBytes), Message: Clip(message, MessageBytes),
	}
}

func newTest(t verdict.Test) Test {
	out := Test{
		Name: line(t.Name), Package: line(t.Package), Status: t.Status, Reason: clipLine(t.Reason, reasonBytes),
		DurationSeconds: math.Round(max(t.Elapsed.Seconds(), 0)*1000) / 1000, Output: newOutput(t.Output),
	}
	for _, a := range t.Attributes {
		if out.Attributes == nil {
			out.Attributes = map[string]string{}
		}
		out.Attributes[clipLine(a.Key, NameBytes)] = inert(a.Value)
	}
	out.SkipKind, out.Remediation = clipLine(string(t.SkipKind), reasonBytes), Clip(t.Remediation, remediationBytes)
	for _, c := range t.Constraints {
		out.Constraints = append(out.Constraints, newConstraint(c))
	}
	for _, a := range t.Artifacts {
		out.Artifacts = append(out.Artifacts, newArtifact(a))
	}
	return out
}

func newLog(stream gotest.Result, gaps []string) *Log {
	if stream.Lines == 0 && stream.Bytes == 0 && len(gaps) == 0 {
		return nil
	}
	return &Log{Lines: stream.Lines, Bytes: stream.Bytes, Gaps: clipAll(gaps)}
}

func clipAll(texts []string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, Clip(text, MessageBytes))
	}
	return out
}

// seconds returns the time as it is written, nil for none.
func seconds(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
