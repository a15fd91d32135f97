package gotest

import (
	"bytes"
	"slices"
)

// Record accumulates events into a Result, within its limits. It is not safe for use by several goroutines at once.
type Record struct {
	limits Limits

	framing   Framing
	packages  map[string]*pkg
	tests     []*test // in order of their first appearance
	top, subs int     // how many of tests are top-level tests, and how many not
	lastPkg   *pkg    // where the previous event went; the next one mostly goes there, too
	last      *test

	spares     spares
	outside    capture // what was printed outside of tests
	stored     int     // bytes of output, attributes and remediation held
	relievable []*test // passed tests that may have to give up their output, the oldest first
	beyond     Tally   // of top-level tests past the limits
	beyondSubs Tally   // of subtests past them
	beyondPkgs bool    // events of packages past the limit were met
	doubted    int     // packages whose last event is a doubtful one
	frames     int64
	refused    int64   // the last frame, by its number, whose package was past the limit
	running    []*test // top-level tests without their end, the last started or resumed at the end
	progress   Progress
	panics     panicScan
	anomalies  tally

	held          int // bytes of reports whose lines have not ended
	constraints   int // bytes of constraints
	artifacts     int // how many there are
	artifactBytes int // bytes of their data
}

// pkg is one package, or the binary of a raw stream.
type pkg struct {
	path  string
	tests map[string]*test
	open  int // started and not ended; two binaries in a row make two starts
	ends  int
	worst Outcome
	line  speech
	doubt *Event // its last event, where that may be its own end in the name of a test
}

// test is one entry of Result.Tests in the making.
type test struct {
	pkg  *pkg
	key  string // its key in pkg.tests
	top  bool
	open int // runs without their end frame
	out  capture
	// framed and reported tell of events as JSON that the texts of frames are among the output, and that of the test's end, too.
	framed, reported bool
	// couldNotRun says that the test logged so, which counts if it skips itself.
	couldNotRun bool
	Test
}

// done tells whether every run of the test has ended.
func (t *test) done() bool { return t.open == 0 && t.Ends > 0 }

// NewRecord returns an empty record. Limits that are 0 have their default.
func NewRecord(limits Limits) *Record {
	return &Record{limits: limits.withDefaults(), packages: map[string]*pkg{}}
}

// Add takes the next event. It does not keep ev or its slices.
func (r *Record) Add(ev *Event) {
	if r.doubted > 0 {
		r.believe(ev.Package)
	}
	if ev.Action == ActionOutput || ev.Action == ActionBuildOutput {
		r.output(ev)
		return
	}
	r.endLineOf(ev)
	if ev.Action == ActionBuildFail {
		r.anomalies.count(BuildFailed)
		return
	}
	if ev.Framing != r.framing {
		r.reframe(ev.Framing, r.frames)
	}
	r.frames++
	switch {
	case ev.Action == ActionStart:
		r.begin(ev, true)
	case ev.Action.end() && len(ev.Test) == 0:
		r.endPackage(ev)
	case ev.Action.end() && r.doubts(ev):
	case ev.Action.end():
		r.endTest(ev)
	case ev.Action == ActionRun && len(ev.Test) > 0:
		r.run(ev)
	case ev.Action == ActionCont:
		r.resume(ev)
	case ev.Action == ActionAttr:
		r.attribute(ev)
	}
}

// begin notes that the package of ev has begun. Only start says so for certain; run and the output of a test imply it.
func (r *Record) begin(ev *Event, start bool) {
	p := r.pkg(ev)
	switch {
	case p == nil:
	case start && p.open > 0:
		r.anomalies.count(StartWhileOpen)
		p.open++
	case p.open == 0 && (start || p.ends == 0 || ev.Action == ActionRun):
		p.open++
	}
}

