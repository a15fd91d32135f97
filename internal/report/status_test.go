package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

func TestMessage(t *testing.T) {
	phase := func(name string, state v1alpha1.PhaseState, sum v1alpha1.Summary) Phase {
		return Phase{Name: name, State: state, Reason: "Why", Summary: sum}
	}
	passed := phase("readiness", v1alpha1.PhasePassed, v1alpha1.Summary{Total: 13, Passed: 13})
	for _, tc := range []struct {
		name   string
		phases []Phase
		want   string
	}{
		{"no phases", nil, "no test ran"},
		{"one phase", []Phase{passed}, "13 passed in 1 phase"},
		{
			"with a skip",
			[]Phase{passed, phase("deployment", v1alpha1.PhaseSkipped, v1alpha1.Summary{Total: 1, Skipped: 1})},
			"13 passed, 1 skipped in 2 phases",
		},
		{
			"failures first",
			[]Phase{passed, phase("deployment", v1alpha1.PhaseFailed, v1alpha1.Summary{Total: 4, Passed: 1, Failed: 2, Errored: 1})},
			"2 failed, 1 errored, 14 passed in 2 phases",
		},
		{
			"one was not run",
			[]Phase{passed, phase("conformance", v1alpha1.PhaseNotRun, v1alpha1.Summary{})},
			"13 passed in 1 phase; conformance was not run",
		},
		{
			"an error without tests, and three that were not run",
			[]Phase{
				phase("readiness", v1alpha1.PhaseError, v1alpha1.Summary{}), phase("a", v1alpha1.PhaseNotRun, v1alpha1.Summary{}),
				phase("b", v1alpha1.PhaseNotRun, v1alpha1.Summary{}), phase("c", v1alpha1.PhaseNotRun, v1alpha1.Summary{}),
			},
			"no test ran in 1 phase; readiness is in error (Why); a, b and c were not run",
		},
		{
			"where all skipped, the first says why",
			[]Phase{
				{Name: "a", State: v1alpha1.PhaseSkipped, Message: "no GPU", Summary: v1alpha1.Summary{Total: 1, Skipped: 1}},
				{Name: "b", State: v1alpha1.PhaseSkipped, Message: "no network", Summary: v1alpha1.Summary{Total: 2, Skipped: 2}},
			},
			"3 skipped in 2 phases; a: no GPU",
		},
		{"nothing was run", []Phase{NotRun("a", "RunTimeout", "")}, "no test ran; a was not run"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Message(tc.phases); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestMessageOfSkips: a phase says why its tests skipped themselves where nothing else explains what came out.
func TestMessageOfSkips(t *testing.T) {
	said := gotest.Output{Head: "    a_test.go:3: could not run: it may not list nodes\n"}
	for name, tt := range map[string]struct {
		out  verdict.Outcome
		says bool
	}{
		"that must not": {verdict.Outcome{State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonRequiredCheckSkipped, Message: "1 test"}, true},
		"that may":      {verdict.Outcome{State: v1alpha1.PhaseSkipped, Reason: v1alpha1.ReasonNothingApplicable, Message: "1 test"}, true},
		"beside a pass": {verdict.Outcome{State: v1alpha1.PhasePassed, Message: "1 test"}, false},
	} {
		tt.out.Tests = []verdict.Test{{Name: "TestA", Status: verdict.Skipped, SkipKind: gotest.SkipCouldNotRun, Output: said}}
		got := NewPhase(PhaseInfo{Name: "p"}, tt.out, gotest.Result{}).Message
		if says := strings.Contains(got, "TestA: ") && strings.Contains(got, "it may not list nodes"); says != tt.says {
			t.Errorf("%s: the message is %q", name, got)
		}
	}
}

func TestFailures(t *testing.T) {
	output := func(text string) *Output { return &Output{Text: text} }
	long := strings.Repeat("a line of output\n", 100)
	for _, tc := range []struct {
		name  string
		phase Phase
		want  []v1alpha1.TestFailure
	}{
		{"a phase that passed has none", passedPhase(), nil},
		{"a phase that was not run has none", NotRun("p", "EarlierPhase", "because"), nil},
		{
			"a phase without a test that failed speaks for itself",
			Phase{
				Name: "p", State: v1alpha1.PhaseError, Reason: "ExitCodeMismatch", Message: "exit code 3",
				Tests: []Test{{Name: "TestA", Status: verdict.Skipped}},
			},
			[]v1alpha1.TestFailure{{Phase: "p", Message: "exit code 3"}},
		},
		{
			"a test that must not skip says why it did",
			Phase{
				Name: "p", State: v1alpha1.PhaseError, Reason: "RequiredCheckSkipped", Message: "2 tests skipped (TestA, TestB)",
				Tests: []Test{
					{Name: "TestA", Status: verdict.Skipped}, {Name: "TestB", Status: verdict.Skipped},
					{Name: "TestB/x", Status: verdict.Skipped, Output: output("    b_test.go:1: no GPU\n")}, {Name: "TestC", Status: verdict.Passed},
				},
			},
			[]v1alpha1.TestFailure{
				{Phase: "p", Test: "TestA", Message: "2 tests skipped (TestA, TestB)"}, {Phase: "p", Test: "TestB/x", Message: "b_test.go:1: no GPU"},
			},
		},
		{
			"of tests that skipped those are to blame that could not run",
			Phase{
				Name: "p", State: v1alpha1.PhaseError, Reason: "RequiredCheckSkipped",
				Tests: []Test{
					{Name: "TestA", Status: verdict.Skipped, Output: output("no GPU\n")},
					{Name: "TestB", Status: verdict.Skipped, SkipKind: "could-not-run", Output: output("could not run: it may not list nodes\n")},
				},
			},
			[]v1alpha1.TestFailure{{Phase: "p", Test: "TestB", Message: "could not run: it may not list nodes"}},
		},
		{
			"a phase with neither says its reason",
			Phase{Name: "p", State: v1alpha1.PhaseError, Reason: "StartFailed"},
			[]v1alpha1.TestFailure{{Phase: "p", Message: "StartFailed"}},
		},
		{
			"the deepest subtest is named, not its parents",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{
				{Name: "TestA", Status: verdict.Failed, Output: output("from the parent\n")},
				{Name: "TestA/b", Status: verdict.Failed},
				{Name: "TestA/b/c", Status: verdict.Failed, Output: output("from the subtest\n")},
				{Name: "TestA/b/d", Status: verdict.Passed, Output: output("all is well\n")},
				{Name: "TestB", Status: verdict.Failed, Output: output("x\n")},
				{Name: "TestB/passes", Status: verdict.Passed},
			}},
			[]v1alpha1.TestFailure{
				{Phase: "p", Test: "TestA/b/c", Message: "from the subtest"},
				{Phase: "p", Test: "TestB", Message: "x"},
			},
		},
		{
			"a name that begins like another's is no child of it",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{
				{Name: "TestA", Status: verdict.Failed}, {Name: "TestAB", Status: verdict.Failed},
			}},
			[]v1alpha1.TestFailure{{Phase: "p", Test: "TestA", Message: "no output"}, {Phase: "p", Test: "TestAB", Message: "no output"}},
		},
		{
			"without output there is the reason",
			Phase{Name: "p", State: v1alpha1.PhaseError, Tests: []Test{{Name: "TestA", Status: verdict.Error, Reason: "TestMissing"}}},
			[]v1alpha1.TestFailure{{Phase: "p", Test: "TestA", Message: "TestMissing"}},
		},
		{
			"the last whole lines of a long output",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{{Name: "TestA", Status: verdict.Failed, Output: output(long)}}},
			[]v1alpha1.TestFailure{{
				Phase: "p", Test: "TestA", Message: "…\n" + strings.TrimSuffix(strings.Repeat("a line of output\n", 60), "\n"),
			}},
		},
		{
			"a panic counts more than the stack below it",
			Phase{Name: "p", State: v1alpha1.PhaseError, Tests: []Test{{
				Name: "TestA", Status: verdict.Error, Output: output("before\npanic: boom\n\n" + strings.Repeat("x\n", 10)),
			}}},
			[]v1alpha1.TestFailure{{Phase: "p", Test: "TestA", Message: "panic: boom\n\n" + strings.Repeat("x\n", 9) + "x"}},
		},
		{
			"the indent of testing goes, that within a message stays",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{{
				Name: "TestA", Status: verdict.Failed,
				Output: output("    a_test.go:9: got:\n        1\n\n[... 5 bytes cut ...]\n    a_test.go:10: the end\n"),
			}}},
			[]v1alpha1.TestFailure{{
				Phase: "p", Test: "TestA", Message: "a_test.go:9: got:\n    1\n\n[... 5 bytes cut ...]\na_test.go:10: the end",
			}},
		},
		{
			"a long name and long text are cut at rune boundaries",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{{
				Name: "Test" + strings.Repeat("é", 200), Status: verdict.Failed, Output: output(strings.Repeat("é", 2000)),
			}}},
			[]v1alpha1.TestFailure{{
				Phase: "p", Test: "Test" + strings.Repeat("é", 124) + "…", Message: "…" + strings.Repeat("é", 510),
			}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Failures([]Phase{tc.phase})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, f := range got {
				if len(f.Test) > NameBytes || len(f.Message) > MessageBytes {
					t.Errorf("%d bytes of name and %d of message are too many", len(f.Test), len(f.Message))
				}
			}
		})
	}
}

func TestFailuresLeaveRoomForEveryTest(t *testing.T) {
	one := Phase{Name: "one", State: v1alpha1.PhaseFailed, Tests: []Test{{Name: "TestTable", Status: verdict.Failed}}}
	for i := range 100 {
		one.Tests = append(one.Tests, Test{Name: fmt.Sprintf("TestTable/%d", i), Status: verdict.Failed})
	}
	two := Phase{Name: "two", State: v1alpha1.PhaseError, Message: "it hung"}
	got := Failures([]Phase{one, two})
	if len(got) != 20 {
		t.Fatalf("%d failures, want 20", len(got))
	}
	if first, last := got[0].Test, got[19]; first != "TestTable/0" || last.Phase != "two" || last.Message != "it hung" {
		t.Errorf("the first is %s and the last %+v, want those of both phases, in order", first, last)
	}
}

func TestSkippedPhaseQuotesItsFirstSkip(t *testing.T) {
	want := "2 tests skipped, none was applicable; TestBandwidth: nccl_test.go:9: one node, two are needed"
	if got := skippedPhase().Message; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
