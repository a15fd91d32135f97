package verdict

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
)

// at changes a test of the stream.
func at(name string, to func(*gotest.Test)) change {
	return func(e *Evidence) {
		tests := e.GoTest.Stream.Tests
		to(&tests[slices.IndexFunc(tests, func(t gotest.Test) bool { return t.Name == name })])
	}
}

func reports(name string, constraints ...gotest.Constraint) change {
	return at(name, func(t *gotest.Test) { t.Constraints = append(t.Constraints, constraints...) })
}

func skipKind(name string, kind gotest.SkipKind) change {
	return at(name, func(t *gotest.Test) { t.SkipKind = kind })
}

func wants(constraints ...WantedConstraint) change {
	return func(e *Evidence) { e.GoTest.Constraints = constraints }
}

func anomaly(a gotest.Anomaly, n int64) change {
	return func(e *Evidence) { e.GoTest.Stream.Anomalies = map[gotest.Anomaly]int64{a: n} }
}

// checks names the checks of a phase whose manifest is the binary's whole list.
func checks(names ...string) change { return func(e *Evidence) { e.GoTest.Checks = names } }

// lists are all tests of the binary.
func lists(names ...string) change { return func(e *Evidence) { e.GoTest.All = names } }

var (
	holding = gotest.Constraint{Name: "gpu-operator.version", Expected: "== v25", Actual: "v25", Passed: true}
	broken  = gotest.Constraint{Name: "gpu-operator.version", Expected: "== v25", Actual: "v24", Remediation: "Upgrade it.\nSoon."}
	warning = gotest.Constraint{Name: "driver.version", Expected: ">= 570", Actual: "560", Severity: gotest.SeverityWarning}
	wanted  = WantedConstraint{Name: "gpu-operator.version"}
	mild    = WantedConstraint{Name: "gpu-operator.version", Severity: gotest.SeverityWarning}
)

