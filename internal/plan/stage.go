package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// constraintsCheck is the check that evaluates a phase's constraints in its validator.
	constraintsCheck = "constraints"
	// constraintsItem stands for the constraints that the operator evaluates itself, among the items of a phase that runs checks as well.
	constraintsItem = "recipe-constraints"
	// captureCheck takes a snapshot, in a package of its own.
	captureCheck   = "capture"
	capturePackage = "./checks/snapshot"
	// preflightParallelism is how many test binaries are asked for their checks at once.
	preflightParallelism = 4
)

// stage is a phase as the attempt goes through it: with its defaults, what it has from the recipe, and what the operator adds to it.
type stage struct {
	v1alpha1.Phase
	// constraints are those that the operator evaluates against the snapshot, and wanted those that the validator has to.
	constraints []recipe.Constraint
	wanted      []verdict.WantedConstraint
	// asks are the test binaries that the preflight asks for their checks.
	asks []ask
	// invalid is why the phase cannot be run as it is.
	invalid string
}

// ask is one test binary that is asked for its checks.
type ask struct {
	// name is the first phase that runs it.
	name   string
	binary v1alpha1.Phase
	// checks are those that it has to have, by the phases that name them.
	checks []string
	phases []string
}

// stages are the phases that a spec and its recipe come to. A recipe that is not read yet gives none but the first.
func stages(spec *v1alpha1.ValidationRunSpec, from *recipe.Recipe) []stage {
	var out []stage
	if from != nil {
		for _, name := range recipe.PhaseNames() {
			if st, ok := fromRecipe(spec, from, name); ok {
				out = append(out, st)
			}
		}
	}
	for i := range spec.Phases {
		p := *spec.Phases[i].DeepCopy()
		if slices.ContainsFunc(out, func(st stage) bool { return st.Name == p.Name }) {
			continue
		}
		st := stage{Phase: p}
		if p.GoTest == nil && p.Container == nil {
			st.invalid = fmt.Sprintf("phase %s has neither goTest nor container, and the recipe has no section validation.%s with checks", p.Name, p.Name)
			st.GoTest = &v1alpha1.GoTest{}
		}
		out = append(out, st)
	}
	start := longestStart(out)
	if spec.Recipe != nil && from == nil {
		return []stage{preflight(nil, start)}
	}
	if c := capture(spec, start); c != nil {
		out = slices.Insert(out, 0, *c)
	}
	for i := range out {
		finish(&out[i])
		order(out, i)
	}
	if spec.Recipe != nil || slices.ContainsFunc(out, func(st stage) bool { return st.GoTest != nil && len(st.GoTest.Checks) > 0 }) {
		out = slices.Insert(out, 0, preflight(out, start))
	}
	return out
}

// capture is the phase that takes the snapshot, nil where the run brings one or needs none.
func capture(spec *v1alpha1.ValidationRunSpec, start *metav1.Duration) *stage {
	if spec.Snapshot == nil || spec.Snapshot.Capture == nil {
		return nil
	}
	c := spec.Snapshot.Capture
	test := &v1alpha1.GoTest{Package: c.Package, Checks: []string{captureCheck}}
	if test.Package == "" {
		test.Package = capturePackage
	}
	st := &stage{Phase: v1alpha1.Phase{Name: v1alpha1.PhaseSnapshot, GoTest: test, Retries: mostRetries(spec), StartTimeout: start}}
	if c.Nodes != nil {
		st.Nodes = c.Nodes.DeepCopy()
	}
	return st
}

func mostRetries(spec *v1alpha1.ValidationRunSpec) *int32 {
	var most int32
	for i := range spec.Phases {
		if r := spec.Phases[i].Retries; r != nil {
			most = max(most, *r)
		}
	}
	return &most
}

// longestStart is the longest startTimeout of phases, nil where there are none: what comes before them may have to wait for the same.
func longestStart(all []stage) (longest *metav1.Duration) {
	for i := range all {
		longest = longer(longest, cmp.Or(all[i].StartTimeout, &metav1.Duration{Duration: v1alpha1.DefaultStartTimeout}))
	}
	return longest
}

func longer(a, b *metav1.Duration) *metav1.Duration {
	if a == nil || a.Duration < b.Duration {
		return b
	}
	return a
}

// finish fills what the spec and the recipe leave open.
func finish(st *stage) {
	st.SetDefaults()
	if st.GoTest != nil && len(st.GoTest.Checks) > 0 {
		st.GoTest.Run = gotest.CheckPattern(st.GoTest.Checks)
	}
	if st.GoTest == nil && st.Container == nil {
		// What is evaluated by the operator itself has a stream of nothing.
		st.GoTest, st.Nodes, st.Isolation = nil, nil, v1alpha1.IsolationPhase
	}
}

