package verdict

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

var update = flag.Bool("update", false, "write the golden files")

// story is a row of the table of verdicts, or a case that it leaves to its rules.
type story struct {
	name     string
	evidence Evidence
	state    v1alpha1.PhaseState
	reason   string
}

var stories = []story{
	// Passed: proof, and nothing but proof.
	{"all tests ended, at least one passed, the rest skipped", evidence(), "Passed", ""},
	{"the number of tests is proof where there is no manifest", evidence(noManifest, expected(3)), "Passed", ""},
	{"both the manifest and the number of tests agree", evidence(expected(3)), "Passed", ""},
	{"a skip in a subtest is no skip of the test", evidence(denySkips, saw("TestC", gotest.Pass)), "Passed", ""},
	{
		"a gap that hides no end frame of the manifest",
		evidence(saw("TestB/y", gotest.Pass), saw("TestC", gotest.Pass), logMissing("40 lines after line 12: the log was rotated")), "Passed", "",
	},
	{"trouble after the proof was complete", evidence(trouble("PodDeleted", "the pod was deleted")), "Passed", ""},
	{"a subtest without its end below a test that passed", evidence(saw("TestB/x", gotest.Unended)), "Passed", ""},
	{"a test that the list does not hold", evidence(saw("TestForged", gotest.Pass)), "Passed", ""},

	// Skipped.
	{
		"all skipped, permitted",
		evidence(saw("TestA", gotest.Skip), saw("TestB", gotest.Skip)), "Skipped", "NothingApplicable",
	},
	{
		"all skipped, and a pass that the list does not hold",
		evidence(saw("TestA", gotest.Skip), saw("TestB", gotest.Skip), saw("TestForged", gotest.Pass)),
		"Skipped", "NothingApplicable",
	},
	{
		"all skipped, some beyond the tests that are kept",
		evidence(noManifest, expected(5), unseen("TestA", "TestB"), beyond(gotest.Tally{Started: 4, Skipped: 4})),
		"Skipped", "NothingApplicable",
	},

	// Failed.
	{"a fail frame", evidence(saw("TestA", gotest.Fail), overall(gotest.Fail), exit(1)), "Failed", "TestsFailed"},
	{
		"many fail frames",
		evidence(saw("TestA", gotest.Fail), saw("TestB", gotest.Fail), saw("TestC", gotest.Fail), saw("TestD", gotest.Fail),
			saw("TestE", gotest.Fail), saw("TestF", gotest.Fail), saw("TestG", gotest.Fail), noManifest, overall(gotest.Fail), exit(1)),
		"Failed", "TestsFailed",
	},
	{"a stream that any output can forge", evidence(unmarked), "Error", "InvalidSpec"},
	{"a stream that any output can forge, of a command", evidence(unmarked, noManifest, expected(3)), "Error", "InvalidSpec"},
	{"a stream that any output can forge, with a gap", evidence(unmarked, logMissing("40 lines after line 12")), "Error", "EvidenceIncomplete"},
	{
		"a fail frame in a stream that any output can forge",
		evidence(unmarked, saw("TestA", gotest.Fail)), "Failed", "TestsFailed",
	},
	{
		"a fail frame, and another number of tests than expected",
		evidence(saw("TestA", gotest.Fail), overall(gotest.Fail), exit(1), expected(5)), "Failed", "TestsFailed",
	},
	{"a fail frame but exit code 0", evidence(saw("TestA", gotest.Fail), overall(gotest.Fail)), "Failed", "TestsFailed"},
	{"a fail frame of a subtest whose parent passed", evidence(saw("TestB/x", gotest.Fail)), "Failed", "TestsFailed"},
	{
		"a fail frame of a subtest whose parent was never seen",
		evidence(noManifest, saw("TestD/sub/deep", gotest.Fail), died(2), logMissing("the first 10 lines")),
		"Failed", "TestsFailed",
	},
	{
		"a fail frame beyond the tests that are kept",
		evidence(beyond(gotest.Tally{Started: 2, Failed: 1, Passed: 1}), overall(gotest.Fail), exit(1)),
		"Failed", "TestsFailed",
	},
	{
		"a subtest that failed beyond those that are kept",
		evidence(func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 1, Failed: 1} }), "Failed", "TestsFailed",
	},
	{
		"subtests beyond those that are kept are no tests of their own",
		evidence(expected(3), func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 9, Passed: 9} }), "Passed", "",
	},
	{
		"a fail frame, and then a panic",
		evidence(saw("TestA", gotest.Fail), saw("TestB", gotest.Unended), unseen("TestC"), died(2),
			panicked(gotest.Panic{Message: "boom", Test: "TestB"})),
		"Failed", "TestsFailed",
	},
	{
		"a fail frame, and then the memory was used up",
		evidence(saw("TestA", gotest.Fail), unseen("TestB", "TestC"), died(137),
			trouble("OOMKilled", "the kernel killed the validator")),
		"Failed", "TestsFailed",
	},
	{
		"a fail frame, and a gap behind it",
		evidence(saw("TestA", gotest.Fail), saw("TestB", gotest.Unended), died(1), logMissing("the log's end")),
		"Failed", "TestsFailed",
	},
	{
		"a fail frame that only the termination message shows",
		evidence(saw("TestB", gotest.Unended), unseen("TestC"), died(1), witnessed("TestC"), logMissing("the log's end")),
		"Failed", "TestsFailed",
	},
	{"the binary says FAIL and no test did", evidence(overall(gotest.Fail), exit(1)), "Failed", "TestsFailed"},

	// Error: tests without their end.
	{
		"a panic in a goroutine",
		evidence(saw("TestB", gotest.Unended), unseen("TestC"), panicked(gotest.Panic{Message: "boom"}), died(2)),
		"Error", "Panicked",
	},
	{
		"a panic of which the test is known",
		evidence(saw("TestB", gotest.Unended), unseen("TestC"), panicked(gotest.Panic{Message: "boom", Test: "TestB"}), died(2)),
		"Error", "Panicked",
	},
	{"os.Exit(0) in a test", evidence(saw("TestB", gotest.Unended), unseen("TestC"), died(0)), "Error", "TestIncomplete"},
	{"os.Exit(3) in a test", evidence(saw("TestB", gotest.Unended), unseen("TestC"), died(3)), "Error", "TestIncomplete"},
	{
		"a kill", evidence(saw("TestB", gotest.Unended), unseen("TestC"), died(137)), "Error", "TestIncomplete",
	},
	{
		"Go's own timeout",
		evidence(saw("TestB", gotest.Unended), saw("TestB/x", gotest.Unended), unseen("TestC"), died(2),
			panicked(gotest.Panic{Message: "test timed out after 10m0s", Timeout: true, Running: []string{"TestB/x"}})),
		"Error", "DeadlineExceeded",
	},
	{
		"a test that started beyond the tests that are kept",
		evidence(noManifest, expected(4), beyond(gotest.Tally{Started: 1})), "Error", "TestIncomplete",
	},

	// Error: too few tests, or too many.
	{"no test ran", evidence(unseen("TestA", "TestB", "TestC"), manifest()), "Error", "NoTests"},
	{"the list is empty, and a pass was printed", evidence(manifest()), "Error", "NoTests"},
	{
		"the binary has no tests",
		evidence(unseen("TestA", "TestB", "TestC"), manifest(), func(e *Evidence) { e.GoTest.Listed = 0 }),
		"Error", "NoTests",
	},
	{
		"os.Exit(0) before the first test", evidence(unseen("TestA", "TestB", "TestC"), died(0)), "Error", "NoTests",
	},
	{"the final PASS and no test", evidence(unseen("TestA", "TestB", "TestC"), noManifest, expected(3)), "Error", "NoTests"},
	{"fewer than expectedTests", evidence(expected(4)), "Error", "UnexpectedTestCount"},
	{"more than expectedTests", evidence(expected(2)), "Error", "UnexpectedTestCount"},
	{"fewer than expectedTests without a manifest", evidence(noManifest, expected(4)), "Error", "UnexpectedTestCount"},
	{
		"expectedTests is met by a test that the list does not hold",
		evidence(expected(4), saw("TestForged", gotest.Pass)), "Error", "UnexpectedTestCount",
	},
	{"a manifest test was never seen", evidence(unseen("TestB")), "Error", "TestMissing"},
	{"a skip that is not permitted", evidence(denySkips), "Error", "RequiredCheckSkipped"},
	{
		"a skip that is not permitted, beyond the tests that are kept",
		evidence(denySkips, noManifest, expected(4), saw("TestC", gotest.Pass), beyond(gotest.Tally{Started: 1, Skipped: 1})),
		"Error", "RequiredCheckSkipped",
	},
	{
		"all skipped, not permitted",
		evidence(denySkips, saw("TestA", gotest.Skip), saw("TestB", gotest.Skip)), "Error", "RequiredCheckSkipped",
	},

	// Error: the end does not agree, or was not seen.
	{"all tests pass but the exit code is not 0", evidence(exit(3)), "Error", "ExitCodeMismatch"},
	{"the binary says FAIL, no test did and the exit code is 0", evidence(overall(gotest.Fail)), "Error", "ExitCodeMismatch"},
	{"no final PASS", evidence(overall(gotest.Unended)), "Error", "EvidenceIncomplete"},
	{"nobody saw the exit code", evidence(noExit), "Error", "EvidenceIncomplete"},
	{"neither a manifest nor a number of tests", evidence(noManifest), "Error", "EvidenceIncomplete"},
	{"a manifest that could not be read", evidence(noManifest, listLost("connection refused")), "Error", "EvidenceIncomplete"},
	{"a number of tests for a manifest that could not be read", evidence(noManifest, listLost("connection refused"), expected(3)), "Passed", ""},
	{
		"a gap and no manifest",
		evidence(noManifest, expected(3), logMissing("40 lines after line 12")), "Error", "EvidenceIncomplete",
	},
	{
		"a gap that hides the end of a manifest test",
		evidence(saw("TestB", gotest.Unended), logMissing("40 lines after line 12")), "Error", "EvidenceIncomplete",
	},
	{
		"a gap that hides a manifest test",
		evidence(unseen("TestB"), logMissing("40 lines after line 12")), "Error", "EvidenceIncomplete",
	},
	{
		"the whole log is missing",
		evidence(unseen("TestA", "TestB", "TestC"), overall(gotest.Unended), logMissing("the node is gone")),
		"Error", "EvidenceIncomplete",
	},

	// Error: what befell the pod.
	{
		"the memory was used up in a test",
		evidence(saw("TestB", gotest.Unended), unseen("TestC"), died(137), trouble("OOMKilled", "the kernel killed the validator")),
		"Error", "OOMKilled",
	},
	{
		"the node was lost between two tests",
		evidence(unseen("TestC"), overall(gotest.Unended), noExit, trouble("NodeLost", "the node does not answer")),
		"Error", "NodeLost",
	},
	{
		"the run's timeout before anything was seen",
		evidence(unseen("TestA", "TestB", "TestC"), overall(gotest.Unended), noExit,
			trouble("RunTimeout", "the run's timeout of 2h is over")),
		"Error", "RunTimeout",
	},
}

