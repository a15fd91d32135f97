package gotest

import "bytes"

// When a binary ends while a test runs, test2json gives the end of the package in the name of that test: pass where the exit code is 0.
// Such an end can be told from the test's own by the text of its frame, which precedes every end of a test, and by being the last that
// is said of the package.

// noteFrame notes whose frame the text of a JSON event is.
func (r *Record) noteFrame(ev *Event) {
	if len(ev.Test) == 0 || len(ev.Output) == 0 {
		return
	}
	if t := r.known(ev); t != nil {
		t.framed = true
		t.reported = t.reported || bytes.HasPrefix(bytes.TrimLeft(ev.Output, " "), reportPrefix)
	}
}

// doubts keeps the end of a test back whose frame has no text, though other frames of the test had one.
func (r *Record) doubts(ev *Event) bool {
	if ev.Framing != JSON {
		return false
	}
	t := r.known(ev)
	if t == nil || !t.framed || t.reported || t.open == 0 {
		return false
	}
	t.pkg.doubt = &Event{
		Action: ev.Action, Framing: ev.Framing, Package: bytes.Clone(ev.Package), Test: bytes.Clone(ev.Test), Elapsed: ev.Elapsed,
	}
	r.doubted++
	return true
}

// believe takes the end that was kept back for the test's own: the package goes on.
func (r *Record) believe(path []byte) {
	p := r.packages[string(r.bound(path))]
	if p == nil || p.doubt == nil {
		return
	}
	ev := p.doubt
	p.doubt = nil
	r.doubted--
	r.endTest(ev)
}
