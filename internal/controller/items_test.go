package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// keepAll keeps evidence as earlier passes would have.
func (b *bench) keepAll(t *testing.T, run *v1alpha1.ValidationRun, phases ...report.Phase) {
	t.Helper()
	for i := range phases {
		k := plan.Keeping{As: workload.Item{Attempt: 1, Phase: phases[i].Name, Check: phases[i].Check, Node: phases[i].Node}, Phase: phases[i]}
		if _, err := b.keepOne(t.Context(), run, &k, evidenceBytes); err != nil {
			t.Fatal(err)
		}
	}
}

// keptOn keeps the evidence of a run of the item of phase a on a node.
func keptOn(t *testing.T, b *bench, run *v1alpha1.ValidationRun, which string, state v1alpha1.PhaseState) {
	t.Helper()
	node, restart, _ := strings.Cut(which, " ")
	k := plan.Keeping{As: workload.Item{Attempt: 1, Phase: "a", Node: node, Restart: int32(restart[0] - '0')}, Phase: report.Phase{
		Name: "a", Node: node, State: state, Message: which, Tests: []report.Test{{Name: "TestA", Status: verdict.Error}},
	}}
	if _, err := b.keepOne(t.Context(), run, &k, evidenceBytes); err != nil {
		t.Fatal(err)
	}
}

// onNodes is a run whose phase a runs on nodes, with these outcomes, what is seen of it, and the decision that completes it.
func onNodes(nodes, outcomes string, retries int32) (*v1alpha1.ValidationRun, *plan.Observed, plan.Decision) {
	run := newRun(func(run *v1alpha1.ValidationRun) {
		run.Spec.Phases[0].Nodes = &v1alpha1.NodeSelection{}
		run.Spec.SetDefaults()
		started(run)
	})
	f := &v1alpha1.FanOutStatus{Items: int32(len(outcomes)), Nodes: int32(len(outcomes)), Outcomes: outcomes}
	a := &run.Status.Phases[0]
	a.State, a.FanOut, a.Retries, a.CompletionTime = v1alpha1.PhaseError, f, retries, a.StartTime
	if outcomes == strings.Repeat("N", len(outcomes)) {
		a.State, a.Reason = v1alpha1.PhaseNotRun, v1alpha1.ReasonCancelled
	}
	for i, letter := range outcomes {
		if letter == 'F' {
			f.Failing = append(f.Failing, v1alpha1.ItemFailure{Node: strings.Fields(nodes)[i], State: v1alpha1.PhaseFailed, Message: "by status"})
		}
	}
	seen := &plan.Observed{Nodes: map[string]plan.Nodes{}}
	for name := range strings.FieldsSeq(nodes) {
		seen.Nodes["a"] = plan.Nodes{Nodes: append(seen.Nodes["a"].Nodes, plan.Node{Name: name})}
	}
	d := plan.Decision{Status: *run.Status.DeepCopy()}
	d.Status.Phases = d.Status.Phases[:1]
	return run, seen, d
}

// What was kept of the runs that were retried is in the result, whatever came of the item in the end, and what is gone of them is said to be.
func TestWhatWasRetriedIsInTheResult(t *testing.T) {
	for what, test := range map[string]struct {
		outcomes string
		retries  int32
		kept     map[string]v1alpha1.PhaseState // by node and run
		items    string                         // of the result, with a star where it is told from status
		earlier  string
		notes    string
	}{
		"an item that ended":              {"PP", 1, states{"n1 0": "Error", "n1 1": "Passed", "n2 0": "Passed"}, "n1 Passed, n2 Passed", "n1 0", ""},
		"an item that was then cut short": {"NP", 1, states{"n1 0": "Error", "n2 0": "Passed"}, "n2 Passed", "n1 0", ""},
		"all items were cut short":        {"NN", 2, states{"n1 0": "Error", "n2 0": "Error"}, "", "n1 0, n2 0", ""},
		"an earlier run's is gone": {"PP", 2, states{"n1 1": "Error", "n1 2": "Passed", "n2 0": "Passed"}, "n1 Passed, n2 Passed", "n1 1",
			"the evidence that was kept of 1 of its earlier runs is gone"},
		"one is gone beside one cut short": {"NP", 1, states{"n1 0": "Error"}, "n2 Passed*", "n1 0", goneItems(1)},
		"the last run's is gone":           {"PF", 1, states{"n1 0": "Passed", "n2 0": "Error"}, "n1 Passed, n2 Failed*", "n2 0", goneItems(1)},
		"another's says otherwise":         {"PF", 0, states{"n1 0": "Passed", "n2 0": "Passed"}, "n1 Passed, n2 Failed*", "", goneItems(1)},
		"all is gone": {"PN", 3, nil, "n1 Passed*", "",
			goneItems(1) + "; the evidence that was kept of 3 of its earlier runs is gone"},
		"nobody can tell the items apart any more": {"PNP", 0, states{"n1 0": "Passed"}, "n1 Passed", "", "the evidence that was kept of 1 of its items is gone"},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{})
			run, seen, d := onNodes("n1 n2", test.outcomes, test.retries)
			for which, state := range test.kept {
				keptOn(t, b, run, which, state)
			}
			result, err := b.result(t.Context(), run, d, seen)
			if err != nil {
				t.Fatal(err)
			}
			got := result.Phases[0]
			var items, earlier []string
			for _, i := range got.Items {
				item := i.Node + " " + string(i.State)
				if !strings.HasPrefix(i.Message, i.Node) {
					item += "*"
				}
				if i.State == v1alpha1.PhaseFailed && i.Message != "by status" {
					t.Errorf("it failed for %s: %s", i.Reason, i.Message)
				}
				items = append(items, item)
			}
			for _, p := range got.Earlier {
				earlier = append(earlier, p.Message)
			}
			if said := strings.Join(items, ", "); said != test.items || got.State != run.Status.Phases[0].State {
				t.Errorf("it is %s, with %s", got.State, said)
			}
			if said := strings.Join(earlier, ", "); said != test.earlier {
				t.Errorf("the earlier runs are %s", said)
			}
			if notes := strings.Join(got.Notes, "; "); notes != test.notes {
				t.Errorf("the notes are %q", notes)
			}
		})
	}
}

