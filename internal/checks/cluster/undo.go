package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

var errClosed = errors.New("the checks are being ended")

// undo is the stack of what has to be undone, shared by the checks' own clean-up and the one after a signal.
type undo struct {
	mu     sync.Mutex
	closed bool
	steps  []*step
}

// step is undone once, by whoever comes first; the other waits for it.
type step struct {
	what string
	run  func(context.Context) error
	once sync.Once
	err  error
}

func (s *step) undo(ctx context.Context) error {
	s.once.Do(func() {
		if err := s.run(context.WithValue(ctx, undoing{}, true)); err != nil {
			s.err = fmt.Errorf("removing %s: %w", s.what, err)
		}
	})
	return s.err
}

// push puts a step on the stack, before what it undoes is done. The function returned takes it off again and undoes it.
func (u *undo) push(what string, run func(context.Context) error) (func(context.Context) error, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil, errClosed
	}
	s := &step{what: what, run: run}
	u.steps = append(u.steps, s)
	return func(ctx context.Context) error {
		err := s.undo(ctx)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.steps = slices.DeleteFunc(u.steps, func(other *step) bool { return other == s })
		return err
	}, nil
}

// all closes the stack and undoes what is on it, last in, first out.
func (u *undo) all(ctx context.Context) error {
	u.mu.Lock()
	u.closed = true
	steps := slices.Clone(u.steps)
	u.mu.Unlock()

	var errs []error
	for _, s := range slices.Backward(steps) {
		errs = append(errs, s.undo(ctx))
	}
	return errors.Join(errs...)
}