var saidStories = []story{
	{"a wanted constraint holds", evidence(wants(wanted), reports("TestA", holding)), "Passed", ""},
	{"a subtest says so", evidence(wants(wanted), reports("TestB/x", holding)), "Passed", ""},
	{"a wanted constraint does not hold", evidence(wants(wanted), reports("TestB/x", broken)), "Failed", "TestsFailed"},
	{"one that nobody wanted does not hold", evidence(reports("TestA", broken)), "Failed", "TestsFailed"},
	{"a constraint does not hold, and then the node went away", evidence(reports("TestA", broken), saw("TestB", gotest.Unended), died(137),
		trouble("NodeLost", "worker-1 does not answer")), "Failed", "TestsFailed"},
	{"a constraint does not hold, says a test without an end", evidence(saw("TestA", gotest.Unended), reports("TestA", broken), died(2)), "Failed", "TestsFailed"},
	{"a constraint does not hold, and its test failed", evidence(saw("TestA", gotest.Fail), reports("TestA", broken)), "Failed", "TestsFailed"},
	{"a warning", evidence(reports("TestA", warning)), "Passed", ""},
	{"two warnings", evidence(wants(mild), reports("TestA", warning, broken)), "Passed", ""},
	{"the recipe takes it for a warning", evidence(wants(mild), reports("TestA", broken)), "Passed", ""},
	{"the report takes it for an error", evidence(wants(mild), reports("TestA", gotest.Constraint{Name: mild.Name, Severity: gotest.SeverityError})),
		"Failed", "TestsFailed"},
	{"the report takes for a warning what the recipe does not", evidence(wants(wanted), reports("TestA", gotest.Constraint{Name: wanted.Name, Severity: gotest.SeverityWarning})),
		"Failed", "TestsFailed"},
	{"a wanted constraint is not reported", evidence(wants(wanted, WantedConstraint{Name: "b"}), reports("TestA", holding)), "Error", "ConstraintNotEvaluated"},
	{"two wanted constraints are not reported", evidence(wants(wanted, WantedConstraint{Name: "b"}, wanted)), "Error", "ConstraintNotEvaluated"},
	{"not even one that would be a warning", evidence(wants(mild)), "Error", "ConstraintNotEvaluated"},
	{"a wanted constraint is reported by a test that the list does not hold", evidence(wants(wanted), saw("TestForged", gotest.Pass), reports("TestForged", holding)),
		"Error", "ConstraintNotEvaluated"},
	{"a wanted constraint is not reported, and a test failed", evidence(wants(wanted), saw("TestA", gotest.Fail)), "Failed", "TestsFailed"},
	{"a wanted constraint is not reported, since all skipped", evidence(wants(wanted), saw("TestA", gotest.Skip), saw("TestB", gotest.Skip)),
		"Error", "ConstraintNotEvaluated"},
	{"a wanted constraint is not reported, and the memory was used up", evidence(wants(wanted), saw("TestA", gotest.Unended), died(137),
		trouble("OOMKilled", "the kernel killed the validator")), "Error", "OOMKilled"},
	{"reports of constraints that were not kept", evidence(anomaly(gotest.DroppedConstraint, 3)), "Error", "ConstraintNotEvaluated"},
	{"reports of constraints that were not kept, and a failure", evidence(anomaly(gotest.DroppedConstraint, 1), saw("TestA", gotest.Fail), exit(1)),
		"Failed", "TestsFailed"},
	{"reports of constraints that cannot be read", evidence(anomaly(gotest.MalformedConstraint, 1)), "Error", "ConstraintNotEvaluated"},
	{"all skipped, with a warning", evidence(saw("TestA", gotest.Skip), saw("TestB", gotest.Skip), reports("TestA", warning)), "Skipped", "NothingApplicable"},

	{"a skip that is not applicable", evidence(skipKind("TestC", gotest.SkipNotApplicable)), "Passed", ""},
	{"a skip of a check that could not run", evidence(skipKind("TestC", gotest.SkipCouldNotRun)), "Error", "RequiredCheckSkipped"},
	{"a skip of a subtest that could not run", evidence(skipKind("TestB/y", gotest.SkipCouldNotRun)), "Error", "RequiredCheckSkipped"},
	{"all skipped, one that could not run", evidence(saw("TestA", gotest.Skip), saw("TestB", gotest.Skip), skipKind("TestA", gotest.SkipCouldNotRun)),
		"Error", "RequiredCheckSkipped"},
	{"a gap that may hide why tests skipped", evidence(logMissing("40 lines")), "Error", "EvidenceIncomplete"},
	{"a gap that may hide why a subtest skipped", evidence(saw("TestC", gotest.Pass), logMissing("40 lines")), "Error", "EvidenceIncomplete"},
	{"a gap that may hide why all skipped", evidence(logMissing("40 lines"), saw("TestA", gotest.Skip), saw("TestB", gotest.Skip)),
		"Error", "EvidenceIncomplete"},
	{"a gap, and skips that say why", evidence(logMissing("40 lines"), skipKind("TestB/y", gotest.SkipNotApplicable), skipKind("TestC", gotest.SkipNotApplicable)),
		"Passed", ""},
	{"a gap, and a skip that says that it could not run", evidence(logMissing("40 lines"), skipKind("TestC", gotest.SkipCouldNotRun)),
		"Error", "RequiredCheckSkipped"},
	{"a skip of a test whose beginning is lost", evidence(at("TestC", func(t *gotest.Test) { t.Runs = 0 })), "Error", "EvidenceIncomplete"},
	{"a subtest without its end that could not run", evidence(saw("TestB/x", gotest.Unended), skipKind("TestB/x", gotest.SkipCouldNotRun)),
		"Error", "RequiredCheckSkipped"},
	{"one of more skips than are kept could not run", evidence(noManifest, expected(5), beyond(gotest.Tally{Started: 2, Skipped: 2}),
		anomaly(gotest.DroppedSkip, 1)), "Error", "RequiredCheckSkipped"},
	{"one of more subtests than are kept could not run", evidence(anomaly(gotest.DroppedSkip, 1),
		func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 9, Passed: 8, Skipped: 1} }), "Error", "RequiredCheckSkipped"},
	{"one of more tests than are kept logs that it could not run, and passes", evidence(noManifest, expected(5), beyond(gotest.Tally{Started: 2, Passed: 2}),
		anomaly(gotest.DroppedSkip, 1)), "Passed", ""},

	{"a test of which every subtest skipped", evidence(saw("TestB/x", gotest.Skip)), "Passed", ""},
	{"a test of which every subtest skipped, and skips are denied", evidence(saw("TestB/x", gotest.Skip), saw("TestC", gotest.Pass), denySkips),
		"Error", "RequiredCheckSkipped"},
	{"nothing but skips, of subtests as well", evidence(saw("TestA", gotest.Skip), saw("TestB/x", gotest.Skip)), "Skipped", "NothingApplicable"},
	{"nothing but skips, of subtests of subtests as well", evidence(saw("TestA", gotest.Skip), saw("TestB/x/deep", gotest.Skip), saw("TestB/x/deeper", gotest.Skip)),
		"Skipped", "NothingApplicable"},
	{"a subtest of a subtest that passed", evidence(saw("TestA", gotest.Skip), saw("TestB/x/deep", gotest.Skip), saw("TestB/x/deeper", gotest.Pass)),
		"Passed", ""},
	{"subtests that skipped, and others that are not kept", evidence(saw("TestA", gotest.Skip), saw("TestB/x", gotest.Skip),
		func(e *Evidence) { e.GoTest.Stream.BeyondSubtests = gotest.Tally{Started: 1, Passed: 1} }), "Passed", ""},

	{"checks", evidence(checks("a", "b")), "Passed", ""},
	{"checks, by the whole list", evidence(checks("b", "a"), lists("TestA", "TestB", "TestC", "TestD"), manifest("TestA", "TestB")), "Passed", ""},
	{"a check was not run", evidence(checks("a", "b", "d"), lists("TestA", "TestB", "TestC", "TestD")), "Error", "TestMissing"},
	{"a check skipped, and skips are denied", evidence(checks("a", "c"), denySkips), "Error", "RequiredCheckSkipped"},
	{"a check failed", evidence(checks("a", "b"), saw("TestB", gotest.Fail)), "Failed", "TestsFailed"},
	{"an unknown check", evidence(checks("a", "operator-helth"), lists("TestA", "TestOperatorHealth", "TestExpectedResources", "FuzzX")), "Error", "CheckNotFound"},
	{"a check that is nothing like any", evidence(checks("gang-scheduling"), lists("TestA", "TestB")), "Error", "CheckNotFound"},
	{"an unknown check, and a failure", evidence(checks("x", "a"), saw("TestA", gotest.Fail)), "Failed", "TestsFailed"},
	{"an ambiguous check", evidence(checks("expected-resources"), lists("TestExpectedResources", "Test_expected_resources")), "Error", "CheckNotFound"},
	{"a check of a binary without tests", evidence(checks("a"), manifest(), unseen("TestA", "TestB", "TestC")), "Error", "CheckNotFound"},
	{"checks without a list", evidence(checks("a"), noManifest, expected(3)), "Error", "ListFailed"},
	{"checks without a list, since that could not be read", evidence(checks("a"), noManifest, listLost("connection refused")), "Error", "EvidenceIncomplete"},
	{"checks without a list, and a failure", evidence(checks("a"), noManifest, listLost("connection refused"), saw("TestA", gotest.Fail)), "Failed", "TestsFailed"},
	{"checks without a list, since the logs are gone", evidence(checks("a"), noManifest, logMissing("it was not read to its end")), "Error", "EvidenceIncomplete"},
	{"checks without a list, since the pod was evicted", evidence(checks("a"), noManifest, died(137), trouble("Evicted", "the node was short of memory")), "Error", "Evicted"},
}

