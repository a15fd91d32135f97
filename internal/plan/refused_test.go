package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// What a phase of several Jobs cannot be ends it at once, with what to change about it.
func TestPhasesOfSeveralJobsThatCannotBe(t *testing.T) {
	container := containerPhase("a")
	onNodes(&container)
	tests := map[string]struct {
		phase v1alpha1.Phase
		nodes int
		want  string
	}{
		"a container on too many nodes": {container, 2001,
			"Error InvalidSpec: phase a is to run on 2001 nodes, and 2001 Jobs are more than 2000: set nodes.maxNodes"},
		"tests on too many nodes": {goPhase("a", onNodes), 2001,
			"Error InvalidSpec: phase a is to run on 2001 nodes, and 2001 Jobs are more than 2000: set nodes.maxNodes"},
		"checks on too many nodes": {apart("a", 1, onNodes), 700,
			"Error InvalidSpec: 3 checks on 700 nodes are 2100 Jobs, more than 2000: set nodes.maxNodes, or isolation Phase"},
		"a Job for each of no checks": {goPhase("a", func(p *v1alpha1.Phase) { p.Isolation = v1alpha1.IsolationCheck }), 0,
			"Error InvalidSpec: phase a has a Job for each check, and names no checks"},
		"no nodes": {goPhase("a", func(p *v1alpha1.Phase) {
			p.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{"gpu": "true", "arch": "arm"}, Exclude: []string{"n1"}}
		}), 0, "Error NoNodes: no node matches nodes.selector arch=arm,gpu=true that nodes.exclude (1) leaves: change it, or label the nodes"},
		"no nodes at all": {goPhase("a", onNodes), 0,
			"Error NoNodes: no node matches the empty nodes.selector: change it, or label the nodes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phase)
			w.scripts = map[string]script{"a": three}
			for i := range test.nodes {
				w.nodes = append(w.nodes, Node{Name: fmt.Sprintf("n%d", i)})
			}
			w.live()
			if diff := cmp.Diff(test.want, w.outcomeOf("a")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// outcomeOf is the outcome of a phase in a line.
func (w *world) outcomeOf(phase string) string {
	for _, p := range w.run.Status.Phases {
		if p.Name == phase {
			return strings.TrimSuffix(fmt.Sprintf("%s %s: %s", p.State, p.Reason, p.Message), ": ")
		}
	}
	return "no such phase"
}
