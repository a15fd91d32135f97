package podlog

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// A kubelet's follow that has fallen behind by more than a file of the log does not say so: it reads the file that it has open to its end and
// goes on with the newest one, whatever was begun and rotated away in between. So while a busy log is followed, the beginning of the
// newest file is looked at now and then. Where a file begins is a landmark: a line that the follow has to come to.
//
// Such a follow hears of the newest file's creation only after it has opened it, and then opens it again: its lines come twice.

// landmark is the first line of a file that was not delivered when it was seen.
type landmark struct {
	stamp int64
	// after is how many lines had been delivered when the first one with a later stamp came, or, until that has come, when the landmark was
	// seen.
	after  int64
	passed bool
}

const (
	// headBytes is what is read of a file for the stamp of its first line.
	headBytes = int64(stampMax)
	// maxLandmarks bounds those that are waited for. A kubelet rotates a log every few seconds at most.
	maxLandmarks = 16
)

// landmarks are those ahead, and those behind.
type landmarks struct {
	ahead   []landmark
	highest int64               // stamp that was delivered
	behind  [maxLandmarks]int64 // stamps of the first lines of files, the latest ones; 0 is none
	begun   int                 // how many there were
}

// see notes the first line of the newest file, if that is still ahead.
func (l *landmarks) see(stamp, lines int64) {
	known := func(m landmark) bool { return m.stamp == stamp }
	if stamp <= l.highest || len(l.ahead) == maxLandmarks || slices.ContainsFunc(l.ahead, known) {
		return
	}
	l.ahead = append(l.ahead, landmark{stamp: stamp, after: lines})
}

// reach takes note of a line that is delivered, behind so many others, and returns the landmarks that the log has left behind without
// coming to them. What is written at the same time by several streams may be stamped out of order, so that one is given up late.
func (l *landmarks) reach(line mark, lines int64, before mark) (missed []landmark) {
	l.highest = max(l.highest, line.stamp)
	kept := l.ahead[:0]
	for _, m := range l.ahead {
		switch {
		case m.stamp == line.stamp:
			l.begin(line.stamp)
			continue
		case !m.passed && line.stamp > m.stamp && before.size >= splitSize:
			continue // a file may begin in the middle of a long line, of which only the first part's stamp is shown
		case !m.passed && line.stamp > m.stamp:
			m.passed, m.after = true, lines
			l.begin(line.stamp)
		case line.stamp > m.stamp+slack:
			missed = append(missed, m)
			continue
		}
		kept = append(kept, m)
	}
	l.ahead = kept
	return missed
}

// begin notes that a file begins with a line of this stamp.
func (l *landmarks) begin(stamp int64) {
	if !slices.Contains(l.behind[:], stamp) {
		l.behind[l.begun%maxLandmarks] = stamp
		l.begun++
	}
}

// again says whether a line is the first one of a file that was gone through already, and forgets it: that a line has its stamp by chance
// must not keep a log from being read on.
func (l *landmarks) again(stamp int64) bool {
	at := slices.Index(l.behind[:], stamp)
	if at < 0 || stamp >= l.highest {
		return false
	}
	l.behind[at] = 0
	return true
}

// arrive holds a line that is delivered against the landmarks. Called with the lock held.
func (d *delivery) arrive(line mark) {
	if len(d.landmarks.ahead) == 0 {
		d.landmarks.highest = max(d.landmarks.highest, line.stamp)
		return
	}
	before := mark{}
	if d.position.recent.total > 0 {
		before = d.position.recent.last(0)
	}
	d.miss(d.landmarks.reach(line, d.state.Lines, before))
}

// miss notes the loss of files whose beginning the log did not come to. Called with the lock held.
func (d *delivery) miss(missed []landmark) {
	for _, m := range missed {
		if !slices.ContainsFunc(d.state.Gaps, func(g Gap) bool { return g.After == m.after }) {
			d.gapAt(Gap{After: m.after, Reason: GapRotatedAway})
		}
	}
}

// missRest notes those that the log has not come to at its end.
func (f *follower) missRest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.miss(f.landmarks.ahead)
	f.landmarks.ahead = nil
}

// startHead looks at the beginning of the newest file.
func (f *follower) startHead(ctx context.Context) chan struct{} {
	done := make(chan struct{})
	f.running.Go(func() {
		defer close(done)
		if stamp, err := f.readHead(ctx); err == nil {
			f.mu.Lock()
			f.landmarks.see(stamp, f.state.Lines)
			f.mu.Unlock()
		}
	})
	return done
}

// readHead is the stamp of the newest file's first line.
func (f *follower) readHead(ctx context.Context) (stamp int64, err error) {
	err = f.glance(ctx, Request{LimitBytes: headBytes}, func(body io.Reader) error {
		head, err := io.ReadAll(io.LimitReader(body, headBytes))
		if err != nil {
			return fmt.Errorf("reading the log's beginning: %w", err)
		}
		var length int
		if stamp, length = parseStamp(head); length == 0 {
			return fmt.Errorf("the log begins with %q, which is no time stamp", head)
		}
		return nil
	})
	return stamp, err
}
