package controller

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// written is the ConfigMap that a phase's evidence is kept in, as change leaves it.
func written(t *testing.T, run *v1alpha1.ValidationRun, k plan.Keeping, change func(*corev1.ConfigMap)) *corev1.ConfigMap {
	t.Helper()
	b := newBench(t, interceptor.Funcs{})
	if _, err := b.keepOne(t.Context(), run, &k, evidenceBytes); err != nil {
		t.Fatal(err)
	}
	cm := b.configMap(t, workload.EvidenceName(run, k.As))
	cm.ResourceVersion, cm.UID = "", "cm-uid"
	change(cm)
	return cm
}

func passedAs(item workload.Item, name string) plan.Keeping {
	return plan.Keeping{As: item, Phase: report.Phase{Name: name, Check: item.Check, State: v1alpha1.PhasePassed, Message: "all is well"}}
}

// Whoever can create ConfigMaps can put one where evidence is going to be. It is taken for evidence only if the operator can have written it,
// and never against a failure that was read.
func TestWhatStandsInTheWayOfEvidence(t *testing.T) {
	run := newRun(started)
	failed := report.Phase{Name: "a", State: v1alpha1.PhaseFailed, Message: "1 failed"}
	lost := report.Phase{Name: "a", State: v1alpha1.PhaseError, Message: "the pod was deleted"}
	as := func(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
		return written(t, run, passedAs(itemKept, "a"), change)
	}
	of := func(name string, from plan.Keeping) *corev1.ConfigMap {
		return written(t, run, from, func(cm *corev1.ConfigMap) { cm.Name = name })
	}
	name := workload.EvidenceName(run, itemKept)
	for _, test := range []struct {
		what  string
		there *corev1.ConfigMap
		judge report.Phase
		want  string
		held  bool
	}{
		{"what an earlier pass has kept", as(func(*corev1.ConfigMap) {}), lost, "all is well", false},
		{"what an earlier pass has kept, against a failure", as(func(*corev1.ConfigMap) {}), failed, "1 failed", false},
		{"one that can be edited", as(func(cm *corev1.ConfigMap) { cm.Immutable = nil }), lost, "the pod was deleted", false},
		{"one without evidence", as(func(cm *corev1.ConfigMap) { cm.BinaryData = nil }), lost, "the pod was deleted", false},
		{"one of another phase", of(name, passedAs(workload.Item{Attempt: 1, Phase: "b"}, "b")), lost, "the pod was deleted", false},
		{"one of another check", of(name, passedAs(workload.Item{Attempt: 1, Phase: "a", Check: "x"}, "a")), lost, "the pod was deleted", false},
		{"one without an outcome", written(t, run, plan.Keeping{As: itemKept, Phase: report.Phase{Name: "a"}}, func(*corev1.ConfigMap) {}),
			lost, "the pod was deleted", false},
		{"a stranger's", as(func(cm *corev1.ConfigMap) { cm.OwnerReferences = nil }), lost, "the pod was deleted", true},
		{"another run's", as(func(cm *corev1.ConfigMap) { cm.OwnerReferences[0].UID = "other" }), lost, "the pod was deleted", true},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{}, newRun(started), test.there)
			run := b.stored(t, newRun())
			var seen plan.Observed
			if err := b.keep(t.Context(), run, []plan.Keeping{{As: itemKept, Phase: test.judge}}, &seen); err != nil {
				t.Fatal(err)
			}
			if got := seen.Kept[itemKept]; got == nil || got.Message != test.want {
				t.Errorf("the outcome is %+v", got)
			}
			if held := b.unkept.phase(run, itemKept) != nil; held != test.held {
				t.Errorf("held in memory: %t", held)
			}
			said, err := b.keptEvidence(t.Context(), run, itemKept)
			if err != nil || said == nil || said.Message != test.want {
				t.Errorf("the result would say %+v, %v", said, err)
			}
		})
	}
}

// Neither a webhook that lets nothing be deleted nor somebody who writes the same again and again holds the run up: the evidence is held.
func TestWhatCannotBeReplacedHoldsNothingUp(t *testing.T) {
	run := newRun(started)
	there := func() *corev1.ConfigMap { return written(t, run, passedAs(itemKept, "a"), func(*corev1.ConfigMap) {}) }
	no := func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
		return denied(409, "Conflict", byWebhook)
	}
	again := func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
		if err := c.Delete(ctx, o, opts...); err != nil {
			return err
		}
		return c.Create(ctx, there())
	}
	for want, funcs := range map[string]interceptor.Funcs{"denied the request": {Delete: no}, "somebody else writes it again": {Delete: again}} {
		b := newBench(t, funcs, newRun(started), there())
		run := b.stored(t, newRun())
		failed := []plan.Keeping{{As: itemKept, Phase: report.Phase{Name: "a", State: v1alpha1.PhaseFailed, Message: "1 failed"}}}
		var seen plan.Observed
		if err := b.keep(t.Context(), run, failed, &seen); err != nil {
			t.Fatal(err)
		}
		if got := seen.Kept[itemKept]; got == nil || got.State != v1alpha1.PhaseFailed {
			t.Errorf("the outcome is %+v", got)
		}
		if why, _ := b.unkept.waits(run, epoch); !strings.Contains(why, want) {
			t.Errorf("status would say %q, want %q", why, want)
		}
	}
}

