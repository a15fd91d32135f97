package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

func constraintPhase() Phase {
	return NewConstraintPhase(PhaseInfo{Name: "readiness", StartTime: start, CompletionTime: start}, constraintOutcomes())
}

func constraintOutcomes() []ConstraintOutcome {
	return []ConstraintOutcome{
		{Name: "K8s.server.version", Expected: ">= 1.32.4", Actual: "v1.33.5-eks-3025e55", State: v1alpha1.PhasePassed, Severity: "error"},
		{
			Name: "OS.sysctl./proc/sys/kernel/osrelease", Expected: ">= 6.8", Actual: "5.15.0", State: v1alpha1.PhaseFailed,
			Severity: "warning", Remediation: "Upgrade the nodes' image.", Message: "on worker-1",
		},
		{
			Name: "OS.release.ID", Expected: "ubuntu", Actual: "bottlerocket", State: v1alpha1.PhaseFailed, Severity: "error",
			Remediation: "Use the Ubuntu image.", Message: "on worker-2",
		},
		{
			Name: "GPU.smi.count", Expected: ">= 8", State: v1alpha1.PhaseError, Message: "the snapshot has no GPU.smi.count; it has GPU.smi.gpus",
			Remediation: "Take the snapshot again.",
		},
	}
}

// saidPhase is a phase whose tests say all that they can.
func saidPhase() Phase {
	return NewPhase(PhaseInfo{Name: "deployment", StartTime: start, CompletionTime: start.Add(time.Second), ExitCode: new(int32(0))}, verdict.Outcome{
		State: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonTestsFailed, Message: "1 test failed: TestVersions",
		Notes:   []string{"warning: constraint driver.version: expected >= 570, found 560"},
		Summary: v1alpha1.Summary{Total: 3, Passed: 1, Failed: 1, Skipped: 1},
		Tests: []verdict.Test{
			{
				Name: "TestVersions", Status: verdict.Failed, Remediation: "See the operator's page.",
				Constraints: []gotest.Constraint{
					{Name: "gpu-operator.version", Expected: "== v25.10.1", Actual: "v25.3.3", Severity: "error", Remediation: "Upgrade the GPU operator."},
					{Name: "driver.version", Expected: ">= 570", Actual: "560", Severity: "warning", Remediation: "Upgrade the driver."},
					{Name: "toolkit.version", Expected: ">= 1", Actual: "1.17", Passed: true, Severity: "error"},
				},
				Output: gotest.Output{Head: "    versions_test.go:20: looking at 3 workloads\n"},
			},
			{
				Name: "TestState", Status: verdict.Passed,
				Artifacts: []gotest.Artifact{
					{Label: "nodes", Data: []byte("a\nb\n"), Bytes: 4, SHA256: "aa11"}, {Label: "raw", Data: []byte("\x00\x01"), Bytes: 2, SHA256: "bb22"},
					{Label: "large", Bytes: 300_000, SHA256: "cc33"},
				},
			},
			{
				Name: "TestReachable", Status: verdict.Skipped, SkipKind: gotest.SkipCouldNotRun, Remediation: "Open port 443.",
				Output: gotest.Output{Head: "    net_test.go:9: could not run: no route\n"},
			},
		},
	}, gotest.Result{})
}

// nodesPhase is a phase that was run on three nodes: it passed, failed and never ran.
func nodesPhase() Phase {
	item := func(node string, state v1alpha1.PhaseState, tests ...verdict.Test) Phase {
		info := PhaseInfo{Name: "conformance", Node: node, Job: "h100-conformance-" + node, StartTime: start, CompletionTime: start.Add(time.Second)}
		return NewPhase(info, verdict.Outcome{State: state, Message: "as it says", Tests: tests, Notes: []string{"a note"}},
			gotest.Result{Lines: 10, Bytes: 100, Anomalies: map[gotest.Anomaly]int64{gotest.GluedLine: 1}})
	}
	lost := item("worker-3", v1alpha1.PhaseError)
	lost.Reason, lost.Message = v1alpha1.ReasonNodeLost, "worker-3 does not answer"
	lost.Output = &Output{Text: "starting\n"}
	return Merge(Phase{
		Name: "conformance", State: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonTestsFailed, Message: "1 of 3 nodes passed; failing: worker-2, worker-3",
		Summary: v1alpha1.Summary{Total: 5, Passed: 3, Failed: 1, Errored: 1},
	}, []Phase{
		item("worker-1", v1alpha1.PhasePassed, verdict.Test{Name: "TestGPU", Status: verdict.Passed}, verdict.Test{Name: "TestMemory", Status: verdict.Passed}),
		item("worker-2", v1alpha1.PhaseFailed, verdict.Test{Name: "TestGPU", Status: verdict.Failed, Output: gotest.Output{Head: "no GPU\n"}},
			verdict.Test{Name: "TestMemory", Status: verdict.Passed}),
		lost,
	})
}

