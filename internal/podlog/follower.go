package podlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// maxDrainReads bounds what is tried with a log that is another at each reading.
const maxDrainReads = 64

// follower follows one container's log. It reads in a goroutine of its own, one body at a time; run decides what is read next.
type follower struct {
	delivery
	target  Target
	source  Source
	options Options
	places  *places

	terminated chan struct{} // closed when the container is known to have terminated
	terminate  func()
	touched    atomic.Int64  // when a read last brought something, nanoseconds since 1970
	unlooked   atomic.Int64  // bytes read since the log was said to be busy, or its tail was looked at
	busy       chan struct{} // has something in it when those were many
	running    sync.WaitGroup

	// What only run's goroutine uses.
	whole   bool // checkpoints have failed to show lines: read from the beginning
	missing int  // readings in a row that did not hold the place
	retries int  // in a row
}

func newFollower(source Source, t Target, sink io.Writer, options Options) *follower {
	f := &follower{
		delivery:   delivery{sink: sink, position: newPosition()},
		target:     t,
		source:     source,
		options:    options,
		places:     newPlaces(0),
		terminated: make(chan struct{}),
		busy:       make(chan struct{}, 1),
	}
	f.terminate = sync.OnceFunc(func() { close(f.terminated) })
	f.bell = bell{clock: options.Clock, every: options.NotifyEvery, tell: func() { options.Notify(t) }}
	return f
}

// run follows until the container has terminated, then reads on until the log's end is proven.
func (f *follower) run(ctx context.Context) {
	err := f.follow(ctx)
	if err == nil {
		err = f.drain(ctx)
	}
	if err == nil {
		f.missRest()
	}
	f.running.Wait()
	if ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	f.state.Ended = true
	f.state.Drained = err == nil
	f.state.Failure = ""
	if err != nil {
		f.state.Failure = err.Error()
	}
	f.mu.Unlock()
	f.bell.ringLast()
}

// stop ends following; nothing is written to the sink after it has returned.
func (f *follower) stop() {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.bell.silence()
}

// follow reads until the container is known to have terminated. The end of a follow means nothing before that: it is opened
// again.
func (f *follower) follow(ctx context.Context) error {
	claim := f.places.enter(f.target.Node)
	defer f.places.leave(claim)
	for !f.hasTerminated() {
		held := claim.held()
		out := f.read(ctx, held && f.trusted(), nil)
		if err := f.note(ctx, out); err != nil {
			return err
		}
		if out.met && !errors.Is(out.err, errStalled) {
			f.whole = false
		}
		switch {
		case !held && out.err == nil:
			f.wait(ctx, f.options.IdleCheck, claim.granted)
		case errors.Is(out.err, errAstray), errors.Is(out.err, errStalled), f.hasTerminated():
		default:
			f.wait(ctx, f.backoff(), nil)
		}
	}
	return nil
}

// drain reads the log of a terminated container until two readings in a row have brought nothing new. The second of them does
// not depend on time stamps. A last line without newline must be seen three times.
func (f *follower) drain(ctx context.Context) error {
	f.retries = 0
	f.whole = f.whole || f.sparse()
	var last *mark // the remainder that the quiet readings ended with
	quiet := 0     // readings in a row
	readable := f.options.Clock.Now()
	for range maxDrainReads {
		out := f.readAgain(ctx, quiet, last)
		if err := f.note(ctx, out); err != nil {
			return err
		}
		switch {
		case out.final:
			return nil
		case out.quiet() && sameRemainder(last, out.remainder):
			quiet++
		case out.quiet():
			quiet, last = 1, out.remainder
			f.whole = f.whole || last != nil
		default:
			quiet, last = 0, nil
		}
		if quiet == 2 && last == nil {
			return nil
		}
		switch {
		case out.err == nil:
			f.whole = f.whole || f.sparse()
			readable = f.options.Clock.Now()
			if quiet > 0 && (last != nil || f.empty()) {
				f.wait(ctx, f.options.Linger, nil) // little evidence: look again a little later
			}
		case errors.Is(out.err, errAstray):
		case f.options.Clock.Since(readable) >= f.options.GiveUpAfter:
			return fmt.Errorf("the log of the terminated container could not be read for %s: %w", f.options.GiveUpAfter, out.err)
		default:
			f.wait(ctx, f.backoff(), nil)
		}
	}
	return fmt.Errorf("the log of the terminated container did not come to rest in %d readings", maxDrainReads)
}

// readAgain is the next of the readings that prove the end.
func (f *follower) readAgain(ctx context.Context, quiet int, last *mark) outcome {
	switch {
	case quiet == 1 && !f.whole:
		return f.confirm(ctx)
	case quiet < 2:
		last = nil
	}
	return f.read(ctx, false, last)
}

func sameRemainder(a, b *mark) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

// confirm is the second of the two readings, of the log's tail. Where that differs, everything is read again.
func (f *follower) confirm(ctx context.Context) outcome {
	found, err := f.readTail(ctx)
	switch {
	case err != nil:
		return outcome{err: err}
	case found != tailSame:
		f.whole = true
		return outcome{err: errAstray}
	}
	return outcome{met: true, final: true}
}

// note takes a reading's outcome into the state. It returns an error if no further reading makes sense.
func (f *follower) note(ctx context.Context, out outcome) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if out.news {
		f.state.Reads++
		f.retries = 0
	}
	if errors.Is(out.err, errAstray) || errors.Is(out.err, errStalled) {
		return nil
	}
	f.state.Failure = ""
	if out.err != nil {
		f.state.Failure = out.err.Error()
	}
	switch {
	case errors.Is(out.err, errSink), podGone(out.err):
		return out.err
	case out.met:
		f.missing = 0
	case errors.Is(out.err, errMissing):
		if f.missing++; f.missing == 2 { // once could have been a broken connection
			f.missing = 0
			return f.lose(GapOverlapLost)
		}
	}
	return nil
}

func (f *follower) hasTerminated() bool {
	select {
	case <-f.terminated:
		return true
	default:
		return false
	}
}

func (f *follower) trusted() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position.trust == trustCheckpoints
}

func (f *follower) sparse() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.position.sparse
}

func (f *follower) empty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state.Bytes == 0
}

// wait lets d pass, or less if there is something to do before.
func (f *follower) wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := f.options.Clock.NewTimer(d)
	defer timer.Stop()
	terminated := f.terminated
	if f.hasTerminated() {
		terminated = nil
	}
	select {
	case <-timer.C():
	case <-wake:
	case <-terminated:
	case <-ctx.Done():
	}
}

// backoff is how long to wait before the next try: doubling, and a fifth of it at random, since a restarted API server ends all
// follows at once.
func (f *follower) backoff() time.Duration {
	d := f.options.RetryMax
	if f.retries < 16 {
		d = min(d, f.options.RetryMin<<f.retries)
	}
	f.retries++
	return d - rand.N(d/5+1)
}
