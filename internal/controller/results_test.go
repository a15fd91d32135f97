package controller

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// over is the decision that completes a run of two phases.
func over(message string) plan.Decision {
	b := plan.Keeping{As: workload.Item{Attempt: 1, Phase: "b"}, Phase: report.Phase{Name: "b", State: v1alpha1.PhasePassed, Message: message}}
	return plan.Decision{Store: true, Keep: []plan.Keeping{b}, Status: status{
		Attempt: 1, Verdict: v1alpha1.VerdictPassed, Message: message,
		Phases: []phaseState{{Name: "a", State: v1alpha1.PhasePassed, Message: "by status"}, {Name: "b", State: v1alpha1.PhasePassed}},
	}}
}

func (b *bench) configMap(t *testing.T, name string) *corev1.ConfigMap {
	t.Helper()
	cm := &corev1.ConfigMap{}
	if err := b.Live.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: name}, cm); err != nil {
		t.Fatal(err)
	}
	return cm
}

func refuses(name string, err error) interceptor.Funcs {
	return interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if strings.Contains(o.GetName(), name) {
			return err
		}
		return c.Create(ctx, o, opts...)
	}}
}

func TestStore(t *testing.T) {
	b := newBench(t, interceptor.Funcs{})
	var seen plan.Observed
	if err := b.store(t.Context(), newRun(), over("2 passed"), &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Stored) != 1 || seen.Stored[0].ConfigMap != "run-result-1" || len(seen.Stored[0].SHA256) != 64 {
		t.Errorf("stored is %+v", seen.Stored)
	}
	cm := b.configMap(t, "run-result-1")
	if !*cm.Immutable || !strings.Contains(cm.Data["result.yaml"], "verdict: Passed") {
		t.Errorf("it holds %s", cm.Data["result.yaml"])
	}
	if !strings.Contains(cm.Data["result.yaml"], "by status") || !strings.Contains(cm.Data["result.yaml"], "is gone") {
		t.Errorf("phase a, whose evidence is missing, is not told from status:\n%s", cm.Data["result.yaml"])
	}
}

// Of a run in which nothing applied a reader of the report alone is told what the run's conditions say.
func TestStoreOfARunThatIsSkipped(t *testing.T) {
	for accept, want := range map[v1alpha1.AllSkipped]bool{v1alpha1.AllSkippedReject: true, v1alpha1.AllSkippedAccept: false, "": true} {
		for _, changed := range []bool{false, true} {
			b := newBench(t, interceptor.Funcs{})
			run, seen := newRun(func(r *v1alpha1.ValidationRun) { r.Spec.AllSkipped = accept }), plan.Observed{}
			if changed { // it was edited since: what the attempt was started with counts
				frozen := run.Spec
				seen.SpecChanged, seen.Spec = true, &frozen
				run.Spec.AllSkipped = map[bool]v1alpha1.AllSkipped{true: v1alpha1.AllSkippedAccept, false: v1alpha1.AllSkippedReject}[want]
			}
			decision := over("2 skipped")
			decision.Status.Verdict = v1alpha1.VerdictSkipped
			if err := b.store(t.Context(), run, decision, &seen); err != nil {
				t.Fatal(err)
			}
			data := b.configMap(t, "run-result-1").Data
			if got := strings.Contains(data["result.yaml"], "rejected: true"); got != want {
				t.Errorf("allSkipped %q, changed %t: rejected is %t", accept, changed, got)
			}
		}
	}
}

func TestStoreAgain(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun())
	run := b.stored(t, newRun())
	var first, again, other plan.Observed
	if err := b.store(t.Context(), run, over("2 passed"), &first); err != nil {
		t.Fatal(err)
	}
	if err := b.store(t.Context(), run, over("2 passed"), &again); err != nil || !slices.Equal(first.Stored, again.Stored) {
		t.Errorf("the same again is %+v, %v", again.Stored, err)
	}

	// Another outcome that was never announced gives way.
	if err := b.store(t.Context(), run, over("2 passed, as it is now"), &other); err == nil || other.Stored != nil {
		t.Fatalf("a different one is taken for stored: %+v, %v", other.Stored, err)
	}
	if err := b.store(t.Context(), run, over("2 passed, as it is now"), &other); err != nil {
		t.Fatal(err)
	}
	if text := b.configMap(t, "run-result-1").Data["result.yaml"]; !strings.Contains(text, "as it is now") {
		t.Errorf("it holds %s", text)
	}
}

func TestStoreThatIsRefusedDoesNotKeepTheRunFromEnding(t *testing.T) {
	quota := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "x", errors.New("exceeded quota: q"))
	b := newBench(t, refuses("result", quota))
	var seen plan.Observed
	if err := b.store(t.Context(), newRun(), over(""), &seen); err != nil {
		t.Fatal(err)
	}
	if block := seen.StoreRefused; block == nil || block.Reason != v1alpha1.ReasonQuotaExceeded || block.Final {
		t.Errorf("it is refused for %+v", block)
	}
}

