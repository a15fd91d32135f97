package plan

import (
	"math/rand/v2"
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
)

// spread makes phases of a run ones of several Jobs, has them run side by side, and gives it a recipe.
func (w *world) spread(r *rand.Rand) {
	phases := w.run.Spec.Phases
	for i := range phases {
		p := &phases[i]
		if p.GoTest != nil && p.GoTest.ExpectedTests == nil && r.IntN(2) == 0 {
			p.GoTest.Checks, p.Isolation = []string{"a", "b"}, []v1alpha1.Isolation{v1alpha1.IsolationPhase, v1alpha1.IsolationCheck}[r.IntN(2)]
		}
		if r.IntN(4) == 0 {
			onNodes(p)
			w.nodes = []Node{{Name: "n1"}, {Name: "n2", Cordoned: r.IntN(8) == 0}, {Name: "n3", NotReady: r.IntN(8) == 0}}[:1+r.IntN(3)]
		}
		if r.IntN(2) == 0 {
			p.Parallelism = new(int32(1 + r.IntN(3)))
		}
		if r.IntN(3) == 0 {
			p.DependsOn = []string{}
			for _, before := range phases[:i] {
				if r.IntN(2) == 0 {
					p.DependsOn = append(p.DependsOn, before.Name)
				}
			}
		}
		p.Exclusive = r.IntN(6) == 0
	}
	if r.IntN(3) > 0 {
		return
	}
	from := recipe.Recipe{}
	if r.IntN(2) == 0 {
		from.Phases = append(from.Phases, section("deployment", "a", "b"))
	}
	if r.IntN(2) == 0 {
		from.Constraints = []recipe.Constraint{server([]string{">= 1.30", ">= 1.99"}[r.IntN(2)])}
	}
	w.reads(from)
	switch r.IntN(4) {
	case 0:
		w.run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}}
	case 1:
		w.run.Spec.Phases = slices.Concat(phases, []v1alpha1.Phase{goPhase("readiness", tries(1))})
	}
}

// befall has something happen to a node.
func (w *world) befall(r *rand.Rand) {
	switch n := &w.nodes[r.IntN(len(w.nodes))]; r.IntN(4) {
	case 0:
		w.leave(n.Name)
	case 1:
		n.NotReady = !n.NotReady
	default:
		n.Cordoned = !n.Cordoned
	}
}

// countItems counts how items have ended in a life, and how often one was begun anew or put off.
func (w *world) countItems(counts map[string]int) {
	for _, phases := range w.book.letters {
		for _, letters := range phases {
			for _, letter := range letters {
				counts[string(letter)]++
			}
		}
	}
	for _, b := range w.book.all {
		for _, p := range b.status.Phases {
			if p.FanOut == nil {
				continue
			}
			for _, a := range p.FanOut.Active {
				if a.Restarts > 0 {
					counts["again"]++
				}
				if a.State == v1alpha1.PhasePending {
					counts["waiting"]++
				}
			}
		}
	}
}