// order holds what a phase depends on against those that come before it.
func order(all []stage, i int) {
	for _, name := range all[i].DependsOn {
		j := slices.IndexFunc(all, func(st stage) bool { return st.Name == name })
		switch {
		case all[i].invalid != "":
		case j < 0:
			all[i].invalid = fmt.Sprintf("phase %s depends on %s, and there is no such phase; there are: %s", all[i].Name, name, names(all))
		case j >= i:
			all[i].invalid = fmt.Sprintf("phase %s depends on %s, which does not come before it; their order is: %s", all[i].Name, name, names(all))
		}
	}
}

func names(all []stage) string {
	var out []string
	for i := range all {
		out = append(out, all[i].Name)
	}
	return strings.Join(out, ", ")
}

// preflight is the phase that comes before all others: it reads the recipe, and asks each test binary of which checks are named which it has.
func preflight(rest []stage, start *metav1.Duration) stage {
	st := stage{Phase: v1alpha1.Phase{
		Name: v1alpha1.PhasePreflight, Parallelism: new(int32(preflightParallelism)), DependsOn: []string{}, Retries: new(int32(0)),
		StartTimeout: start,
	}}
	for i := range rest {
		t := rest[i].GoTest
		*st.Retries = max(*st.Retries, *rest[i].Retries)
		if t == nil || len(t.Checks) == 0 || len(st.asks) > 0 && st.adds(&rest[i]) {
			continue
		}
		listing := &v1alpha1.GoTest{Package: t.Package, TestDir: t.TestDir}
		listing.Command = []string{workload.Binary(t), "-test.list=."}
		st.asks = append(st.asks, ask{name: rest[i].Name, checks: t.Checks, phases: []string{rest[i].Name}, binary: v1alpha1.Phase{
			Name: st.Name, GoTest: listing, Validator: rest[i].Validator, StartTimeout: rest[i].StartTimeout,
		}})
	}
	st.SetDefaults()
	for i := range st.asks {
		st.asks[i].binary.Retries = st.Retries
		st.asks[i].binary.SetDefaults()
	}
	return st
}

// adds has a binary that is asked already be asked for a phase's checks as well.
func (st *stage) adds(other *stage) bool {
	for i := range st.asks {
		a := &st.asks[i]
		if workload.Binary(a.binary.GoTest) == workload.Binary(other.GoTest) && image(a.binary.Validator) == image(other.Validator) {
			a.checks = append(slices.Clone(a.checks), other.GoTest.Checks...)
			a.phases = append(a.phases, other.Name)
			a.binary.StartTimeout = longer(a.binary.StartTimeout, other.StartTimeout)
			return true
		}
	}
	return false
}

func image(v *v1alpha1.PhaseValidator) string {
	if v == nil || v.Image == nil {
		return ""
	}
	return *v.Image
}

// stage is the stage of a phase.
func (s *step) stage(phase string) *stage {
	i := slices.IndexFunc(s.stages, func(st stage) bool { return st.Name == phase })
	return &s.stages[i]
}

// plot lays out the phases of the attempt. Where a recipe has been read since status was written, status gets those that it brings.
func (s *step) plot() {
	s.stages = stages(s.spec, s.seen.Recipe)
	if s.spec.Recipe != nil && s.seen.Recipe != nil && s.Status.Verdict == "" && len(s.Status.Phases) == 1 {
		for i := range s.stages[1:] {
			s.Status.Phases = append(s.Status.Phases, v1alpha1.PhaseStatus{Name: s.stages[i+1].Name, State: v1alpha1.PhasePending})
		}
	}
	for i := range s.Status.Phases {
		name := s.Status.Phases[i].Name
		if slices.ContainsFunc(s.stages, func(st stage) bool { return st.Name == name }) {
			continue
		}
		lost := stage{Phase: v1alpha1.Phase{Name: name, GoTest: &v1alpha1.GoTest{}}}
		if k := slices.IndexFunc(s.spec.Phases, func(p v1alpha1.Phase) bool {
			return p.Name == name && (p.GoTest != nil || p.Container != nil)
		}); k >= 0 {
			lost.Phase = *s.spec.Phases[k].DeepCopy()
		}
		lost.invalid = "nothing says any more what phase " + name + " runs: request a rerun"
		finish(&lost)
		s.stages = append(s.stages, lost)
	}
}

// own says whether a phase is one of the operator's own.
func own(phase string) bool {
	return phase == v1alpha1.PhasePreflight || phase == v1alpha1.PhaseSnapshot
}

// needs are the phases that a phase waits for, by their places in status: those that it names, or the one before it. The operator's own
// come before all others.
func (s *step) needs(i int) (out []int) {
	depends := s.stage(s.Status.Phases[i].Name).DependsOn
	for j := range i {
		name := s.Status.Phases[j].Name
		if own(name) || depends == nil && j == i-1 || slices.Contains(depends, name) {
			out = append(out, j)
		}
	}
	return out
}