// Nor does one that stands in the way and cannot be deleted, or of which only a part could be stored.
func TestAResultThatCannotBeReplacedDoesNotKeepTheRunFromEnding(t *testing.T) {
	funcs := interceptor.Funcs{DeleteAllOf: func(context.Context, client.WithWatch, client.Object, ...client.DeleteAllOfOption) error {
		return denied(500, "", byWebhook)
	}}
	b := newBench(t, funcs, newRun())
	run := b.stored(t, newRun())
	var first, other plan.Observed
	if err := b.store(t.Context(), run, over("2 passed"), &first); err != nil || first.Stored == nil {
		t.Fatalf("%+v, %v", first.StoreRefused, err)
	}
	if err := b.store(t.Context(), run, over("2 passed, as it is now"), &other); err != nil || other.StoreRefused == nil {
		t.Errorf("it is tried again and again: %v", err)
	}

	funcs.Create = refuses("result-1", denied(409, "", byWebhook)).Create
	b = newBench(t, funcs, newRun())
	b.Results.PartBytes = 4 << 10
	large := over("2 passed")
	for i := range 100 {
		large.Keep[0].Phase.Notes = append(large.Keep[0].Phase.Notes, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)})))
	}
	var seen plan.Observed
	if err := b.store(t.Context(), run, large, &seen); err != nil || seen.StoreRefused.Reason != v1alpha1.ReasonForbidden {
		t.Errorf("it is tried again and again: %v", err)
	}
}

// A pass about a run that has moved on must not take away what was announced meanwhile.
func TestStoreOfAStaleRunLeavesTheResult(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun())
	run := b.stored(t, newRun())
	var seen plan.Observed
	if err := b.store(t.Context(), run, over("2 passed"), &seen); err != nil {
		t.Fatal(err)
	}
	announced := run.DeepCopy()
	announced.Labels = map[string]string{"it": "moved on"}
	if err := b.Client.Update(t.Context(), announced); err != nil {
		t.Fatal(err)
	}
	if err := b.store(t.Context(), run, over("something else"), &seen); !errors.Is(err, errStale) {
		t.Errorf("the error is %v", err)
	}
	if text := b.configMap(t, "run-result-1").Data["result.yaml"]; !strings.Contains(text, "2 passed") {
		t.Errorf("it holds %s", text)
	}
}

func TestStoreThatFailsIsTriedAgain(t *testing.T) {
	b := newBench(t, refuses("result", apierrors.NewServiceUnavailable("starting")))
	var seen plan.Observed
	if err := b.store(t.Context(), newRun(), over(""), &seen); err == nil || seen.StoreRefused != nil {
		t.Errorf("%+v, %v", seen.StoreRefused, err)
	}
}

var itemKept = workload.Item{Attempt: 1, Phase: "a"}

func kept(message string) []plan.Keeping {
	return []plan.Keeping{{As: itemKept, Phase: report.Phase{Name: "a", State: v1alpha1.PhasePassed, Message: message}}}
}

func evidenceOf(t *testing.T, b *bench) report.Phase {
	t.Helper()
	p, err := b.evidence(t.Context(), newRun(), plan.Decision{Status: status{Attempt: 1}}, phaseState{Name: "a", State: v1alpha1.PhasePassed})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKeep(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun())
	run := b.stored(t, newRun())
	var seen plan.Observed
	if err := b.keep(t.Context(), run, kept("3 passed"), &seen); err != nil {
		t.Fatal(err)
	}
	if err := b.keep(t.Context(), run, kept("3 passed"), &seen); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if seen.Kept[itemKept] == nil || seen.Kept[itemKept].Message != "3 passed" {
		t.Errorf("seen is %+v", seen.Kept)
	}
	if p := evidenceOf(t, b); p.Message != "3 passed" {
		t.Errorf("kept is %+v", p)
	}
}

// A pass that was cut off kept an outcome that status does not hold. The pod and its log may be gone by now: what was kept is the outcome.
func TestWhatWasKeptIsTheOutcome(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun())
	run := b.stored(t, newRun())
	var first, again plan.Observed
	if err := b.keep(t.Context(), run, kept("3 passed"), &first); err != nil {
		t.Fatal(err)
	}
	if err := b.keep(t.Context(), run, kept("the pod was deleted"), &again); err != nil {
		t.Fatal(err)
	}
	if again.Kept[itemKept] == nil || again.Kept[itemKept].Message != "3 passed" {
		t.Errorf("seen is %+v", again.Kept)
	}
	if p := evidenceOf(t, b); p.Message != "3 passed" {
		t.Errorf("kept is %+v", p)
	}
}

// A pass that works on an old status has let go of the log: what it makes of the phase must not be kept.
func TestKeepOfAStaleRun(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun())
	run := b.stored(t, newRun())
	moved := run.DeepCopy()
	moved.Labels = map[string]string{"it": "moved on"}
	if err := b.Client.Update(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	var seen plan.Observed
	if err := b.keep(t.Context(), run, kept("the pod was deleted"), &seen); !errors.Is(err, errStale) {
		t.Errorf("the error is %v", err)
	}
	if p := evidenceOf(t, b); p.Message == "the pod was deleted" {
		t.Error("it is kept")
	}
}

// A quota on ConfigMaps must not hold a run for ever between two of its phases.
func TestKeepThatIsRefusedDoesNotKeepThePhaseFromEnding(t *testing.T) {
	quota := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "x", errors.New("exceeded quota: q"))
	b := newBench(t, refuses("run-a", quota), newRun(started))
	run := b.stored(t, newRun())
	var seen plan.Observed
	if err := b.keep(t.Context(), run, kept("3 passed"), &seen); err != nil || seen.Kept[itemKept] == nil {
		t.Errorf("it is tried again and again: %v", err)
	}
}

func TestKeepThatFailsIsTriedAgain(t *testing.T) {
	b := newBench(t, refuses("run-a", apierrors.NewServiceUnavailable("starting")))
	var seen plan.Observed
	if err := b.keep(t.Context(), newRun(started), kept(""), &seen); err == nil {
		t.Error("the evidence is given up for a server that starts")
	}
}
