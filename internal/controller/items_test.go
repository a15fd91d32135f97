package controller

import (
	"context"
	"encoding/json"
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
		if _, err := b.writeEvidence(t.Context(), run, &k); err != nil {
			t.Fatal(err)
		}
	}
}

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
	got, err := b.itemEvidence(t.Context(), run, 1, phaseState{Name: "a", FanOut: &v1alpha1.FanOutStatus{Items: 2000, Passed: 1999, Failed: 1}})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d items, %v", len(got), err)
	}
	for _, p := range got {
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