// checksPhase has a Job for each check, one of which passed on a retry.
func checksPhase() Phase {
	item := func(check, test, node string, status verdict.Status) Phase {
		p := NewPhase(PhaseInfo{Name: "deployment", Node: node}, verdict.Outcome{
			State: v1alpha1.PhasePassed, Tests: []verdict.Test{{Name: test, Status: status}},
		}, gotest.Result{})
		p.Check = check
		return p
	}
	flaky := item("operator-health", "TestOperatorHealth", "worker-1", verdict.Passed)
	earlier := item("operator-health", "TestOperatorHealth", "worker-2", verdict.Error)
	earlier.State, earlier.Reason = v1alpha1.PhaseError, v1alpha1.ReasonEvicted
	flaky.Flaky, flaky.Retries, flaky.Earlier = true, 1, []Phase{earlier}
	return Merge(Phase{
		Name: "deployment", State: v1alpha1.PhasePassed, Message: "2 passed", Summary: v1alpha1.Summary{Total: 2, Passed: 2}, Flaky: true,
	}, []Phase{flaky, item("expected-resources", "TestExpectedResources", "worker-1", verdict.Passed)})
}

// TestTestsAreUnique: a test that ran on many nodes is as many tests, in each encoding.
func TestTestsAreUnique(t *testing.T) {
	r := scenarios()["items"]
	text, err := marshalCTRF(r)
	if err != nil {
		t.Fatal(err)
	}
	var report ctrfReport
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, test := range report.Results.Tests {
		if seen[test.TestID] {
			t.Errorf("CTRF has %s twice", test.TestID)
		}
		seen[test.TestID] = true
		if wantAttempts := strings.HasSuffix(test.TestID, "TestOperatorHealth"); (len(test.RetryAttempts) == 1) != wantAttempts {
			t.Errorf("%s has the attempts %+v", test.TestID, test.RetryAttempts)
		}
	}
	if text, err = marshalJUnit(r); err != nil {
		t.Fatal(err)
	}
	seen = map[string]bool{}
	dec := xml.NewDecoder(bytes.NewReader(text))
	for token, err := dec.Token(); err == nil; token, err = dec.Token() {
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "testcase" {
			if id := fmt.Sprint(e.Attr[:2]); seen[id] {
				t.Errorf("JUnit has %s twice", id)
			} else {
				seen[id] = true
			}
		}
	}
	if len(seen) != 7 {
		t.Errorf("JUnit has %d tests", len(seen))
	}
}

