package podlog

import (
	"errors"
	"fmt"
	"io"
)

// tailLines is how many of the runtime's lines a check of the tail asks for: the last line is among them, whole, up to 256 KiB.
const tailLines = 16

// tail is what a look at the last lines of a log said.
type tail int

const (
	// tailUnclear: the last line is longer than what was asked for, or has no end yet.
	tailUnclear tail = iota
	// tailSame: the log ends as what was delivered does.
	tailSame
	// tailOther: it does not.
	tailOther
)

// compareTail reads the last lines of a log and compares the very last with the one delivered last. Unlike a reading from a
// checkpoint it does not depend on time stamps, so that it also finds what a clock that was set back has hidden.
func (d *delivery) compareTail(body io.Reader) (tail, error) {
	s := newSplitter()
	var seen recent
	var cur mark
	foreign, whole := false, false
	take := func(p piece) {
		foreign = p.unstamped
		if p.first {
			cur = mark{stamp: p.stamp}
		}
		content := p.text
		if whole = p.last; whole {
			content = content[:len(content)-1]
		}
		if cur.add(content); whole && !foreign {
			seen.push(cur)
		}
	}
	for {
		n, err := body.Read(s.room())
		s.filled(n)
		for p, ok := s.next(); ok; p, ok = s.next() {
			take(p)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return tailUnclear, fmt.Errorf("reading the log's tail: %w", err)
		}
	}
	cut := s.inLine
	for p, ok := s.rest(); ok; p, ok = s.rest() {
		take(p)
		cut = true
	}
	if foreign {
		return tailUnclear, errors.New("the log's tail ends in a text without a time stamp")
	}
	return d.judgeTail(&seen, cut), nil
}

// judgeTail compares; cut says that a line without newline follows those seen.
func (d *delivery) judgeTail(seen *recent, cut bool) tail {
	d.mu.Lock()
	defer d.mu.Unlock()
	delivered := &d.position.recent
	switch {
	case seen.total == 0 && delivered.total == 0 && !cut:
		return tailSame
	case seen.total == 0 && cut:
		return tailUnclear
	case seen.total == 0 || delivered.total == 0:
		return tailOther
	case seen.last(0) == delivered.last(0) && cut:
		return tailUnclear
	case seen.last(0) == delivered.last(0):
		return tailSame
	case seen.total == 1 && delivered.last(0).size > splitSize:
		return tailUnclear // the end of a line, perhaps
	}
	return tailOther
}
