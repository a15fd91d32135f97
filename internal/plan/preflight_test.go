package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What the preflight finds wrong ends it before anything runs, and says of what.
func TestPreflightRefuses(t *testing.T) {
	whole := recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}, Phases: []recipe.Phase{section("deployment", "one")}}
	tests := map[string]struct {
		set  func(*world)
		seen func(*Observed)
		want string
	}{
		"nothing": {func(*world) {}, func(*Observed) {}, "Running Starting: waiting for the pod"},
		"the recipe": {func(*world) {}, func(s *Observed) { s.Recipe, s.InvalidRecipe = nil, "line 3: constraints: not a list" },
			"Error InvalidRecipe: the recipe is not valid: line 3: constraints: not a list"},
		"a recipe that is gone": {func(*world) {}, func(s *Observed) { s.Recipe = nil }, "Error InputMissing: the frozen recipe is gone"},
		"the snapshot": {func(*world) {}, func(s *Observed) { s.Snapshot, s.InvalidSnapshot = nil, "line 1: no measurements" },
			"Error InvalidRecipe: the snapshot is not valid: line 1: no measurements"},
		"no snapshot": {func(w *world) { w.run.Spec.Snapshot = nil }, func(*Observed) {},
			"Error InvalidSpec: the recipe has constraints to be held against a snapshot (1), and the run has none"},
		"a phase that depends on nothing there is": {func(w *world) { w.run.Spec.Phases = []v1alpha1.Phase{goPhase("p", after("q"))} }, func(*Observed) {},
			"Error InvalidSpec: phase p depends on q, and there is no such phase; there are: readiness, deployment, p"},
		"a phase that depends on a later one": {func(w *world) {
			w.run.Spec.Phases = []v1alpha1.Phase{{Name: "deployment", DependsOn: []string{"p"}}, goPhase("p")}
		}, func(*Observed) {}, "Error InvalidSpec: phase deployment depends on p, which does not come before it"},
		"a phase that runs nothing": {func(w *world) { w.run.Spec.Phases = []v1alpha1.Phase{{Name: "performance"}} }, func(*Observed) {},
			"Error InvalidSpec: phase performance has neither goTest nor container, and the recipe has no section validation.performance"},
		"a container for the recipe's constraints": {func(w *world) {
			w.run.Spec.Phases = []v1alpha1.Phase{containerPhase("deployment")}
			w.recipe.Phases[0].Constraints = []recipe.Constraint{server("1")}
		}, func(*Observed) {}, "Error InvalidSpec: phase deployment is a container, which cannot evaluate the 1 constraints of validation.deployment"},
		"a Job for each check, and none for the constraints": {func(w *world) {
			w.run.Spec.Phases = []v1alpha1.Phase{apart("deployment", 1)}
			w.recipe.Phases[0].Constraints = []recipe.Constraint{server("1")}
		}, func(*Observed) {}, "Error InvalidSpec: phase deployment has a Job for each check, and none for the constraints of validation.deployment: add constraints"},
		"a check that is called as the constraints are": {func(w *world) {
			p := apart("readiness", 1)
			p.GoTest.Checks = []string{constraintsItem}
			w.run.Spec.Phases = []v1alpha1.Phase{p}
		}, func(*Observed) {}, "Error InvalidSpec: phase readiness names a check recipe-constraints, and that is what the constraints of the recipe are called"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.scripts = map[string]script{"deployment": three}
			w.reads(recipe.Recipe{Constraints: whole.Constraints, Phases: []recipe.Phase{section("deployment", "one")}})
			test.set(w)
			w.publish(w.decide(w.observe()))
			seen := w.observe()
			seen.Frozen = []v1alpha1.Input{{Name: workload.InputSpec}, {Name: workload.InputRecipe}, {Name: workload.InputSnapshot}}
			seen.Recipe, seen.Snapshot = &w.recipe, &w.snapshot
			test.seen(&seen)
			d := w.decide(seen)
			for _, c := range d.Create {
				seen.Jobs = append(seen.Jobs, Job{Name: "job", Item: c.Item})
			}
			d = w.decide(seen)
			p := d.Status.Phases[0]
			if got := string(p.State) + " " + p.Reason + ": " + p.Message; !strings.HasPrefix(got, test.want) {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
			if p.State == v1alpha1.PhaseError && len(d.Create) > 0 {
				t.Errorf("and Jobs are created: %+v", d.Create)
			}
		})
	}
}

