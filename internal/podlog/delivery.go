package podlog

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// errSink is a sink that does not take the log: nothing can be delivered any more.
var errSink = errors.New("delivering the log")

// delivery is the sink of one container's log, what has been written to it, and where. Its lock is the sink's as well.
type delivery struct {
	mu       sync.Mutex
	sink     io.Writer
	position position
	state    State
	stopped  bool // nothing is written any more
	bell     bell

	landmarks             landmarks
	firstStamp, lastStamp int64
}

// write delivers text, a part of the line that cur recognises so far, and its end if last. Called with the lock held.
func (d *delivery) write(text []byte, cur mark, last bool) error {
	if d.state.Bytes == 0 {
		d.firstStamp = cur.stamp
	}
	d.lastStamp = cur.stamp
	if d.position.open == nil {
		d.arrive(cur)
	}
	if len(text) > 0 {
		if _, err := d.sink.Write(text); err != nil {
			return fmt.Errorf("%w: %w", errSink, err)
		}
		d.state.Bytes += int64(len(text))
	}
	if !last {
		open := cur // a copy: cur itself would be allocated at every call
		d.position.open = &open
		return nil
	}
	d.state.Lines++
	d.position.advance(cur)
	return nil
}

// gap notes a loss where the log stands. Called with the lock held.
func (d *delivery) gap(reason GapReason) { d.gapAt(Gap{After: d.state.Lines, Reason: reason}) }

// gapAt notes a loss, behind those that were found before. Called with the lock held.
func (d *delivery) gapAt(g Gap) {
	if len(d.state.Gaps) < maxGaps {
		d.state.Gaps = append(slices.Clip(d.state.Gaps), g)
	}
}

// lose gives the place up: what the log holds now is delivered as something new. Called with the lock held.
func (d *delivery) lose(reason GapReason) error {
	d.gap(reason)
	torn := d.position.open != nil
	d.position = newPosition()
	if !torn {
		return nil
	}
	d.state.Lines++
	d.state.Bytes++
	if _, err := d.sink.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("%w: %w", errSink, err)
	}
	return nil
}

// view is the state as it stands. Called with the lock held.
func (d *delivery) view() State {
	state := d.state
	if state.Bytes > 0 {
		state.FirstStamp, state.LastStamp = time.Unix(0, d.firstStamp).UTC(), time.Unix(0, d.lastStamp).UTC()
	}
	return state
}