// TestConstraintsByWitness: a constraint that the log lost is a failure all the same, and one that holds is no proof.
func TestConstraintsByWitness(t *testing.T) {
	witness := func(c gotest.Constraint) change {
		return func(e *Evidence) {
			w := test("TestA", gotest.Pass)
			w.Constraints = []gotest.Constraint{c}
			e.GoTest.Witness.Tests = []gotest.Test{w}
		}
	}
	out := Judge(evidence(reports("TestA", holding), witness(broken)))
	if out.State != v1alpha1.PhaseFailed || len(out.Tests[0].Constraints) != 1 || out.Tests[0].Constraints[0].Passed {
		t.Errorf("it is %s with %+v", out.State, out.Tests[0])
	}
	if out := Judge(evidence(wants(wanted), witness(holding))); out.Reason != v1alpha1.ReasonConstraintNotEvaluated {
		t.Errorf("one that holds is %s %s: %s", out.State, out.Reason, out.Message)
	}
}

// TestWhatIsSaidComesThrough: what a test says of itself is in the outcome, with the severity that counts.
func TestWhatIsSaidComesThrough(t *testing.T) {
	artifact := gotest.Artifact{Label: "nodes", Data: []byte("x"), Bytes: 1, SHA256: "2d71"}
	out := Judge(evidence(wants(mild), reports("TestA", broken, warning), at("TestA", func(t *gotest.Test) {
		t.Artifacts, t.Remediation = []gotest.Artifact{artifact}, "Restart it."
	}), skipKind("TestC", gotest.SkipNotApplicable)))
	weighed := broken
	weighed.Severity = gotest.SeverityWarning
	a, c := out.Tests[0], out.Tests[len(out.Tests)-1]
	want := Test{
		Name: "TestA", Status: Passed, Constraints: []gotest.Constraint{weighed, warning},
		Artifacts: []gotest.Artifact{artifact}, Remediation: "Restart it.",
	}
	if diff := cmp.Diff(want, a); diff != "" || c.SkipKind != gotest.SkipNotApplicable {
		t.Errorf("TestC is %+v; TestA (-want +got):\n%s", c, diff)
	}
}

