package crash

import (
	"path"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// cast are the validators of all stories that are being told. They play by the same scripts, so that the runs are alike to the letter, and
// are told apart by their namespaces.
type cast struct {
	mu    sync.Mutex
	plays map[key]*play
}

// key is a phase of the run in a namespace, or a check of one.
type key struct{ namespace, phase string }

// play is what the pods of a phase do, one after the other.
type play struct {
	pods  []types.UID
	gates []chan struct{} // of the first pod, the second, and so on
}

// gate is what the nth pod of a phase waits for; the first is 1.
func (c *cast) gate(k key, nth int) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.play(k)
	for len(p.gates) < nth {
		p.gates = append(p.gates, make(chan struct{}))
	}
	return p.gates[nth-1]
}

// play is called with the lock held.
func (c *cast) play(k key) *play {
	if c.plays == nil {
		c.plays = map[key]*play{}
	}
	if c.plays[k] == nil {
		c.plays[k] = &play{}
	}
	return c.plays[k]
}

// nth says which of the pods of a phase a process runs in.
func (c *cast) nth(p *podlet.Process, phase string) (key, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := key{p.Pod.Namespace, phase}
	play := c.play(k)
	if !slices.Contains(play.pods, p.Pod.UID) {
		play.pods = append(play.pods, p.Pod.UID)
	}
	return k, slices.Index(play.pods, p.Pod.UID) + 1
}

// waits waits until the story lets the pod go on.
func (c *cast) waits(phase string) podlet.Step {
	return func(p *podlet.Process) { p.Wait(c.gate(c.nth(p, phase))) }
}

// first is a step that only the first pod of a phase takes.
func (c *cast) first(phase string, step podlet.Step) podlet.Step {
	return func(p *podlet.Process) {
		if _, nth := c.nth(p, phase); nth == 1 {
			step(p)
		}
	}
}

// suite is a test binary that waits before it runs its tests, though not before it lists them.
func (c *cast) suite(phase string, tests ...podlet.GoTestCase) podlet.Script {
	wait := c.waits(phase)
	return podlet.GoTest{Tests: tests, Before: func(p *podlet.Process) {
		if _, lists := p.Flag("test.list"); !lists {
			wait(p)
		}
	}}.Script()
}

// checks is a test binary that waits in each of its pods, but not where one lists its tests before it runs them. Its pods go by their phase
// and their check.
func (c *cast) checks(tests ...podlet.GoTestCase) podlet.Script {
	return podlet.GoTest{Tests: tests, Before: func(p *podlet.Process) {
		if p.Container.Name == workload.ValidatorContainer {
			c.waits(path.Join(p.Pod.Labels[v1alpha1.LabelPhase], p.Pod.Labels[v1alpha1.LabelCheck]))(p)
		}
	}}.Script()
}
