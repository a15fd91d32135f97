package podlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

var (
	// errStalled is a follow that was left because nothing comes any more.
	errStalled = errors.New("the follow has stalled")
	// errHung is a reading that has an end and does not get there.
	errHung = errors.New("nothing came for too long")
)

// read opens the log behind what was delivered, or as near before as can be, and reads to the end of the body.
func (f *follower) read(ctx context.Context, follow bool, last *mark) outcome {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	r := f.begin(f.position.resume(f.whole), last)
	r.follows = follow
	f.mu.Unlock()
	f.touch()
	done := make(chan outcome, 1)
	f.running.Go(func() { done <- f.readBody(ctx, follow, r) })
	if follow {
		return f.watch(ctx, cancel, done)
	}
	return f.await(cancel, done)
}

func (f *follower) readBody(ctx context.Context, follow bool, r *reading) outcome {
	request := Request{Follow: follow}
	if r.from.since != beginning {
		request.Since = time.Unix(0, r.from.since).UTC()
	}
	body, err := f.open(ctx, request)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = body.Close() }() // what was read has been judged by its content
	return r.consume(touching{body, f})
}

func (f *follower) open(ctx context.Context, request Request) (io.ReadCloser, error) {
	request.Namespace, request.Pod, request.Container = f.target.Namespace, f.target.Pod, f.target.Container
	body, err := f.source.Open(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	return body, nil
}

// glance looks at a small part of the log, and not for longer than a reading may be silent.
func (f *follower) glance(ctx context.Context, request Request, look func(io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	timeout := f.options.Clock.AfterFunc(f.options.IdleCheck, cancel)
	defer timeout.Stop()
	body, err := f.open(ctx, request)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	return look(body)
}

// readTail looks at the last lines.
func (f *follower) readTail(ctx context.Context) (found tail, err error) {
	err = f.glance(ctx, Request{TailLines: tailLines}, func(body io.Reader) (err error) {
		found, err = f.compareTail(body)
		return err
	})
	return found, err
}

func (f *follower) startTail(ctx context.Context) chan tail {
	found := make(chan tail, 1)
	f.running.Go(func() {
		same, err := f.readTail(ctx)
		if err != nil {
			same = tailUnclear
		}
		found <- same
	})
	return found
}

// busyBytes make a log one that may be rotated soon: a tenth of what a kubelet rotates at by default.
const busyBytes = 1 << 20

// touching notes each sign of life, and how much it was.
type touching struct {
	body io.Reader
	*follower
}

// Read reads from the body.
func (t touching) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	t.touch()
	if t.unlooked.Add(int64(n)) >= busyBytes {
		t.unlooked.Store(0)
		select {
		case t.busy <- struct{}{}:
		default:
		}
	}
	return n, err
}

func (f *follower) touch() { f.touched.Store(f.options.Clock.Now().UnixNano()) }

// silenceLeft is how much of limit is left of the silence since the last sign of life.
func (f *follower) silenceLeft(limit time.Duration) time.Duration {
	return limit - f.options.Clock.Since(time.Unix(0, f.touched.Load()))
}

// await returns the outcome of a reading that has an end.
func (f *follower) await(cancel context.CancelFunc, done <-chan outcome) outcome {
	idle := f.options.Clock.NewTimer(f.options.IdleCheck)
	defer idle.Stop()
	for {
		select {
		case out := <-done:
			return out
		case <-idle.C():
			if left := f.silenceLeft(f.options.IdleCheck); left > 0 {
				idle.Reset(left)
				continue
			}
			cancel()
			out := <-done
			return out.becauseOf(fmt.Errorf("reading the log: %w", errHung))
		}
	}
}

// watch returns the outcome of a follow. A silent one is compared with the log's tail, and left when that has gone on; or when
// the container has terminated. Where the log is busy, it is found out meanwhile what the follow must come to.
func (f *follower) watch(ctx context.Context, cancel context.CancelFunc, done <-chan outcome) outcome {
	limit := f.options.IdleCheck
	idle := f.options.Clock.NewTimer(limit)
	defer idle.Stop()
	terminated := f.terminated
	var tails chan tail
	var head chan struct{}
	var headSeen time.Time
	leave := func() outcome {
		cancel()
		out := <-done
		return out.becauseOf(errStalled)
	}
	for {
		select {
		case out := <-done:
			return out
		case <-terminated:
			terminated = nil
			limit = f.options.Linger
			idle.Reset(max(0, f.silenceLeft(limit)))
		case <-f.busy:
			if terminated != nil {
				limit = f.options.BusyCheck
				idle.Reset(max(0, f.silenceLeft(limit)))
			}
			if now := f.options.Clock.Now(); head == nil && now.Sub(headSeen) >= f.options.BusyCheck {
				head, headSeen = f.startHead(ctx), now
			}
		case <-head:
			head = nil
		case <-idle.C():
			left := f.silenceLeft(limit)
			switch {
			case left > 0:
			case terminated == nil:
				return leave()
			default:
				limit = f.options.IdleCheck
				left = limit
				if tails == nil {
					f.unlooked.Store(0)
					tails = f.startTail(ctx)
				}
			}
			idle.Reset(left)
		case found := <-tails:
			tails = nil
			if found == tailOther {
				f.whole = true
				return leave()
			}
		}
	}
}
