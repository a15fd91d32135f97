package report

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// checkJUnit reads junit.xml as a CI system does: it is XML, each test is in it, and it is red where the result is not proven.
func checkJUnit(t *testing.T, text []byte, r Result) []junit.Suite {
	t.Helper()
	if !strings.HasPrefix(string(text), xml.Header) {
		t.Error("there is no XML header")
	}
	if err := xml.Unmarshal(text, new(struct{})); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	// The reader takes attributes of its own and the header for what they are only behind a header.
	got, err := junit.Ingest([]byte(strings.TrimPrefix(string(text), xml.Header)))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	red, tests := 0, 0
	for i, s := range got {
		red += s.Totals.Failed + s.Totals.Error
		if i == len(r.Phases) {
			break // the run itself
		}
		for j, want := range r.Phases[i].Tests {
			is := s.Tests[j]
			if wantName := orNoName(want.Name); is.Name != wantName || is.Classname != classOf(r, r.Phases[i], want) || string(is.Status) != strings.ToLower(string(want.Status)) {
				t.Errorf("test %s, %s is %s, %s, %s", wantName, want.Status, is.Classname, is.Name, is.Status)
			}
			tests++
		}
	}
	if n := len(statuses(r.Phases)); tests != n {
		t.Errorf("%d tests of %d are in junit.xml", tests, n)
	}
	if (red > 0) == proven(r) {
		t.Errorf("%d tests failed or are in error, and proven is %v", red, proven(r))
	}
	return got
}

// classOf is the class of a test: the run and the phase, and in a phase of many Jobs which of them.
func classOf(r Result, p Phase, t Test) string {
	class := r.Run.Name + "." + p.Name
	if t.Check != "" {
		class += "." + line(t.Check)
	}
	if t.Node != "" && p.onNodes(t.Check) {
		class += "." + line(t.Node)
	}
	return class
}

func orNoName(name string) string {
	if name == "" {
		return "(no name)"
	}
	return name
}

func TestJUnitTexts(t *testing.T) {
	type text struct{ Name, Status, Message, Body, Out string }
	for _, tc := range []struct {
		name  string
		phase Phase
		want  []text
	}{
		{
			"a failure has its output as its text, and its last own line as message",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{{
				Name: "TestA", Status: verdict.Failed, Output: &Output{Text: "    a_test.go:7: first\n    a_test.go:9: got 1\n        want 2\n"},
			}}},
			[]text{{"TestA", "failed", "a_test.go:9: got 1", "    a_test.go:7: first\n    a_test.go:9: got 1\n        want 2\n", ""}},
		},
		{
			"a panic is its message",
			Phase{Name: "p", State: v1alpha1.PhaseError, Tests: []Test{{
				Name: "TestA", Status: verdict.Error, Reason: "Panicked", Output: &Output{Text: "x\npanic: boom\n\ngoroutine 1\n    /a.go:9: +0x1\n"},
			}}},
			[]text{{"TestA", "error", "panic: boom", "x\npanic: boom\n\ngoroutine 1\n    /a.go:9: +0x1\n", ""}},
		},
		{
			"a skip says why, and what passed keeps its output",
			Phase{Name: "p", State: v1alpha1.PhasePassed, Tests: []Test{
				{Name: "TestA", Status: verdict.Skipped, Output: &Output{Text: "    a_test.go:7: no GPU\n"}},
				{Name: "TestB", Status: verdict.Passed, Output: &Output{Text: "fine ]]> <b>\n"}},
			}},
			[]text{
				{"TestA", "skipped", "a_test.go:7: no GPU", "", "    a_test.go:7: no GPU\n"},
				{"TestB", "passed", "", "", "fine ]]> <b>\n"},
			},
		},
		{
			"a parent points to its subtests",
			Phase{Name: "p", State: v1alpha1.PhaseFailed, Tests: []Test{
				{Name: "TestA", Status: verdict.Failed}, {Name: "TestA/b", Status: verdict.Failed},
			}},
			[]text{
				{"TestA", "failed", "its subtests say why", "its subtests say why", ""},
				{"TestA/b", "failed", "no output", "no output", ""},
			},
		},
		{
			"a phase without a test to show for it becomes one",
			Phase{Name: "p", State: v1alpha1.PhaseError, Reason: "ExitCodeMismatch", Message: "exit code 3", Notes: []string{"beside"}, Tests: []Test{
				{Name: "TestA", Status: verdict.Passed},
			}},
			[]text{{"TestA", "passed", "", "", ""}, {"phase p", "error", "exit code 3", "exit code 3\nbeside", ""}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := attemptOf(v1alpha1.VerdictError, tc.phase)
			data, err := marshalJUnit(r)
			if err != nil {
				t.Fatal(err)
			}
			suites, err := junit.Ingest(data)
			if err != nil {
				t.Fatal(err)
			}
			var got []text
			for _, c := range suites[0].Tests {
				body := ""
				if e, failed := errors.AsType[junit.Error](c.Error); failed {
					body = e.Body
				}
				got = append(got, text{c.Name, string(c.Status), c.Message, body, c.SystemOut})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNeverGreen: readers of tests alone see that something is missing, whatever it is.
func TestNeverGreen(t *testing.T) {
	states := []v1alpha1.PhaseState{"", "Pending", "Running", "Passed", "Failed", "Error", "Skipped", "NotRun"}
	verdicts := []v1alpha1.Verdict{"", "Passed", "Failed", "Error", "Skipped", "Cancelled"}
	tests := [][]Test{
		nil, {{Name: "TestA", Status: verdict.Passed}}, {{Name: "TestA", Status: verdict.Skipped}}, {{Name: "TestA", Status: verdict.Error}},
		{{Name: "TestA", Status: verdict.Passed}, {Name: "TestB", Status: verdict.Failed}},
	}
	for _, v := range append(verdicts, "rejected") {
		for _, state := range states {
			for _, tests := range tests {
				r := attemptOf(v, passedPhase(), Phase{Name: "p", State: state, Tests: tests})
				if v == "rejected" {
					r.Verdict, r.Rejected = v1alpha1.VerdictSkipped, true
				}
				ctrf, err := marshalCTRF(r)
				if err != nil {
					t.Fatal(err)
				}
				checkCTRF(t, ctrf, r)
				data, err := marshalJUnit(r)
				if err != nil {
					t.Fatal(err)
				}
				checkJUnit(t, data, r)
				if t.Failed() {
					t.Fatalf("verdict %q, state %q, tests %+v", v, state, tests)
				}
			}
		}
	}
}