// Where each check has a Job of its own, each constraint is one Job's to evaluate, and none is nobody's.
func TestEachConstraintIsOneItems(t *testing.T) {
	wanted := []verdict.WantedConstraint{{Name: "api.p99"}, {Name: "api.p50"}, {Name: "dns.p99"}, {Name: "gpu-operator.version"}, {Name: "plain"}}
	tests := map[string]struct {
		checks []string
		want   map[string]string
	}{
		"with a check for the rest": {[]string{"api", "dns", "constraints"}, map[string]string{
			"api": "api.p99 api.p50", "dns": "dns.p99", "constraints": "gpu-operator.version plain",
		}},
		"all by the check for them": {[]string{"constraints"}, map[string]string{
			"constraints": "api.p99 api.p50 dns.p99 gpu-operator.version plain",
		}},
		"one Job for all": {[]string{""}, map[string]string{"": "api.p99 api.p50 dns.p99 gpu-operator.version plain"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			st := &stage{Phase: goPhase("a"), wanted: wanted}
			st.GoTest.Checks = test.checks
			got := map[string]string{}
			for _, check := range test.checks {
				u := &unit{stage: st, check: check}
				var names []string
				for _, w := range u.wanted() {
					names = append(names, w.Name)
				}
				got[check] = strings.Join(names, " ")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A list that was not read, or not whole, is no answer to which checks there are.
func TestPreflightTakesNoListForAnAnswer(t *testing.T) {
	tests := map[string]struct {
		change func(*Pod)
		want   string
	}{
		"a list":                        {func(*Pod) {}, "[P]"},
		"a list that was not read":      {func(p *Pod) { p.Listing = Listing{} }, "[.]"},
		"not read, and the pod is gone": {func(p *Pod) { p.Listing, p.Gone = Listing{}, true }, "Error EvidenceIncomplete: the list of tests of pod run-preflight-"},
		"a list that is not whole": {func(p *Pod) { p.Listing = Listing{Lost: "lines are missing"} },
			"Error EvidenceIncomplete: the list of tests of pod run-preflight-03938d699655-00000 could not be read: lines are missing"},
		"a binary that lists none": {func(p *Pod) { p.Listing = Listing{Failed: "it ended with exit code 1"} },
			"Error ListFailed: the test binary cannot list its tests: it ended with exit code 1; checks are looked up in that list"},
		"an empty list":    {func(p *Pod) { p.Listing.Tests = nil }, `Error CheckNotFound: phase a (a.test): there is no check "one"`},
		"a test less":      {func(p *Pod) { p.Listing.Tests = p.Listing.Tests[:2] }, `Error CheckNotFound: phase a (a.test): there is no check "three"`},
		"an exit code 1":   {func(p *Pod) { p.Validator.Exit.Code = 1 }, "[P]"}, // of the command after the list
		"out of memory":    {func(p *Pod) { p.Trouble = &verdict.Trouble{Reason: v1alpha1.ReasonOOMKilled, Message: "so"} }, "Error OOMKilled: so"},
		"a Job of another": {func(p *Pod) { p.Trouble = jobDeleted(&Job{Name: "x"}) }, "Error JobDeleted: Job x was deleted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, apart("a", 1))
			w.scripts = map[string]script{"a": three}
			seen, item := w.untilKept(v1alpha1.PhasePreflight)
			seen.Kept = nil
			test.change(&seen.Jobs[0].Pods[0])
			d := w.decide(seen)
			got := endOf(&d, item)
			if f := d.Status.Phases[0].FanOut; got == items(f) {
				got = "[" + f.Outcomes + "]"
			}
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
