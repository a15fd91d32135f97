package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// shown is what a stage comes to, in a line.
func shown(st *stage) string {
	out := st.Name + ":"
	switch {
	case st.invalid != "":
		return out + " INVALID " + st.invalid
	case st.Container != nil:
		out += " container"
	case st.GoTest != nil:
		out += " " + st.GoTest.Package
		if len(st.GoTest.Checks) > 0 {
			out += " " + strings.Join(st.GoTest.Checks, ",")
		}
	}
	if len(st.constraints) > 0 {
		out += fmt.Sprintf(" evaluates %d", len(st.constraints))
	}
	if len(st.wanted) > 0 {
		out += fmt.Sprintf(" wants %d", len(st.wanted))
	}
	if st.Nodes != nil {
		out += fmt.Sprintf(" nodes %v", st.Nodes.Selector)
		if st.Nodes.MaxNodes != nil {
			out += fmt.Sprintf(" max %d", *st.Nodes.MaxNodes)
		}
		out += fmt.Sprintf(" but %v", st.Nodes.Exclude)
	}
	if st.Timeout.Duration != v1alpha1.DefaultTimeout {
		out += " " + st.Timeout.Duration.String()
	}
	if st.fans() {
		out += fmt.Sprintf(" fans by %d", *st.Parallelism)
	}
	if v := st.Validator; v != nil {
		for _, e := range v.Env {
			out += " " + e.Name + "=" + e.Value
		}
	}
	for _, a := range st.asks {
		out += fmt.Sprintf(" asks %s for %s", a.binary.GoTest.Command[0], strings.Join(a.checks, ","))
	}
	return out
}

