package gotest

import "bytes"

// output files text under its test.
func (r *Record) output(ev *Event) {
	if ev.Framing == JSON && isFrameText(ev) {
		r.endLineOf(ev)
		r.noteFrame(ev)
		return
	}
	if ev.Framing != r.framing && ev.Framing == JSON && ev.Action == ActionOutput && len(ev.Package)+len(ev.Test) > 0 {
		r.reframe(ev.Framing, r.frames)
	}
	r.panics.text(ev)
	if isRace(ev.Output) {
		r.anomalies.count(DataRace)
	}
	if t := r.last; t != nil && t.pkg.open > 0 && t.is(ev) { // as nearly always
		r.speak(t, ev.Output)
		return
	}
	var t *test
	if len(ev.Test) > 0 && !isBenchmark(ev.Test) {
		r.begin(ev, false)
		t = r.test(ev)
	} else if len(ev.Test) > 0 {
		t = r.known(ev) // a benchmark that failed
	}
	if t == nil {
		r.endLineOf(ev)
		r.unheard(ev)
		r.outside.write(ev.Output, r.limits.OutputBytes, &r.spares)
		return
	}
	r.speak(t, ev.Output)
}

// write adds to the output of t as much as the limits allow.
func (r *Record) write(t *test, text []byte) {
	limit := r.limits.OutputBytes
	if t.settled() {
		limit = r.limits.PassedOutputBytes
	}
	if r.stored+len(text) > r.limits.TotalOutputBytes {
		r.relieve(len(text))
	}
	if r.stored+len(text) > r.limits.TotalOutputBytes {
		limit = min(limit, tightOutputBytes)
	}
	before := t.out.size()
	t.out.write(text, limit, &r.spares)
	r.stored += t.out.size() - before
}

// settled tells whether the test ended well, so that little of its output is worth keeping.
func (t *test) settled() bool { return t.done() && t.Outcome != Fail }

// settle drops most of the output of a test that ended well, and the buffers of any other.
func (r *Record) settle(t *test) {
	before, limit := t.out.size(), r.limits.PassedOutputBytes
	if !t.settled() {
		limit = before
	}
	if before > limit || t.out.spare() {
		t.out.shrink(limit, &r.spares)
		r.stored += t.out.size() - before
	}
	if !t.settled() {
		return
	}
	if t.Ends == 1 {
		r.relievable = append(r.relievable, t)
	}
}

// relieve drops the output of tests that ended well, the oldest first, until n bytes are free.
func (r *Record) relieve(n int) {
	for len(r.relievable) > 0 && r.stored+n > r.limits.TotalOutputBytes {
		t := r.relievable[0]
		r.relievable[0], r.relievable = nil, r.relievable[1:]
		if t.settled() {
			before := t.out.size()
			t.out.shrink(0, &r.spares)
			r.stored += t.out.size() - before
		}
	}
}

// isFrameText tells whether the output of a JSON event is the text of a frame, which has an event of its own.
func isFrameText(ev *Event) bool {
	if len(ev.OutputType) > 0 {
		return string(ev.OutputType) == "frame"
	}
	if len(ev.Output) == 0 {
		return true
	}
	switch ev.Output[0] {
	case '=', '-', ' ':
		if ev.Output[0] == ' ' && !mayReport(ev.Output) {
			return false
		}
		var frame Event
		_, ok := parseFrame(ev.Output, &frame)
		return ok && len(ev.Test) > 0 && bytes.Equal(frame.Test, ev.Test)
	case 'P', 'F':
		text := trimEOL(ev.Output)
		return len(ev.Test) == 0 && (bytes.Equal(text, finalPass) || bytes.Equal(text, finalFail))
	}
	return false
}

// mayReport tells whether an indented line may be the report of a subtest.
func mayReport(b []byte) bool {
	for _, c := range b {
		if c != ' ' {
			return c == '-'
		}
	}
	return false
}

func isRace(b []byte) bool {
	return len(b) > 0 && b[0] == 'W' && bytes.Equal(trimEOL(b), []byte("WARNING: DATA RACE"))
}
