package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What came of which item is told by status alone, as long as what the items were laid out by is there.
func TestItemStates(t *testing.T) {
	item := func(phase, check, node string) workload.Item {
		return workload.Item{Attempt: 1, Phase: phase, Check: check, Node: node}
	}
	nodes := map[string]Nodes{"a": {Nodes: []Node{{Name: "n1"}, {Name: "n2"}}}}
	checks := goPhase("a", onNodes, func(p *v1alpha1.Phase) {
		p.Isolation, p.GoTest.Checks = v1alpha1.IsolationCheck, []string{"one", "two"}
	})
	for name, test := range map[string]struct {
		phase    v1alpha1.Phase
		seen     Observed
		of       string
		outcomes string
		want     map[workload.Item]v1alpha1.PhaseState
	}{
		"on nodes": {goPhase("a", onNodes), Observed{Nodes: nodes}, "a", "PN", map[workload.Item]v1alpha1.PhaseState{
			item("a", "", "n1"): v1alpha1.PhasePassed, item("a", "", "n2"): v1alpha1.PhaseNotRun,
		}},
		"checks on nodes": {checks, Observed{Nodes: nodes}, "a", "FESP", map[workload.Item]v1alpha1.PhaseState{
			item("a", "one", "n1"): v1alpha1.PhaseFailed, item("a", "one", "n2"): v1alpha1.PhaseError,
			item("a", "two", "n1"): v1alpha1.PhaseSkipped, item("a", "two", "n2"): v1alpha1.PhasePassed,
		}},
		"the preflight": {apart("a", 1), Observed{}, v1alpha1.PhasePreflight, "P", map[workload.Item]v1alpha1.PhaseState{
			item(v1alpha1.PhasePreflight, "a", ""): v1alpha1.PhasePassed,
		}},
		"of what is a phase of one Job now": {goPhase("a"), Observed{}, "a", "P", nil},
		"of nodes that are gone":            {goPhase("a", onNodes), Observed{}, "a", "PN", nil},
		"of other nodes":                    {goPhase("a", onNodes), Observed{Nodes: nodes}, "a", "PNP", nil},
		"of a phase that is none":           {goPhase("a"), Observed{}, "b", "P", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phase)
			w.run.Spec.SetDefaults()
			w.run.Status.Attempt = 1
			w.recipe = recipe.Recipe{}
			before := w.run.DeepCopy()
			got := ItemStates(w.run, test.seen, &v1alpha1.PhaseStatus{Name: test.of, FanOut: &v1alpha1.FanOutStatus{Outcomes: test.outcomes}})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, w.run); diff != "" {
				t.Errorf("the run changes (-before +after)\n%s", diff)
			}
		})
	}
	if got := ItemStates(newWorld(t, goPhase("a")).run, Observed{}, &v1alpha1.PhaseStatus{Name: "a"}); got != nil {
		t.Errorf("the items of a phase of one Job are %v", got)
	}
}

// What is sought is given up as soon as the attempt is to end, and not before it may have been mended.
func TestGivesUp(t *testing.T) {
	limit := 2 * time.Hour
	for name, test := range map[string]struct {
		change       func(*world)
		since, after time.Duration
		want         bool
	}{
		"while the attempt goes on":                {nil, 0, limit, false},
		"soon after its timeout":                   {nil, 0, limit + overdue - 1, false},
		"after its timeout":                        {nil, 0, limit + overdue, true},
		"sought since after its timeout":           {nil, limit + time.Hour, limit + time.Hour + overdue - 1, false},
		"sought since after its timeout, for long": {nil, limit + time.Hour, limit + time.Hour + overdue, true},
		"cancelled": {func(w *world) { w.cancel(true) }, time.Minute, time.Minute + overdue, true},
		"cancelled, and sought since a little while": {func(w *world) { w.cancel(true) }, time.Minute, time.Minute + overdue - 1, false},
		"to run again": {func(w *world) { w.annotate("now") }, time.Minute, time.Minute + overdue, true},
		"suspended, for which the timeout is put off": {func(w *world) { w.run.Status.SuspendedSince = w.run.Status.StartTime }, 0, 9 * limit, false},
		"status is of nobody":                         {func(w *world) { w.run.Status.StartTime = nil }, 0, 0, true},
	} {
		w := newWorld(t, goPhase("a"))
		w.run.Spec.SetDefaults()
		for range 5 {
			w.pass()
		}
		if test.change != nil {
			test.change(w)
		}
		if got := GivesUp(w.run, epoch.Add(test.since), epoch.Add(test.after)); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
