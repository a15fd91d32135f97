package report

import (
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

var start = time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.FixedZone("CET", 3600))

// passedPhase is a phase of two tests, one of them not applicable.
func passedPhase() Phase {
	return NewPhase(PhaseInfo{
		Name: "readiness", StartTime: start, CompletionTime: start.Add(4 * time.Second), ExitCode: new(int32(0)),
		Job: "h100-readiness-1a2b3c4d", Pod: "h100-readiness-1a2b3c4d-x7k2p", Node: "worker-1",
		Image: "ghcr.io/example/validator:v1", ImageDigest: "sha256:0f1e2d",
	}, verdict.Outcome{
		State: v1alpha1.PhasePassed, Message: "1 passed, 1 skipped",
		Summary: v1alpha1.Summary{Total: 2, Passed: 1, Skipped: 1},
		Tests: []verdict.Test{
			{
				Name: "TestNodesReady", Status: verdict.Passed, Elapsed: 250 * time.Millisecond,
				Output:     gotest.Output{Head: "    nodes_test.go:31: 3 nodes are ready\n"},
				Attributes: []gotest.Attribute{{Key: "nodes", Value: "3"}, {Key: "kubelet", Value: "v1.37.1"}},
			},
			{Name: "TestGPUsReady", Status: verdict.Skipped, Output: gotest.Output{Head: "    gpus_test.go:12: no GPU in the recipe\n"}},
		},
	}, gotest.Result{Lines: 9, Bytes: 312, Output: gotest.Output{Head: "PASS\n"}})
}

// failedPhase is a phase with a failing subtest, one that never ended and a log that lost its middle.
func failedPhase() Phase {
	return NewPhase(PhaseInfo{
		Name: "conformance", StartTime: start, CompletionTime: start.Add(time.Minute), ExitCode: new(int32(2)),
		Job: "h100-conformance-5e6f7a8b", LogGaps: []string{"12 lines after line 4: the log was rotated"},
	}, verdict.Outcome{
		State: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonTestsFailed, Message: "1 test failed: TestJob (panic: boom)",
		Notes:   []string{"panic: boom"},
		Summary: v1alpha1.Summary{Total: 3, Passed: 1, Failed: 1, Errored: 1},
		Tests: []verdict.Test{
			{Name: "TestJob", Status: verdict.Failed, Elapsed: 1500 * time.Millisecond},
			{
				Name: "TestJob/completes", Status: verdict.Failed, Elapsed: 1400 * time.Millisecond,
				Output: gotest.Output{
					Head: "waiting for the Job \x1b[31m0/1\x1b[0m \r\n\ttabbed\nx\xffy\n",
					Tail: "        job_test.go:44: the Job is not complete: 0 of 1\n", Cut: 70000,
				},
			},
			{Name: "TestMount", Status: verdict.Passed},
			{
				Name: "TestDenial", Status: verdict.Error, Reason: v1alpha1.ReasonPanicked,
				Output: gotest.Output{Head: "asking\npanic: boom\n\ngoroutine 7 [running]:\nmain.check(0x1)\n\t/src/check.go:12 +0x1d\n"},
			},
		},
	}, gotest.Result{Lines: 2000, Bytes: 123456, Anomalies: map[gotest.Anomaly]int64{gotest.DuplicateEnd: 1, gotest.GluedLine: 3}})
}

func exampleResult() Result {
	return Result{
		Run: Run{
			Name: "h100", Namespace: "validation", UID: "3b1c8f0e-0000-4000-8000-000000000001", Generation: 2, Trigger: "commit: 1f2e3d",
		},
		Attempt: 2, Verdict: v1alpha1.VerdictFailed, Message: "1 failed, 1 errored, 2 passed, 1 skipped in 2 phases",
		StartTime: start, CompletionTime: start.Add(2 * time.Minute),
		Inputs: []v1alpha1.Input{{Name: "recipe", ConfigMap: "h100-input-2-recipe", SHA256: "9f86d081"}},
		Phases: []Phase{
			passedPhase(), failedPhase(),
			NotRun("performance", v1alpha1.ReasonEarlierPhase, "conformance failed and its onFailure is Stop"),
		},
	}
}
