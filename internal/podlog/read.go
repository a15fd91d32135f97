package podlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Read returns the log of a terminated container, or its first limit bytes if it is longer. It returns an error unless
// the log is complete, by the same proof as a followed one, or truncated.
func Read(ctx context.Context, source Source, t Target, limit int64) (text []byte, truncated bool, err error) {
	sink := &limited{limit: limit}
	f := newFollower(source, t, sink, Options{}.withDefaults())
	f.terminate()
	f.run(ctx)
	state := f.view()
	switch {
	case sink.full:
		return sink.text.Bytes(), true, nil
	case ctx.Err() != nil:
		return nil, false, fmt.Errorf("reading the log of container %q: %w", t.Container, context.Cause(ctx))
	case !state.Drained:
		return nil, false, fmt.Errorf("reading the log of container %q: %s", t.Container, state.Failure)
	case !state.Complete():
		return nil, false, fmt.Errorf("reading the log of container %q: incomplete after line %d (%s)",
			t.Container, state.Gaps[0].After, state.Gaps[0].Reason)
	}
	return sink.text.Bytes(), false, nil
}

var errFull = errors.New("longer than is wanted")

// limited takes the first limit bytes.
type limited struct {
	text  bytes.Buffer
	limit int64
	full  bool
}

func (l *limited) Write(p []byte) (int, error) {
	room := l.limit - int64(l.text.Len())
	if int64(len(p)) <= room {
		return l.text.Write(p)
	}
	l.full = true
	n, _ := l.text.Write(p[:room])
	return n, errFull
}
