package podlog

import (
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// bell passes news on: the first at once, later ones together once per interval.
type bell struct {
	clock clock.WithDelayedExecution
	every time.Duration
	tell  func()

	mu       sync.Mutex
	next     time.Time   // not before then
	timer    clock.Timer // armed for then, or nil
	silenced bool
}

// ring says that there is news.
func (b *bell) ring() {
	b.mu.Lock()
	wait := b.next.Sub(b.clock.Now())
	if b.silenced || b.timer != nil {
		b.mu.Unlock()
		return
	}
	if wait > 0 {
		b.timer = b.clock.AfterFunc(wait, b.due)
		b.mu.Unlock()
		return
	}
	b.next = b.clock.Now().Add(b.every)
	b.mu.Unlock()
	b.tell()
}

func (b *bell) due() {
	b.mu.Lock()
	silenced := b.silenced
	b.timer = nil
	b.next = b.clock.Now().Add(b.every)
	b.mu.Unlock()
	if !silenced {
		b.tell()
	}
}

// ringLast tells at once, and never again.
func (b *bell) ringLast() {
	if b.silence() {
		b.tell()
	}
}

// silence tells nothing any more; false if that was so already.
func (b *bell) silence() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.silenced
	b.silenced = true
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	return !before
}