func TestJudge(t *testing.T) {
	for _, s := range slices.Concat(stories, saidStories, subtestStories) {
		t.Run(s.name, func(t *testing.T) {
			out := Judge(s.evidence)
			if out.State != s.state || out.Reason != s.reason {
				t.Errorf("got %s %s: %s\nwant %s %s", out.State, out.Reason, out.Message, s.state, s.reason)
			}
		})
	}
}

// TestTranscript shows to a reader of a change what people will read.
func TestTranscript(t *testing.T) {
	var b strings.Builder
	for _, s := range slices.Concat(stories, saidStories, subtestStories) {
		out := Judge(s.evidence)
		fmt.Fprintf(&b, "%s\n    %s\n    %s\n", s.name, strings.TrimSpace(string(out.State)+" "+out.Reason), out.Message)
		if out.State == v1alpha1.PhasePassed || out.State == v1alpha1.PhaseSkipped { // the others' notes are in their message
			for _, note := range out.Notes {
				fmt.Fprintf(&b, "    note: %s\n", note)
			}
		}
		for _, t := range out.Tests {
			if t.Status == Failed || t.Status == Error {
				fmt.Fprintf(&b, "    - %s: %s\n", t.Name, strings.TrimSpace(string(t.Status)+" "+t.Reason))
			}
		}
	}
	path := filepath.Join("testdata", "transcript.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it:\n%s", path, diff)
	}
}