func TestMergeKeepsAll(t *testing.T) {
	var items []Phase
	for i := range 300 {
		node := fmt.Sprintf("worker-%d", i)
		items = append(items, NewPhase(PhaseInfo{Name: "c", Node: node}, verdict.Outcome{
			State: v1alpha1.PhaseError, Message: strings.Repeat("x", 2000), Notes: []string{"a note"},
			Tests: []verdict.Test{{Name: "TestA", Status: verdict.Error, Output: gotest.Output{Head: strings.Repeat("y", 50_000)}}},
		}, gotest.Result{Lines: 1, Bytes: 2, Output: gotest.Output{Head: strings.Repeat("z", 50_000)}}))
	}
	p := Merge(Phase{Name: "c", State: v1alpha1.PhaseError, Message: "it is"}, items).Bound(1 << 20)
	if len(p.Items) != 300 || len(p.Tests) != 300 || p.Log.Lines != 300 || len(p.Notes) > maxItemNotes+1 {
		t.Errorf("%d items, %d tests, %d notes, log %+v", len(p.Items), len(p.Tests), len(p.Notes), p.Log)
	}
	data, err := EncodePhase(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodePhase(data)
	if diff := cmp.Diff(p, again); diff != "" || err != nil {
		t.Errorf("%v (-kept +read):\n%s", err, diff)
	}
}

// TestArtifactsGoBeforeTests: the contents of artifacts are left out for size after the output of passed tests, and before that of others.
func TestArtifactsGoBeforeTests(t *testing.T) {
	p := saidPhase()
	data := strings.Repeat("0123456789", 10_000)
	p.Tests[1].Artifacts[0] = newArtifact(gotest.Artifact{Label: "nodes", Data: []byte(data), Bytes: int64(len(data)), SHA256: "aa11"})
	p.Tests[1].Output = &Output{Text: strings.Repeat("passed\n", 1000)}
	for _, tt := range []struct {
		limit          int
		output, binary bool
	}{{200_000, true, true}, {115_000, false, true}, {50_000, false, false}} {
		parts, err := Pack(attemptOf(v1alpha1.VerdictFailed, p), "r", Limits{Total: tt.limit})
		if err != nil {
			t.Fatal(err)
		}
		file, err := ReadFile(parts, FileName)
		if err != nil {
			t.Fatal(err)
		}
		got := checkResult(t, file, attemptOf(v1alpha1.VerdictFailed, p)).Phases[0].Tests
		if kept := got[1].Output.Text != ""; kept != tt.output {
			t.Errorf("%d: the passed test's output is there: %t", tt.limit, kept)
		}
		if a := got[1].Artifacts[0]; a.hasData() != tt.binary || a.DataOmitted == tt.binary || a.Bytes != 100_000 || a.SHA256 != "aa11" {
			t.Errorf("%d: the artifact is %.200v", tt.limit, a)
		}
		if got[0].Output.CutBytes > 0 || got[0].Constraints[0].Remediation == "" {
			t.Errorf("%d: the failed test lost %+v", tt.limit, got[0])
		}
	}
	tight := withoutAttributes([]Phase{p})[0].Tests[0]
	want := []Constraint{{Name: "gpu-operator.version", Severity: "error"}, {Name: "driver.version", Severity: "warning"}, {Name: "toolkit.version", Passed: true, Severity: "error"}}
	if diff := cmp.Diff(want, tight.Constraints); diff != "" || tight.CutAttributes != 4 {
		t.Errorf("%d texts are cut (-want +got):\n%s", tight.CutAttributes, diff)
	}
}

// TestFailuresSayHowToMend: a status tells what to do, within its bound.
func TestFailuresSayHowToMend(t *testing.T) {
	p := saidPhase()
	p.Tests[0].Output = &Output{Text: strings.Repeat("it goes wrong\n", 1000)}
	p.Tests[0].Remediation = strings.Repeat("Look. ", 200)
	for _, p := range []Phase{saidPhase(), p} {
		message := Failures([]Phase{p})[0].Message
		if len(message) > MessageBytes || !strings.Contains(message, "\nTo mend: ") || !strings.Contains(message, "constraint gpu-operator.version does not hold") {
			t.Errorf("%d bytes:\n%s", len(message), message)
		}
	}
	if got, want := Failures([]Phase{saidPhase()})[0].Message, "versions_test.go:20: looking at 3 workloads\n"+
		"constraint gpu-operator.version does not hold: expected == v25.10.1, found v25.3.3\n"+
		"To mend: See the operator's page. Upgrade the GPU operator."; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConstraintPhase(t *testing.T) {
	all := constraintOutcomes()
	for _, tt := range []struct {
		name    string
		results []ConstraintOutcome
		want    Phase
	}{
		{"failed", all, Phase{
			State: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonTestsFailed, Summary: v1alpha1.Summary{Total: 4, Passed: 2, Failed: 1, Errored: 1},
			Message: "1 constraint does not hold, 1 could not be evaluated, 1 warning: OS.release.ID: on worker-2; to mend: Use the Ubuntu image; " +
				"the snapshot has no GPU.smi.count; it has GPU.smi.gpus; to mend: Take the snapshot again",
		}},
		{"in error", []ConstraintOutcome{all[0], all[1], all[3]}, Phase{
			State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonConstraintNotEvaluated, Summary: v1alpha1.Summary{Total: 3, Passed: 2, Errored: 1},
			Message: "1 constraint could not be evaluated, 1 warning: the snapshot has no GPU.smi.count; it has GPU.smi.gpus; to mend: Take the snapshot again",
		}},
		{"passed", all[:2], Phase{State: v1alpha1.PhasePassed, Summary: v1alpha1.Summary{Total: 2, Passed: 2}, Message: "1 constraint holds, 1 warning"}},
		{"nothing but warnings", all[1:2], Phase{
			State: v1alpha1.PhaseSkipped, Reason: v1alpha1.ReasonNothingApplicable, Summary: v1alpha1.Summary{Total: 1, Passed: 1},
			Message: "no constraint holds, 1 warning",
		}},
		{"an unknown state", []ConstraintOutcome{{Name: "a"}}, Phase{
			State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonConstraintNotEvaluated, Summary: v1alpha1.Summary{Total: 1, Errored: 1},
			Message: "1 constraint could not be evaluated: a",
		}},
		{"an error of a warning", []ConstraintOutcome{{Name: "a", Severity: "warning", State: v1alpha1.PhaseError}}, Phase{
			State: v1alpha1.PhaseError, Reason: v1alpha1.ReasonConstraintNotEvaluated, Summary: v1alpha1.Summary{Total: 1, Errored: 1},
			Message: "1 constraint could not be evaluated: a",
		}},
		{"nothing", nil, Phase{State: v1alpha1.PhaseSkipped, Reason: v1alpha1.ReasonNothingApplicable, Message: "there are no constraints"}},
	} {
		got := NewConstraintPhase(PhaseInfo{}, tt.results)
		got.Tests = nil
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
