package verdict

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// verdicts are the tests in order, as "name: status reason".
func verdicts(out Outcome) []string {
	var lines []string
	for _, t := range out.Tests {
		line := t.Name + ": " + string(t.Status)
		if t.Package != "" {
			line = t.Package + "." + line
		}
		if t.Reason != "" {
			line += " " + t.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

// TestFamilies is about what a test's end says of its subtests, and theirs of it.
func TestFamilies(t *testing.T) {
	in := func(pkg string, t gotest.Test) gotest.Test {
		t.Package = pkg
		return t
	}
	for _, tc := range []struct {
		name    string
		tests   []gotest.Test
		changes []change
		want    []string
	}{
		{
			name:  "each by itself",
			tests: []gotest.Test{test("TestA", gotest.Pass), test("TestA/x", gotest.Skip), test("TestB", gotest.Skip)},
			want:  []string{"TestA: Skipped", "TestA/x: Skipped", "TestB: Skipped"},
		},
		{
			name:  "a subtest without its end did not fail if its parent passed",
			tests: []gotest.Test{test("TestA", gotest.Pass), test("TestA/x", gotest.Unended), test("TestA/x/y", gotest.Unended)},
			want:  []string{"TestA: Passed", "TestA/x: Passed", "TestA/x/y: Passed"},
		},
		{
			name:  "nor if its parent was skipped",
			tests: []gotest.Test{test("TestA", gotest.Skip), test("TestA/x", gotest.Unended)},
			want:  []string{"TestA: Skipped", "TestA/x: Skipped"},
		},
		{
			name:  "it proves nothing if its parent failed",
			tests: []gotest.Test{test("TestA", gotest.Fail), test("TestA/x", gotest.Unended)},
			want:  []string{"TestA: Failed", "TestA/x: Error TestIncomplete"},
		},
		{
			name: "also where that the parent failed is known from another subtest that came later",
			tests: []gotest.Test{
				test("TestA", gotest.Pass), test("TestA/x", gotest.Unended), test("TestA/y", gotest.Fail),
			},
			want: []string{"TestA: Failed", "TestA/x: Error TestIncomplete", "TestA/y: Failed"},
		},
		{
			name:  "a failure is one of all parents",
			tests: []gotest.Test{test("TestA", gotest.Unended), test("TestA/x", gotest.Unended), test("TestA/x/y", gotest.Fail)},
			want:  []string{"TestA: Failed", "TestA/x: Failed", "TestA/x/y: Failed"},
		},
		{
			name:  "and of no neighbour",
			tests: []gotest.Test{test("TestA", gotest.Pass), test("TestAB", gotest.Pass), test("TestAB/x", gotest.Fail)},
			want:  []string{"TestA: Passed", "TestAB: Failed", "TestAB/x: Failed"},
		},
		{
			name:  "a subtest proves that its test has started",
			tests: []gotest.Test{test("TestA/x/y", gotest.Pass), test("TestB/x", gotest.Fail)},
			want: []string{
				"TestA: Error TestIncomplete", "TestA/x/y: Passed", "TestB: Failed", "TestB/x: Failed",
			},
		},
		{
			name:  "whose own frames may come later",
			tests: []gotest.Test{test("TestA/x", gotest.Pass), test("TestA", gotest.Pass)},
			want:  []string{"TestA/x: Passed", "TestA: Passed"},
		},
		{
			name:    "or be beyond those that are kept",
			tests:   []gotest.Test{test("TestA/x", gotest.Pass)},
			changes: []change{beyond(gotest.Tally{Started: 1, Passed: 1})},
			want:    []string{"TestA/x: Passed"},
		},
		{
			name: "packages have nothing to do with each other",
			tests: []gotest.Test{
				in("a", test("TestX", gotest.Pass)), in("a", test("TestX/y", gotest.Pass)),
				in("b", test("TestX", gotest.Unended)), in("b", test("TestX/y", gotest.Fail)), in("b", test("TestX/z", gotest.Unended)),
			},
			want: []string{
				"a.TestX: Passed", "a.TestX/y: Passed", "b.TestX: Failed", "b.TestX/y: Failed", "b.TestX/z: Error TestIncomplete",
			},
		},
		{
			name:    "Go's own timeout explains all that is open",
			tests:   []gotest.Test{test("TestA", gotest.Unended), test("TestA/x", gotest.Unended)},
			changes: []change{panicked(gotest.Panic{Message: "test timed out after 1s", Timeout: true, Running: []string{"TestA/x"}})},
			want:    []string{"TestA: Error DeadlineExceeded", "TestA/x: Error DeadlineExceeded"},
		},
		{
			name:    "a panic explains the test that it is known to be of",
			tests:   []gotest.Test{test("TestA", gotest.Unended), test("TestB", gotest.Unended)},
			changes: []change{panicked(gotest.Panic{Message: "boom", Test: "TestB"})},
			want:    []string{"TestA: Error TestIncomplete", "TestB: Error Panicked"},
		},
		{
			name:    "trouble explains what is open, and a list what is missing",
			tests:   []gotest.Test{test("TestA", gotest.Unended)},
			changes: []change{manifest("TestA", "TestB"), trouble("Evicted", "the node was short of memory")},
			want:    []string{"TestA: Error Evicted", "TestB: Error TestMissing"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := evidence(noManifest)
			e.GoTest.Stream.Tests = tc.tests
			for _, c := range tc.changes {
				c(&e)
			}
			if diff := cmp.Diff(tc.want, verdicts(Judge(e))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWitness: the termination message adds failures and nothing else.
func TestWitness(t *testing.T) {
	witness := func(tests ...gotest.Test) change {
		return func(e *Evidence) {
			e.GoTest.Witness = gotest.Result{Tests: tests, Overall: gotest.Pass, Panic: &gotest.Panic{Message: "boom"}}
		}
	}
	failed := gotest.Test{Name: "TestC", Outcome: gotest.Fail, Elapsed: time.Second, Output: gotest.Output{Head: "why\n"}}
	for _, tc := range []struct {
		name     string
		evidence Evidence
		want     []string
		state    v1alpha1.PhaseState
	}{
		{
			"what passed in it does not end a test, nor run a missing one, nor end the binary",
			evidence(saw("TestB", gotest.Unended), saw("TestB/x", gotest.Unended), unseen("TestC"), overall(gotest.Unended),
				witness(test("TestB", gotest.Pass), test("TestC", gotest.Pass))),
			[]string{
				"TestA: Passed", "TestB: Error TestIncomplete", "TestB/x: Error TestIncomplete", "TestB/y: Skipped",
				"TestC: Error TestMissing",
			},
			v1alpha1.PhaseError,
		},
		{
			"what is open in it opens nothing", evidence(witness(test("TestA", gotest.Unended), test("TestD", gotest.Unended))),
			[]string{"TestA: Passed", "TestB: Passed", "TestB/x: Passed", "TestB/y: Skipped", "TestC: Skipped"},
			v1alpha1.PhasePassed,
		},
		{
			"a failure of a missing test", evidence(unseen("TestC"), overall(gotest.Unended), witness(failed)),
			[]string{"TestA: Passed", "TestB: Passed", "TestB/x: Passed", "TestB/y: Skipped", "TestC: Failed"},
			v1alpha1.PhaseFailed,
		},
		{
			"a failure of a test that seemed to pass", evidence(witness(test("TestA", gotest.Fail))),
			[]string{"TestA: Failed", "TestB: Passed", "TestB/x: Passed", "TestB/y: Skipped", "TestC: Skipped"},
			v1alpha1.PhaseFailed,
		},
		{
			"a failure of a subtest of which nothing else is known", evidence(witness(test("TestD/x", gotest.Fail))),
			[]string{
				"TestA: Passed", "TestB: Passed", "TestB/x: Passed", "TestB/y: Skipped", "TestC: Skipped", "TestD: Failed", "TestD/x: Failed",
			},
			v1alpha1.PhaseFailed,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := Judge(tc.evidence)
			if diff := cmp.Diff(tc.want, verdicts(out)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if out.State != tc.state {
				t.Errorf("got %s %s: %s, want %s", out.State, out.Reason, out.Message, tc.state)
			}
		})
	}

	t.Run("with it comes its output", func(t *testing.T) {
		out := Judge(evidence(unseen("TestC"), witness(failed)))
		got := out.Tests[len(out.Tests)-1]
		if got.Output != failed.Output || got.Elapsed != failed.Elapsed {
			t.Errorf("got %+v", got)
		}
	})
}

func TestSummaryCountsTopLevelTests(t *testing.T) {
	for _, tc := range []struct {
		name     string
		evidence Evidence
		want     v1alpha1.Summary
	}{
		{"all is well", evidence(), v1alpha1.Summary{Total: 3, Passed: 2, Skipped: 1}},
		{
			"one of each", evidence(saw("TestB/x", gotest.Fail), manifest("TestA", "TestB", "TestC", "TestD")),
			v1alpha1.Summary{Total: 4, Passed: 1, Failed: 1, Skipped: 1, Errored: 1},
		},
		{
			"those beyond the ones that are kept", evidence(beyond(gotest.Tally{Started: 10, Passed: 5, Failed: 2, Skipped: 1})),
			v1alpha1.Summary{Total: 13, Passed: 7, Failed: 2, Skipped: 2, Errored: 2},
		},
		{"nothing", evidence(unseen("TestA", "TestB", "TestC"), noManifest), v1alpha1.Summary{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Judge(tc.evidence).Summary); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