// TestEveryIngredient takes away one part of a proof at a time.
func TestEveryIngredient(t *testing.T) {
	for _, proof := range []struct {
		name string
		base []change
	}{
		{"with a manifest", nil},
		{"with a number of tests", []change{noManifest, expected(3)}},
	} {
		for name, without := range map[string]change{
			"the exit code":            noExit,
			"exit code 0":              exit(1),
			"the final PASS":           overall(gotest.Unended),
			"a final PASS, not FAIL":   overall(gotest.Fail),
			"a final PASS, not a skip": overall(gotest.Skip),
			"the end of a test":        saw("TestA", gotest.Unended),
			"a test":                   unseen("TestA"),
			"all tests":                unseen("TestA", "TestB", "TestC"),
			"the pass of a test":       saw("TestA", gotest.Fail),
			"the pass of a subtest":    saw("TestB/x", gotest.Fail),
			"any pass": func(e *Evidence) {
				saw("TestA", gotest.Skip)(e)
				saw("TestB", gotest.Skip)(e)
			},
			"the right number":             expected(2),
			"the permission to skip":       denySkips,
			"the whole expectation":        func(e *Evidence) { noManifest(e); expected(0)(e) },
			"a test on the list":           manifest("TestA", "TestB", "TestC", "TestD"),
			"any test on the list":         manifest(),
			"a failure seen elsewhere":     witnessed("TestA"),
			"a wanted constraint":          wants(wanted),
			"a constraint that holds":      reports("TestA", broken),
			"a readable constraint":        anomaly(gotest.MalformedConstraint, 1),
			"a constraint that was kept":   anomaly(gotest.DroppedConstraint, 1),
			"a skip that could run":        skipKind("TestC", gotest.SkipCouldNotRun),
			"a check of the list":          checks("a", "b", "x"),
			"the end of a test beyond":     beyond(gotest.Tally{Started: 1}),
			"the pass of a test beyond":    beyond(gotest.Tally{Started: 1, Failed: 1}),
			"the end of an unlisted test":  saw("TestForged", gotest.Unended),
			"the pass of an unlisted test": saw("TestForged", gotest.Fail),
		} {
			t.Run(proof.name+"/"+name, func(t *testing.T) {
				if out := Judge(evidence(proof.base...)); out.State != v1alpha1.PhasePassed {
					t.Fatalf("the whole proof is %s %s: %s", out.State, out.Reason, out.Message)
				}
				out := Judge(evidence(append(slices.Clip(proof.base), without)...))
				if out.State == v1alpha1.PhasePassed {
					t.Errorf("still Passed: %s", out.Message)
				}
				if out.Reason == "" || out.Message == "" {
					t.Errorf("%s without a reason or message: %q, %q", out.State, out.Reason, out.Message)
				}
			})
		}
	}
}

