package podlog

import (
	"slices"
	"sync"
)

// places are the follows that may be open at each node, given away in the order they were asked for.
type places struct {
	perNode int // 0: no bound
	mu      sync.Mutex
	taken   map[string]int
	queues  map[string][]*place
}

func newPlaces(perNode int) *places {
	return &places{perNode: perNode, taken: map[string]int{}, queues: map[string][]*place{}}
}

// place is one follow's claim. It is held once granted is closed, until it is left.
type place struct {
	node    string
	granted chan struct{}
	left    bool
}

func (p *places) enter(node string) *place {
	claim := &place{node: node, granted: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.perNode > 0 && p.taken[node] >= p.perNode {
		p.queues[node] = append(p.queues[node], claim)
		return claim
	}
	p.taken[node]++
	close(claim.granted)
	return claim
}

// leave gives the place, or the claim to one, up. More than once is harmless.
func (p *places) leave(claim *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if claim.left {
		return
	}
	claim.left = true
	queue := p.queues[claim.node]
	if i := slices.Index(queue, claim); i >= 0 {
		queue = slices.Delete(queue, i, i+1)
	} else if len(queue) > 0 {
		close(queue[0].granted)
		queue = slices.Delete(queue, 0, 1)
	} else {
		p.taken[claim.node]--
	}
	p.queues[claim.node] = queue
	if len(queue) == 0 {
		delete(p.queues, claim.node)
	}
	if p.taken[claim.node] == 0 {
		delete(p.taken, claim.node)
	}
}

// held says whether the place may be used.
func (c *place) held() bool {
	select {
	case <-c.granted:
		return true
	default:
		return false
	}
}