var stageTests = []struct {
	name string
	spec v1alpha1.ValidationRunSpec
	from *recipe.Recipe
	want []string
}{
	{
		name: "phases of the spec alone",
		spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{goPhase("a"), containerPhase("b")}},
		want: []string{"a: ./a", "b: container"},
	},
	{
		name: "checks bring the preflight, which asks each binary once",
		spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{checksOf("a", "x"), goPhase("b"), checksOf("c", "y", "z"), {
			Name: "d", GoTest: &v1alpha1.GoTest{Package: "./checks/c", Checks: []string{"w"}},
		}}},
		want: []string{
			"preflight: fans by 4 asks a.test for x asks c.test for y,z,w", "a: ./checks/a x", "b: ./b", "c: ./checks/c y,z", "d: ./checks/c w",
		},
	},
	{
		name: "one binary of two images is asked in both",
		spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{checksOf("a", "x"), {
			Name: "b", GoTest: &v1alpha1.GoTest{Package: "./checks/a", Checks: []string{"y"}}, Validator: &v1alpha1.PhaseValidator{Image: new("other")},
		}}},
		want: []string{"preflight: fans by 4 asks a.test for x asks a.test for y", "a: ./checks/a x", "b: ./checks/a y"},
	},
	{
		name: "a recipe that is not read yet",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{goPhase("a")}},
		want: []string{"preflight: fans by 4"},
	},
	{
		name: "a recipe's sections, in their order",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
		from: &recipe.Recipe{Phases: []recipe.Phase{section("conformance", "three"), section("deployment", "one", "two")}},
		want: []string{
			"preflight: fans by 4 asks deployment.test for one,two asks conformance.test for three",
			"deployment: ./checks/deployment one,two", "conformance: ./checks/conformance three",
		},
	},
	{
		name: "a recipe's own constraints are the operator's to evaluate, a section's are the validator's",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}, Phases: []recipe.Phase{
			{Name: "readiness", Constraints: []recipe.Constraint{server("> 2")}}, {Name: "deployment", Constraints: []recipe.Constraint{server("> 3")}},
		}},
		want: []string{
			"preflight: fans by 4 asks deployment.test for constraints", "readiness: evaluates 2", "deployment: ./checks/deployment constraints wants 1",
		},
	},
	{
		name: "what a section says of nodes, time and infrastructure",
		spec: v1alpha1.ValidationRunSpec{
			Recipe: fromConfigMap("r"), Validator: v1alpha1.Validator{Env: []v1alpha1.EnvVar{{Name: "A", Value: "b"}}},
		},
		from: &recipe.Recipe{Phases: []recipe.Phase{{
			Name: "performance", Timeout: 3 * time.Minute, Checks: []recipe.Check{{Name: "bandwidth"}}, Infrastructure: "nccl-doctor",
			Nodes: &recipe.Nodes{Selector: map[string]string{"gpu": "true"}, MaxNodes: 8, Exclude: []string{"bad-1"}},
		}}},
		want: []string{
			"preflight: fans by 4 asks performance.test for nccl-doctor,bandwidth",
			"performance: ./checks/performance nccl-doctor,bandwidth nodes map[gpu:true] max 8 but [bad-1] 3m0s fans by 10 A=b AICR_INFRASTRUCTURE=nccl-doctor",
		},
	},
	{
		name: "a phase of the spec that says what it runs overrides the recipe's",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{goPhase("deployment"), goPhase("extra")}},
		from: &recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one"), section("conformance", "three")}},
		want: []string{
			"preflight: fans by 4 asks conformance.test for three", "deployment: ./deployment", "conformance: ./checks/conformance three", "extra: ./extra",
		},
	},
	{
		name: "one that does not has its own timeout, nodes and isolation, and the recipe's checks",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{{
			Name: "deployment", Timeout: new(minutes(7)), Isolation: v1alpha1.IsolationCheck, Parallelism: new(int32(3)),
			Nodes: &v1alpha1.NodeSelection{Exclude: []string{"n"}},
		}}},
		from: &recipe.Recipe{Phases: []recipe.Phase{{
			Name: "deployment", Timeout: time.Minute, Checks: []recipe.Check{{Name: "one"}}, Nodes: &recipe.Nodes{MaxNodes: 1},
		}}},
		want: []string{
			"preflight: fans by 4 asks deployment.test for one", "deployment: ./checks/deployment one nodes map[] but [n] 7m0s fans by 3",
		},
	},
	{
		name: "constraints of the operator beside tests are an item of their own",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{goPhase("readiness")}},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}},
		want: []string{"preflight: fans by 4", "readiness: ./readiness evaluates 1 fans by 1"},
	},
	{
		name: "a capture comes before all",
		spec: v1alpha1.ValidationRunSpec{
			Recipe: fromConfigMap("r"), Snapshot: &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{Nodes: &v1alpha1.NodeSelection{}}},
			Phases: []v1alpha1.Phase{goPhase("a")},
		},
		from: &recipe.Recipe{},
		want: []string{
			"preflight: fans by 4 asks snapshot.test for capture", "snapshot: ./checks/snapshot capture nodes map[] but [] fans by 10", "a: ./a",
		},
	},
	{
		name: "no section for a phase that leaves it to the recipe",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{{Name: "performance"}, {Name: "own"}}},
		from: &recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one")}},
		want: []string{
			"preflight: fans by 4 asks deployment.test for one", "deployment: ./checks/deployment one",
			"performance: INVALID phase performance has neither goTest nor container, and the recipe has no section validation.performance with checks",
			"own: INVALID phase own has neither goTest nor container, and the recipe has no section validation.own with checks",
		},
	},
	{
		name: "sections that name nothing to do",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
		from: &recipe.Recipe{Phases: []recipe.Phase{
			{Name: "deployment", Line: 7, Timeout: time.Minute}, {Name: "performance", Line: 9}, section("conformance", "one"),
		}},
		want: []string{
			"preflight: fans by 4 asks conformance.test for one",
			"deployment: INVALID validation.deployment (line 7 of the recipe) names neither checks nor constraints: name some, or take the section out",
			"performance: INVALID validation.performance (line 9 of the recipe) names neither checks nor constraints: name some, or take the section out",
			"conformance: ./checks/conformance one",
		},
	},
	{
		name: "an empty section beside a phase of the spec that says what it runs",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{goPhase("performance")}},
		from: &recipe.Recipe{Phases: []recipe.Phase{{Name: "performance", Line: 9}}},
		want: []string{"preflight: fans by 4", "performance: ./performance"},
	},
	{
		name: "an empty section for the constraints of the recipe",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}, Phases: []recipe.Phase{{Name: "readiness", Line: 3}}},
		want: []string{"preflight: fans by 4", "readiness: evaluates 1"},
	},
	{
		name: "nodes and a timeout for constraints that the operator evaluates",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}, Phases: []recipe.Phase{
			{Name: "readiness", Line: 3, Timeout: time.Minute, Nodes: &recipe.Nodes{MaxNodes: 1}},
		}},
		want: []string{
			"preflight: fans by 4",
			"readiness: INVALID phase readiness has nodes and a timeout, for checks, and nothing but constraints, which the operator holds " +
				"against the snapshot: name checks in validation.readiness, or take nodes and a timeout out",
		},
	},
	{
		name: "isolation for constraints that the operator evaluates",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{{Name: "readiness", Isolation: v1alpha1.IsolationCheck}}},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}},
		want: []string{
			"preflight: fans by 4",
			"readiness: INVALID phase readiness has isolation, for checks, and nothing but constraints, which the operator holds " +
				"against the snapshot: name checks in validation.readiness, or take isolation out",
		},
	},
	{
		name: "constraints that a container cannot evaluate",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{containerPhase("deployment")}},
		from: &recipe.Recipe{Phases: []recipe.Phase{{Name: "deployment", Constraints: []recipe.Constraint{server("> 1")}}}},
		want: []string{
			"preflight: fans by 4",
			"deployment: INVALID phase deployment is a container, which cannot evaluate the 1 constraints of validation.deployment: use goTest, or take them out",
		},
	},
	{
		name: "constraints that no Job is there for",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{apart("deployment", 1)}},
		from: &recipe.Recipe{Phases: []recipe.Phase{{Name: "deployment", Constraints: []recipe.Constraint{server("> 1")}}}},
		want: []string{
			"preflight: fans by 4 asks deployment.test for one,two,three",
			"deployment: INVALID phase deployment has a Job for each check, and none for the constraints of validation.deployment: " +
				"add constraints to goTest.checks",
		},
	},
	{
		name: "a check that takes the place of the constraints",
		spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{checksOf("readiness", "recipe-constraints")}},
		from: &recipe.Recipe{Constraints: []recipe.Constraint{server("> 1")}},
		want: []string{
			"preflight: fans by 4 asks readiness.test for recipe-constraints",
			"readiness: INVALID phase readiness names a check recipe-constraints, and that is what the constraints of the recipe are called: " +
				"name the check otherwise",
		},
	},
	{
		name: "phases that depend on none, on later ones, on themselves",
		spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{
			goPhase("a", after("x")), goPhase("b", after("c")), goPhase("c", after("c")), goPhase("d", after("a", "c")),
		}},
		want: []string{
			"a: INVALID phase a depends on x, and there is no such phase; there are: a, b, c, d",
			"b: INVALID phase b depends on c, which does not come before it; their order is: a, b, c, d",
			"c: INVALID phase c depends on c, which does not come before it; their order is: a, b, c, d",
			"d: ./d",
		},
	},
}