// TestWhatTheRecipeSaysComesThrough: a report that does not say what was expected, or how to mend it, has that from the recipe.
func TestWhatTheRecipeSaysComesThrough(t *testing.T) {
	want := WantedConstraint{Name: "c", Expected: "== v2", Remediation: "Upgrade it."}
	for name, tt := range map[string]struct{ said, want gotest.Constraint }{
		"it says neither": {gotest.Constraint{Name: "c", Actual: "v1"}, gotest.Constraint{Name: "c", Expected: "== v2", Actual: "v1", Remediation: "Upgrade it."}},
		"it says both": {gotest.Constraint{Name: "c", Expected: "v2", Remediation: "Mend it."},
			gotest.Constraint{Name: "c", Expected: "v2", Remediation: "Mend it."}},
	} {
		out := Judge(evidence(wants(want), reports("TestA", tt.said)))
		tt.want.Severity = gotest.SeverityError
		if diff := cmp.Diff([]gotest.Constraint{tt.want}, out.Tests[0].Constraints); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !strings.Contains(out.Message, "to mend: "+tt.want.Remediation) {
			t.Errorf("%s: the message is %s", name, out.Message)
		}
	}
}

func TestMatchChecks(t *testing.T) {
	listed := []string{"TestExpectedResources", "TestAPILatency", "TestOperatorHealth", "FuzzX", "ExampleY"}
	names, trouble := MatchChecks([]string{"api-latency", "expected-resources", "api-latency"}, listed)
	if diff := cmp.Diff([]string{"TestAPILatency", "TestExpectedResources"}, names); diff != "" || trouble != nil {
		t.Errorf("trouble %+v (-want +got):\n%s", trouble, diff)
	}
	for check, want := range map[string]string{
		"expected-resource": `there is no check "expected-resource", did you mean expected-resources?; ` +
			"this binary has the checks api-latency, expected-resources, operator-health",
		"dra": `there is no check "dra"; this binary has the checks api-latency, expected-resources, operator-health`,
	} {
		if _, trouble := MatchChecks([]string{check}, listed); trouble == nil || trouble.Message != want {
			t.Errorf("%s: got %+v, want %s", check, trouble, want)
		}
	}
	if _, trouble := MatchChecks([]string{strings.Repeat("x", 5000)}, nil); trouble == nil || len(trouble.Message) > 200 {
		t.Errorf("an endless name is %+v", trouble)
	}
}
