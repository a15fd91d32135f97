package report

import (
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// scenarios are the results whose files are kept in testdata, by the names of their folders.
func scenarios() map[string]Result {
	return map[string]Result{
		"passed":    attemptOf(v1alpha1.VerdictPassed, passedPhase(), containerPhase()),
		"failed":    exampleResult(),
		"skipped":   attemptOf(v1alpha1.VerdictSkipped, skippedPhase()),
		"rejected":  rejected(attemptOf(v1alpha1.VerdictSkipped, skippedPhase())),
		"error":     attemptOf(v1alpha1.VerdictError, passedPhase(), imagePhase(), NotRun("performance", v1alpha1.ReasonEarlierPhase, "deployment is Error")),
		"denied":    attemptOf(v1alpha1.VerdictError, deniedPhase()),
		"cancelled": attemptOf(v1alpha1.VerdictCancelled, passedPhase()),
		"flaky":     attemptOf(v1alpha1.VerdictPassed, flakyPhase()),
		"hostile":   attemptOf(v1alpha1.VerdictFailed, hostilePhase()),
		"said":      attemptOf(v1alpha1.VerdictFailed, constraintPhase(), saidPhase()),
		"items":     attemptOf(v1alpha1.VerdictFailed, nodesPhase(), checksPhase()),
	}
}

func attemptOf(v v1alpha1.Verdict, phases ...Phase) Result {
	return Result{
		Run:     Run{Name: "h100", Namespace: "validation", UID: "3b1c8f0e-0000-4000-8000-000000000001", Generation: 2},
		Attempt: 1, Verdict: v, Message: Message(phases), StartTime: start, CompletionTime: start.Add(2 * time.Minute), Phases: phases,
	}
}

// rejected is a result of a run that proves nothing and whose allSkipped is Reject.
func rejected(r Result) Result {
	r.Rejected = true
	return r
}

// containerPhase has no tests of its own.
func containerPhase() Phase {
	return NewPhase(PhaseInfo{Name: "smoke", StartTime: start, CompletionTime: start.Add(1500 * time.Millisecond), ExitCode: new(int32(0))},
		verdict.Outcome{State: v1alpha1.PhasePassed, Message: "all is well", Summary: v1alpha1.Summary{Total: 1, Passed: 1}}, gotest.Result{})
}

func skippedPhase() Phase {
	return NewPhase(PhaseInfo{Name: "performance", StartTime: start, CompletionTime: start.Add(time.Second)}, verdict.Outcome{
		State: v1alpha1.PhaseSkipped, Reason: v1alpha1.ReasonNothingApplicable, Message: "2 tests skipped, none was applicable",
		Summary: v1alpha1.Summary{Total: 2, Skipped: 2},
		Tests: []verdict.Test{
			{Name: "TestBandwidth", Status: verdict.Skipped, Output: gotest.Output{Head: "    nccl_test.go:9: one node, two are needed\n"}},
			{Name: "TestLatency", Status: verdict.Skipped},
		},
	}, gotest.Result{})
}

// imagePhase is in error and has not come to run a test.
func imagePhase() Phase {
	return NewPhase(PhaseInfo{Name: "deployment", StartTime: start, CompletionTime: start.Add(time.Minute), Image: "ghcr.io/example/validator:v0"},
		verdict.Outcome{
			State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonImagePullFailed, Message: "ghcr.io/example/validator:v0: not found",
			Notes: []string{"the pod was deleted"},
		}, gotest.Result{})
}

// deniedPhase is in error although each of its tests passed or skipped.
func deniedPhase() Phase {
	return NewPhase(PhaseInfo{Name: "conformance", StartTime: start, CompletionTime: start.Add(time.Second)}, verdict.Outcome{
		State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonRequiredCheckSkipped, Message: "1 test skipped, which skips: Deny does not permit: TestB",
		Summary: v1alpha1.Summary{Total: 2, Passed: 1, Skipped: 1},
		Tests:   []verdict.Test{{Name: "TestA", Status: verdict.Passed}, {Name: "TestB", Status: verdict.Skipped}},
	}, gotest.Result{Output: gotest.Output{Head: "PASS\n"}})
}

// flakyPhase passed when it was run for the third time: first its node went away, then its image.
func flakyPhase() Phase {
	p := NewPhase(PhaseInfo{Name: "performance", StartTime: start, CompletionTime: start.Add(time.Minute), Job: "h100-performance-3"}, verdict.Outcome{
		State: v1alpha1.PhasePassed, Message: "2 passed", Summary: v1alpha1.Summary{Total: 2, Passed: 2},
		Tests: []verdict.Test{
			{Name: "TestBandwidth", Status: verdict.Passed, Elapsed: time.Second},
			{Name: "TestLatency", Status: verdict.Passed, Elapsed: 2 * time.Second},
		},
	}, gotest.Result{})
	lost := NewPhase(PhaseInfo{Name: "performance", StartTime: start, CompletionTime: start.Add(time.Second), Job: "h100-performance-1"}, verdict.Outcome{
		State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonNodeLost, Message: "worker-1 does not answer",
		Summary: v1alpha1.Summary{Total: 2, Passed: 1, Errored: 1},
		Tests: []verdict.Test{
			{Name: "TestBandwidth", Status: verdict.Passed, Elapsed: 900 * time.Millisecond},
			{
				Name: "TestLatency", Status: verdict.Error, Reason: v1alpha1.ReasonTestIncomplete,
				Output: gotest.Output{Head: "    nccl_test.go:31: warming up\n"},
			},
		},
	}, gotest.Result{})
	pull := imagePhase()
	pull.Name, pull.Job = p.Name, "h100-performance-2"
	p.Flaky, p.Retries, p.Earlier = true, 2, []Phase{lost, pull}
	return p
}

func hostilePhase() Phase {
	evil := "---\n\x1b[2J\x00 ]]> <b>&amp;</b> {{.}} \xff\ufffe\u202e \"quoted\" '\\\n...\n<!-- %d\t\r\n"
	return NewPhase(PhaseInfo{Name: "conformance", StartTime: start, Node: "a\x1bb", Image: "x]]>"}, verdict.Outcome{
		State: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonTestsFailed, Message: evil, Notes: []string{evil},
		Summary: v1alpha1.Summary{Total: 2, Failed: 1, Passed: 1},
		Tests: []verdict.Test{
			{
				Name: "Test/" + evil, Package: "example.com/\x07", Status: verdict.Failed, Output: gotest.Output{Head: evil, Tail: evil, Cut: 5},
				Attributes: []gotest.Attribute{{Key: "k\n]]>", Value: evil}},
			},
			{Name: "TestLoud", Status: verdict.Passed, Output: gotest.Output{Head: strings.Repeat(evil, 2)}},
			{Name: "", Status: verdict.Skipped, Output: gotest.Output{Head: evil}},
		},
	}, gotest.Result{Output: gotest.Output{Head: evil}})
}