// What status says of a phase is the outcome. Evidence that says otherwise was put there afterwards.
func TestEvidenceThatContradictsStatusIsNotTold(t *testing.T) {
	run := newRun(started)
	b := newBench(t, interceptor.Funcs{}, written(t, run, passedAs(itemKept, "a"), func(*corev1.ConfigMap) {}))
	p, err := b.evidence(t.Context(), run, plan.Decision{Status: status{Attempt: 1}}, phaseState{Name: "a", State: v1alpha1.PhaseFailed, Message: "1 failed"})
	if err != nil || p.State != v1alpha1.PhaseFailed || p.Message != "1 failed" || !strings.Contains(strings.Join(p.Notes, ""), "says Passed") {
		t.Errorf("the result would say %+v, %v", p, err)
	}
}

// Labels and annotations can be edited by anybody, and names by nobody: they say which item, which run of it and which attempt evidence is of.
func TestItemsAreKnownByTheNamesOfTheirEvidence(t *testing.T) {
	run := newRun(started)
	first := workload.Item{Attempt: 1, Phase: "a", Check: "x", Node: "n1"}
	second, earlier := first, first
	second.Restart, earlier.Attempt = 1, 2
	swap := func(cm *corev1.ConfigMap) { cm.Annotations = nil }
	relabel := func(cm *corev1.ConfigMap) { cm.Labels[v1alpha1.LabelAttempt] = "1" }
	said := func(item workload.Item, message string, change func(*corev1.ConfigMap)) client.Object {
		k := passedAs(item, "a")
		k.Phase.Node, k.Phase.Message = item.Node, message
		return written(t, run, k, change)
	}
	b := newBench(t, interceptor.Funcs{}, said(first, "first", swap), said(second, "second", swap), said(earlier, "of another attempt", relabel),
		said(workload.Item{Attempt: 1, Phase: "a", Check: "x", Node: "n2"}, "another node", func(cm *corev1.ConfigMap) {
			cm.Annotations[v1alpha1.AnnotationNode] = "n1"
		}))
	got, err := b.itemEvidence(t.Context(), run, 1, phaseState{Name: "a", FanOut: &v1alpha1.FanOutStatus{Outcomes: "PP", Passed: 2}}, itemsBytes)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d items, %v: %+v", len(got), err, got)
	}
	if p := got[0].phase; p.Message != "second" || len(p.Earlier) != 1 || p.Earlier[0].Message != "first" || got[1].phase.Message != "another node" {
		t.Errorf("the items are %+v", got)
	}
}

// What an attempt validates is what it froze: a copy that somebody has put in its place is none.
func TestFrozenInputsThatAreNotAsTheyWereFrozen(t *testing.T) {
	const good, other = "kind: RecipeResult\n", "kind: RecipeResult\nconstraints: []\n"
	frozen := func(content string, changes ...func(*corev1.ConfigMap)) *corev1.ConfigMap {
		cm := workload.FrozenInput(newRun(), 1, workload.InputRecipe, []byte(content))
		for _, change := range changes {
			change(cm)
		}
		return cm
	}
	run := newRun(started)
	run.Status.Inputs = append(run.Status.Inputs, workload.Frozen(workload.InputRecipe, frozen(good)))
	for what, test := range map[string]struct {
		there *corev1.ConfigMap
		want  string
	}{
		"as it was":             {frozen(good), good},
		"with another content":  {frozen(other), ""},
		"that can be edited":    {frozen(good, func(cm *corev1.ConfigMap) { cm.Immutable = nil }), ""},
		"that is of nobody":     {frozen(good, func(cm *corev1.ConfigMap) { cm.OwnerReferences = nil }), ""},
		"that has another key":  {frozen(good, func(cm *corev1.ConfigMap) { cm.Data = map[string]string{"x": good} }), ""},
		"that is another run's": {frozen(good, func(cm *corev1.ConfigMap) { cm.OwnerReferences[0].UID = "x" }), ""},
	} {
		b := newBench(t, interceptor.Funcs{}, test.there)
		if got, err := b.frozen(t.Context(), run, workload.InputRecipe); err != nil || string(got) != test.want {
			t.Errorf("one %s is %q, %v", what, got, err)
		}
	}
}

// A copy that can be edited would be another one to each pod that mounts it.
func TestACopyThatCanBeEditedIsNoFrozenInput(t *testing.T) {
	cm := workload.FrozenInput(newRun(), 1, workload.InputSpec, []byte("{}"))
	cm.Immutable = nil
	b := newBench(t, interceptor.Funcs{}, newRun(started), cm)
	run := b.stored(t, newRun())
	var seen plan.Observed
	if err := b.make(t.Context(), run, plan.Decision{Freeze: true, Status: run.Status}, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Frozen) > 0 || seen.Refused == nil || seen.Refused.Reason != v1alpha1.ReasonNameConflict || !strings.Contains(seen.Refused.Message, "delete it") {
		t.Errorf("frozen is %+v, refused for %+v", seen.Frozen, seen.Refused)
	}
}