func (r *Record) endPackage(ev *Event) {
	r.panics.packageEnded(ev)
	p := r.pkg(ev)
	if p == nil {
		return
	}
	switch {
	case p.open > 0:
		p.open--
	case p.ends > 0 && ev.Framing != Unmarked: // go test adds its own FAIL to that of the binary
		r.anomalies.count(DuplicateEnd)
	}
	p.ends++
	p.worst = worse(p.worst, Outcome(ev.Action))
}

func (r *Record) run(ev *Event) {
	r.begin(ev, false)
	r.panics.testStarted(ev)
	if isBenchmark(ev.Test) {
		return
	}
	t := r.test(ev)
	if t == nil {
		r.beyondOf(ev).Started++
		return
	}
	if t.open > 0 {
		r.anomalies.count(StartWhileOpen)
	}
	done := t.done()
	t.reported = false
	t.Runs++
	t.open++
	r.track(t, done)
}

func (r *Record) endTest(ev *Event) {
	r.begin(ev, false)
	outcome := Outcome(ev.Action)
	r.panics.testEnded(ev)
	if outcome == Fail {
		r.progress.Failures++
	}
	if outcome == Pass && isBenchmark(ev.Test) {
		return
	}
	t := r.test(ev)
	if t == nil {
		r.beyondOf(ev).end(outcome)
		return
	}
	if outcome == Fail && t.Runs+t.Ends == 0 {
		r.adopt(t, ev)
	}
	r.overhear(t, outcome)
	done, failed := t.done(), t.Outcome == Fail
	switch {
	case t.open > 0:
		t.open--
	case t.Ends > 0:
		r.anomalies.count(DuplicateEnd)
	case !isBenchmark(ev.Test):
		r.anomalies.count(EndWithoutStart)
	}
	t.Ends++
	t.Outcome = worse(t.Outcome, outcome)
	t.Elapsed = ev.Elapsed
	if t.top && !failed && t.Outcome == Fail {
		r.progress.Failed++
	}
	r.track(t, done)
	r.settle(t)
}

// track keeps the progress up to date after t started or ended.
func (r *Record) track(t *test, wasDone bool) {
	if !t.top {
		return
	}
	if done := t.done(); done != wasDone {
		if done {
			r.progress.Ended++
		} else {
			r.progress.Ended--
		}
	}
	for i, v := range slices.Backward(r.running) {
		if v == t {
			r.running = append(r.running[:i], r.running[i+1:]...)
			break
		}
	}
	if t.open > 0 {
		r.running = append(r.running, t)
	}
}

// resume makes a test that was paused the one that runs.
func (r *Record) resume(ev *Event) {
	if bytes.IndexByte(ev.Test, '/') >= 0 || isBenchmark(ev.Test) {
		return
	}
	if t := r.known(ev); t != nil {
		r.track(t, t.done())
	}
}

// attribute sets an attribute of a test.
func (r *Record) attribute(ev *Event) {
	if r.sayAttribute(ev) {
		return
	}
	t := r.known(ev)
	size := len(ev.Key) + len(ev.Value)
	if t == nil || size > r.limits.AttributeBytes || r.stored+size > r.limits.TotalOutputBytes {
		r.anomalies.count(DroppedAttribute)
		return
	}
	key := valid(ev.Key)
	for i := range t.Attributes {
		if a := &t.Attributes[i]; a.Key == key {
			r.stored += len(ev.Value) - len(a.Value)
			a.Value = valid(ev.Value)
			return
		}
	}
	if len(t.Attributes) >= r.limits.Attributes {
		r.anomalies.count(DroppedAttribute)
		return
	}
	r.stored += size
	t.Attributes = append(t.Attributes, Attribute{Key: key, Value: valid(ev.Value)})
}

// worse returns the outcome that counts of two end frames.
func worse(a, b Outcome) Outcome {
	for _, o := range []Outcome{Fail, Skip, Pass} {
		if a == o || b == o {
			return o
		}
	}
	return Unended
}

func (t *Tally) end(o Outcome) {
	switch o {
	case Pass:
		t.Passed++
	case Fail:
		t.Failed++
	case Skip:
		t.Skipped++
	}
}