type states = map[string]v1alpha1.PhaseState

// The evidence of one item of two thousand must not take what all of them together may. Those that did not pass have more, as long as they
// are few.
func TestItemsShareWhatTheirEvidenceTakes(t *testing.T) {
	run := newRun(started)
	b := newBench(t, interceptor.Funcs{})
	item := func(check string, state v1alpha1.PhaseState, status verdict.Status) report.Phase {
		text := strings.Repeat(check+" printed a line\n", 10_000)
		return report.Phase{Name: "a", Check: check, State: state, Tests: []report.Test{{Name: "Test", Status: status, Output: &report.Output{Text: text}}}}
	}
	b.keepAll(t, run, item("fails", v1alpha1.PhaseFailed, verdict.Failed), item("passes", v1alpha1.PhasePassed, verdict.Passed))
	got, err := b.itemEvidence(t.Context(), run, 1, phaseState{Name: "a", FanOut: &v1alpha1.FanOutStatus{Items: 2000, Passed: 1999, Failed: 1}}, itemsBytes)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d items, %v", len(got), err)
	}
	for _, k := range got {
		p := k.phase
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if whole := len(data) > 150_000; whole != (p.Check == "fails") || len(p.Tests) != 1 {
			t.Errorf("of the item that %s there are %d bytes and %d tests", p.Check, len(data), len(p.Tests))
		}
	}
}

// A snapshot is of the nodes whose Jobs have passed: what others left is no part of it, and does not stand in for one that is gone.
func TestOnlyWhatPassedIsCaptured(t *testing.T) {
	part := report.Test{
		Name: "TestCapture", Status: verdict.Passed, Attributes: map[string]string{snapshotParts: "1"}, Artifacts: []report.Artifact{artifactOf("snapshot", serverPart)},
	}
	captured := func(node string, state v1alpha1.PhaseState) report.Phase {
		return report.Phase{Name: v1alpha1.PhaseSnapshot, Node: node, State: state, Tests: []report.Test{part}}
	}
	d := plan.Decision{Capture: true, Status: status{Attempt: 1, Phases: []phaseState{
		{Name: v1alpha1.PhaseSnapshot, State: v1alpha1.PhasePassed, FanOut: &v1alpha1.FanOutStatus{Items: 2, Passed: 2, Outcomes: "PP"}},
	}}}
	for _, test := range []struct {
		second v1alpha1.PhaseState
		says   string
	}{
		{v1alpha1.PhasePassed, ""},
		{v1alpha1.PhaseError, "captured by 2 Jobs, and the evidence of 1 of them is gone"},
	} {
		b := newBench(t, interceptor.Funcs{}, newRun(started))
		run := b.stored(t, newRun())
		b.keepAll(t, run, captured("n1", v1alpha1.PhasePassed), captured("n2", test.second))
		var seen plan.Observed
		if err := b.make(t.Context(), run, d, &seen); err != nil {
			t.Fatal(err)
		}
		if whole := seen.Captured != nil; whole != (test.says == "") || !whole && !strings.Contains(seen.CaptureRefused.Message, test.says) {
			t.Errorf("with the second %s captured is %+v, refused for %+v", test.second, seen.Captured, seen.CaptureRefused)
		}
	}
}

// While the API server does not take one thing, the logs of others go on, and a kubelet keeps them only for so long.
func TestLogsAreFollowedWhileNothingCanBeWritten(t *testing.T) {
	both := func(run *v1alpha1.ValidationRun) {
		run.Spec.Phases[0] = v1alpha1.Phase{Name: "a", GoTest: &v1alpha1.GoTest{Package: "./a"}}
		run.Spec.Phases[1].DependsOn = []string{}
		run.Spec.SetDefaults()
		started(run)
		run.Status.Phases[1] = v1alpha1.PhaseStatus{Name: "b", State: v1alpha1.PhaseRunning, StartTime: run.Status.StartTime}
	}
	run := newRun(both)
	job, pod := jobOf(t, run), podOf(t, run)
	b := newBench(t, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if _, ok := o.(*batchv1.Job); ok {
			return apierrors.NewServiceUnavailable("starting")
		}
		return c.Create(ctx, o, opts...)
	}}, run, job, pod)
	if _, err := b.pass(t.Context(), b.stored(t, run)); err == nil {
		t.Error("the Job of phase b is created")
	}
	if b.follows.entry(pod.UID) == nil {
		t.Error("the log of phase a is not read meanwhile")
	}
}

func goneItems(n int) string {
	return fmt.Sprintf(
		"the evidence that was kept of %d of its items is gone, or is not what status was told by; this is what status says of them", n)
}