// TestAFailureStaysAFailure holds a fail frame, read in any way, against everything else that can be seen.
func TestAFailureStaysAFailure(t *testing.T) {
	failures := map[string]change{
		"a test":                         saw("TestA", gotest.Fail),
		"a subtest":                      saw("TestB/x", gotest.Fail),
		"a subtest of no known test":     saw("TestD/x", gotest.Fail),
		"a test that is not listed":      saw("TestForged", gotest.Fail),
		"a constraint":                   func(e *Evidence) { saw("TestA", gotest.Pass)(e); reports("TestA", broken)(e) },
		"in the termination message":     witnessed("TestB"),
		"a subtest's, in that message":   witnessed("TestB/x"),
		"an orphan's, in that message":   witnessed("TestD/x"),
		"beyond the tests that are kept": beyond(gotest.Tally{Started: 1, Failed: 1}),
	}
	other := map[string]change{
		"nothing": func(*Evidence) {},
		"exit code 0, final PASS": func(e *Evidence) {
			exit(0)(e)
			overall(gotest.Pass)(e)
		},
		"no exit code":        noExit,
		"exit code 1":         exit(1),
		"a kill":              died(137),
		"a panic":             panicked(gotest.Panic{Message: "boom"}),
		"Go's own timeout":    panicked(gotest.Panic{Message: "test timed out after 1s", Timeout: true}),
		"a gap":               logMissing("everything behind line 3"),
		"a test without end":  saw("TestC", gotest.Unended),
		"a missing test":      unseen("TestC"),
		"the wrong number":    expected(17),
		"no manifest":         noManifest,
		"an empty manifest":   manifest(),
		"a forbidden skip":    denySkips,
		"a wanted constraint": wants(wanted),
		"an unknown check":    checks("x"),
		"a gap, no manifest": func(e *Evidence) {
			noManifest(e)
			logMissing("everything behind line 3")(e)
		},
	}
	for _, reason := range troubles {
		other[reason] = trouble(reason, "it went away")
	}
	for how, fails := range failures {
		for what, happens := range other {
			t.Run(how+"/"+what, func(t *testing.T) {
				out := Judge(evidence(happens, fails))
				if out.State != v1alpha1.PhaseFailed || out.Reason != v1alpha1.ReasonTestsFailed {
					t.Errorf("got %s %s: %s", out.State, out.Reason, out.Message)
				}
				if e := evidence(happens); e.Trouble != nil && !strings.Contains(out.Message, e.Trouble.Reason) {
					t.Errorf("the trouble is not named beside the failure: %s", out.Message)
				}
				if out.Summary.Failed == 0 {
					t.Errorf("the summary counts no failure: %+v", out.Summary)
				}
			})
		}
	}
}

// TestTroubleIsNoVerdict: without a failure, and without the whole proof, trouble is the reason, whichever it is.
func TestTroubleIsNoVerdict(t *testing.T) {
	for _, reason := range troubles {
		for name, happens := range map[string]change{
			"a test is open":      saw("TestB", gotest.Unended),
			"a test is missing":   unseen("TestB"),
			"no exit code":        noExit,
			"exit code 137":       exit(137),
			"no final PASS":       overall(gotest.Unended),
			"nothing was read":    unseen("TestA", "TestB", "TestC"),
			"a gap, no manifest":  func(e *Evidence) { noManifest(e); logMissing("the end")(e) },
			"no list, no number":  noManifest,
			"a skip is forbidden": denySkips,
		} {
			t.Run(reason+"/"+name, func(t *testing.T) {
				out := Judge(evidence(happens, trouble(reason, "it went away")))
				if out.State != v1alpha1.PhaseError || out.Reason != reason {
					t.Errorf("got %s %s: %s", out.State, out.Reason, out.Message)
				}
			})
		}
	}
}