func checksOf(name string, checks ...string) v1alpha1.Phase {
	return v1alpha1.Phase{Name: name, GoTest: &v1alpha1.GoTest{Checks: checks}}
}

// A spec and its recipe come to phases, and every field of both acts or makes the phase invalid.
func TestStages(t *testing.T) {
	for _, test := range stageTests {
		t.Run(test.name, func(t *testing.T) {
			test.spec.SetDefaults()
			before := test.spec.DeepCopy()
			var got []string
			all := stages(&test.spec, test.from)
			for i := range all {
				got = append(got, shown(&all[i]))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, &test.spec); diff != "" {
				t.Errorf("the spec is changed\n%s", diff)
			}
		})
	}
}

// What comes before the phases has the time that they have for their start: the preflight and the capture the longest of all, and each
// question of the preflight that of the phases whose binary it is for.
func TestTheFirstPhasesStartInTheTimeOfThePhases(t *testing.T) {
	within := func(p v1alpha1.Phase, n int) v1alpha1.Phase {
		p.StartTimeout = new(minutes(n))
		return p
	}
	shared := checksOf("b", "y")
	shared.GoTest.Package = "./checks/a"
	taken := &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}}
	tests := map[string]struct {
		spec v1alpha1.ValidationRunSpec
		from *recipe.Recipe
		want []string
	}{
		"longer than by default": {
			spec: v1alpha1.ValidationRunSpec{Snapshot: taken, Phases: []v1alpha1.Phase{within(checksOf("a", "x"), 60)}},
			want: []string{"preflight 1h0m0s, asks snapshot 1h0m0s, asks a 1h0m0s", "snapshot 1h0m0s", "a 1h0m0s"},
		},
		"shorter": {
			spec: v1alpha1.ValidationRunSpec{Snapshot: taken, Phases: []v1alpha1.Phase{within(checksOf("a", "x"), 1)}},
			want: []string{"preflight 1m0s, asks snapshot 1m0s, asks a 1m0s", "snapshot 1m0s", "a 1m0s"},
		},
		"of several": {
			spec: v1alpha1.ValidationRunSpec{Snapshot: taken, Phases: []v1alpha1.Phase{within(checksOf("a", "x"), 1), checksOf("c", "z")}},
			want: []string{"preflight 15m0s, asks snapshot 15m0s, asks a 1m0s, asks c 15m0s", "snapshot 15m0s", "a 1m0s", "c 15m0s"},
		},
		"of two for one binary": {
			spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{within(checksOf("a", "x"), 1), within(shared, 60), within(goPhase("c"), 90)}},
			want: []string{"preflight 1h30m0s, asks a 1h0m0s", "a 1m0s", "b 1h0m0s", "c 1h30m0s"},
		},
		"of two for one binary, the other way round": {
			spec: v1alpha1.ValidationRunSpec{Phases: []v1alpha1.Phase{within(checksOf("a", "x"), 60), within(shared, 1)}},
			want: []string{"preflight 1h0m0s, asks a 1h0m0s", "a 1h0m0s", "b 1m0s"},
		},
		"before the recipe is read": {
			spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{{Name: "deployment", StartTimeout: new(minutes(60))}}},
			want: []string{"preflight 1h0m0s"},
		},
		"before the recipe is read, and none is set": {
			spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Phases: []v1alpha1.Phase{
				{Name: "deployment", StartTimeout: new(minutes(1))}, {Name: "performance"},
			}},
			want: []string{"preflight 15m0s"},
		},
		"before the recipe is read that brings all": {
			spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")},
			want: []string{"preflight 15m0s"},
		},
		"of the spec's phases and those of the recipe": {
			spec: v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r"), Snapshot: taken, Phases: []v1alpha1.Phase{
				{Name: "deployment", StartTimeout: new(minutes(1))},
			}},
			from: &recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one"), section("conformance", "two")}},
			want: []string{
				"preflight 15m0s, asks snapshot 15m0s, asks deployment 1m0s, asks conformance 15m0s", "snapshot 15m0s", "deployment 1m0s", "conformance 15m0s",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.spec.SetDefaults()
			var got []string
			all := stages(&test.spec, test.from)
			for i := range all {
				text := fmt.Sprintf("%s %s", all[i].Name, all[i].StartTimeout.Duration)
				for _, a := range all[i].asks {
					text += fmt.Sprintf(", asks %s %s", a.name, a.binary.StartTimeout.Duration)
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What the recipe says of a phase's constraints reaches those who judge the reports on them.
func TestAPhaseWantsWhatTheRecipeSays(t *testing.T) {
	spec := v1alpha1.ValidationRunSpec{Recipe: fromConfigMap("r")}
	spec.SetDefaults()
	all := stages(&spec, &recipe.Recipe{Phases: []recipe.Phase{{Name: "deployment", Constraints: []recipe.Constraint{
		{Name: "gpu-operator.version", Value: "== v25", Severity: recipe.SeverityWarning, Remediation: "Upgrade it."},
	}}}})
	want := []verdict.WantedConstraint{{Name: "gpu-operator.version", Severity: "warning", Expected: "== v25", Remediation: "Upgrade it."}}
	if diff := cmp.Diff(want, all[len(all)-1].wanted); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Which letter is whose must not change with a release: status of an attempt that goes on is read by the next one.
func TestTheOrderOfItems(t *testing.T) {
	s := &step{seen: Observed{Nodes: map[string]Nodes{"a": {Nodes: []Node{{Name: "n1"}, {Name: "n2"}}}}}}
	for name, test := range map[string]struct {
		st   stage
		want []key
	}{
		"checks": {stage{Phase: apart("a", 1)}, []key{{"one", ""}, {"two", ""}, {"three", ""}}},
		"nodes":  {stage{Phase: goPhase("a", onNodes)}, []key{{"", "n1"}, {"", "n2"}}},
		"checks on nodes": {
			stage{Phase: apart("a", 1, onNodes)},
			[]key{{"one", "n1"}, {"one", "n2"}, {"two", "n1"}, {"two", "n2"}, {"three", "n1"}, {"three", "n2"}},
		},
		"constraints":              {stage{Phase: v1alpha1.Phase{Name: "a"}, constraints: make([]recipe.Constraint, 2)}, []key{{constraintsItem, ""}}},
		"constraints beside tests": {stage{Phase: goPhase("a"), constraints: make([]recipe.Constraint, 2)}, []key{{constraintsItem, ""}, {"", ""}}},
		"binaries":                 {stage{Phase: v1alpha1.Phase{Name: v1alpha1.PhasePreflight}, asks: []ask{{name: "x"}, {name: "y"}}}, []key{{"x", ""}, {"y", ""}}},
	} {
		if got := s.items(&test.st); !slices.Equal(got, test.want) {
			t.Errorf("%s: items are %v, want %v", name, got, test.want)
		}
	}
}

// What a Job of an item runs is its own check and nothing else.
func TestAnItemRunsItsOwnCheck(t *testing.T) {
	st := stage{Phase: apart("a", 1)}
	finish(&st)
	part := st.part("two")
	if got := part.GoTest.Checks; !slices.Equal(got, []string{"two"}) || part.GoTest.Run == st.GoTest.Run || len(st.GoTest.Checks) != 3 {
		t.Errorf("item two runs %v by %s", got, part.GoTest.Run)
	}
	whole := stage{Phase: goPhase("a", onNodes)}
	finish(&whole)
	if diff := cmp.Diff(&whole.Phase, whole.part("")); diff != "" {
		t.Errorf("an item of a node runs all of the phase\n%s", diff)
	}
}

// A status that the next operator could not go on from is no ground: it starts the next attempt.
func TestAStatusWithImpossibleItemsDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.ItemStatus){
		"no start": func(a *v1alpha1.ItemStatus) { a.StartTime = nil },
		"no state": func(a *v1alpha1.ItemStatus) { a.State = "" },
		"ended":    func(a *v1alpha1.ItemStatus) { a.State = v1alpha1.PhasePassed },
	} {
		w := newWorld(t, goPhase("a", onNodes))
		w.has("n1")
		for len(w.run.Status.Phases) == 0 || w.run.Status.Phases[0].FanOut == nil {
			w.pass()
		}
		if d := w.decide(w.observe()); d.Status.Attempt != 1 {
			t.Fatalf("attempt %d", d.Status.Attempt)
		}
		change(&w.run.Status.Phases[0].FanOut.Active[0])
		if d := w.decide(w.observe()); d.Status.Attempt != 2 {
			t.Errorf("%s: attempt %d goes on", name, d.Status.Attempt)
		}
	}
}

// More than maxActive items of all phases never run at a time, and no more of a phase than its parallelism.
func TestItemsAreBounded(t *testing.T) {
	wide := func(p *v1alpha1.Phase) { p.Nodes, p.Parallelism = &v1alpha1.NodeSelection{}, new(int32(30)) }
	w := newWorld(t, goPhase("a", wide), goPhase("b", wide, after()), goPhase("c", wide, after()))
	w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("fail TestA"), "c": runs("pass TestA")}
	for i := range 40 {
		w.has(fmt.Sprintf("n%03d", i))
	}
	most := 0
	w.after(1, func() {})
	for w.run.Status.Verdict == "" && !t.Failed() {
		w.step()
		running := 0
		for _, p := range w.run.Status.Phases {
			if p.FanOut != nil {
				running += len(p.FanOut.Active)
			}
		}
		most = max(most, running)
	}
	if most != maxActive {
		t.Errorf("%d items ran at a time, want %d", most, maxActive)
	}
	b := w.run.Status.Phases[1]
	if b.FanOut.Outcomes != strings.Repeat("F", 40) || len(b.FanOut.Failing) != maxFailing || b.FanOut.Failed != 40 {
		t.Errorf("phase b names %d of %d: %s", len(b.FanOut.Failing), b.FanOut.Failed, b.FanOut.Outcomes)
	}
	if w.run.Status.Phases[2].State != v1alpha1.PhasePassed || !strings.Contains(b.Message, "and 20 more") {
		t.Errorf("c is %s, b %q", w.run.Status.Phases[2].State, b.Message)
	}
}

// Times of a kubelet are those of its clock, which may be off.
func TestOwnTime(t *testing.T) {
	due, second := metav1.NewTime(epoch), time.Second
	for _, test := range []struct {
		name                   string
		podStarted, now, t, to time.Duration
	}{
		{"clocks agree", second, 5 * second, 3 * second, 3 * second},
		{"a clock that is behind is moved to when the phase was due", -600 * second, 5 * second, -590 * second, 10 * second},
		{"a little ahead is not known", 10 * second, 5 * second, 12 * second, 12 * second},
		{"a clock that is ahead is no later than the start could be", 7200 * second, 100 * second, 7202 * second, 900 * second},
		{"what has come to pass is not in the future", 1000 * second, 1010 * second, 1003 * second, 1003 * second},
	} {
		u := &unit{
			step: &step{now: epoch.Add(test.now)}, status: &v1alpha1.PhaseStatus{StartTime: &due},
			phase: &v1alpha1.Phase{StartTimeout: &metav1.Duration{Duration: 15 * time.Minute}},
		}
		got := u.ownTime(&Pod{Started: epoch.Add(test.podStarted)}, epoch.Add(test.t))
		if want := epoch.Add(test.to); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", test.name, got.Sub(epoch), test.to)
		}
	}
}

// What status says of items is bounded over all phases, and each phase that is in error has one that says why.
func TestFailingItemsOfAllPhasesAreBounded(t *testing.T) {
	failing := func(n int) *v1alpha1.FanOutStatus {
		return &v1alpha1.FanOutStatus{Failing: make([]v1alpha1.ItemFailure, n)}
	}
	s := &step{}
	s.Status.Phases = []v1alpha1.PhaseStatus{{FanOut: failing(20)}, {}, {FanOut: failing(1)}, {FanOut: failing(9)}}
	s.boundFailing()
	var got []int
	for _, p := range s.Status.Phases {
		if p.FanOut != nil {
			got = append(got, len(p.FanOut.Failing))
		}
	}
	if want := []int{10, 1, 9}; !slices.Equal(got, want) {
		t.Errorf("the phases name %v, want %v", got, want)
	}
}
