package gotest

import (
	"bytes"
	"strings"
)

// Beside its frames a test can say more about itself in its attributes and in lines of its output. Attributes came with Go 1.25; the
// lines are what checks printed before, and the only way to hand over an artifact.
const (
	constraintKey  = "constraint/" // a constraint's name follows, and the value is JSON
	remediationKey = "remediation"
	skipKey        = "skip"
)

var (
	artifactPrefix   = []byte("ARTIFACT:")
	constraintPrefix = []byte("CONSTRAINT_RESULT:")
	couldNotPrefix   = []byte("could not run:")
)

// maxConstraintLine is the longest line that is read as the report of a constraint.
const maxConstraintLine = 64 << 10

// speech is the line of output that a package is at. Go's own test2json hands out a long line in several events, and so does the
// decoder.
type speech struct {
	test *test
	mid  bool   // its beginning was seen, and not its end
	held []byte // its beginning, where it is a report whose end is to come
}

// speak takes the next output of t, a line or a part of one.
func (r *Record) speak(t *test, text []byte) {
	if len(text) == 0 {
		return
	}
	line := &t.pkg.line
	if line.test != t {
		r.endLine(t.pkg)
		line.test = t
	}
	begins := !line.mid
	line.mid = text[len(text)-1] != '\n'
	switch {
	case line.held != nil:
		r.hold(t, text)
	case !begins:
		r.write(t, text)
	default:
		r.speakLine(t, text)
	}
}

// speakLine takes output of t that begins a line.
func (r *Record) speakLine(t *test, text []byte) {
	at := said(text)
	switch report := reportAt(text[at:]); {
	case report == nil:
		if bytes.HasPrefix(text[at:], couldNotPrefix) {
			t.couldNotRun = true
		}
		r.write(t, text)
	case t.pkg.line.mid:
		r.hold(t, text)
	default:
		r.report(t, text, at)
	}
}

// said returns where in a line that begins with it the words of the test begin: behind its indent, and behind the file and line that
// testing puts before what is logged.
func said(text []byte) int {
	start := 0
	for start < len(text) && text[start] == ' ' {
		start++
	}
	rest := text[start:]
	colon := bytes.IndexByte(rest, ':')
	if colon < len(".go") || string(rest[colon-len(".go"):colon]) != ".go" {
		return start
	}
	number := digits(rest[colon+1:])
	end := colon + 1 + number
	if number == 0 || end+1 >= len(rest) || rest[end] != ':' || rest[end+1] != ' ' {
		return start
	}
	return start + end + len(": ")
}

// reportAt returns the prefix of the report that b begins with, nil where it is none.
func reportAt(b []byte) []byte {
	if len(b) == 0 || b[0] != 'A' && b[0] != 'C' {
		return nil
	}
	for _, prefix := range [][]byte{artifactPrefix, constraintPrefix} {
		if bytes.HasPrefix(b, prefix) {
			return prefix
		}
	}
	return nil
}

// hold keeps a report until its line ends. What all packages hold is bounded together; a report that is longer stays output.
func (r *Record) hold(t *test, text []byte) {
	line := &t.pkg.line
	if r.held+len(text) > r.limits.ReportBytes {
		held := line.held
		r.release(line)
		r.malformed(held, text)
		r.write(t, held)
		r.write(t, text)
		return
	}
	line.held = append(line.held, text...)
	r.held += len(text)
	if !line.mid {
		held := line.held
		r.release(line)
		r.report(t, held, said(held))
	}
}

// release forgets what is held of a line.
func (r *Record) release(line *speech) {
	r.held -= len(line.held)
	line.held = nil
}

// malformed counts a report that cannot be read, the beginning of which is held, or else the text.
func (r *Record) malformed(held, text []byte) {
	if len(held) > 0 {
		text = held
	}
	if bytes.HasPrefix(text[said(text):], artifactPrefix) {
		r.anomalies.count(MalformedArtifact)
		return
	}
	r.anomalies.count(MalformedConstraint)
}

// endLine says that the package goes on with a frame, or for another test: a line without its newline ends there.
func (r *Record) endLine(p *pkg) {
	line := &p.line
	if held := line.held; held != nil {
		r.release(line)
		r.report(line.test, held, said(held))
	}
	*line = speech{}
}

// endLineOf is endLine for the package of an event.
func (r *Record) endLineOf(ev *Event) {
	p := r.lastPkg
	if p == nil || p.path != string(ev.Package) {
		p = r.packages[string(r.bound(ev.Package))]
	}
	if p != nil {
		r.endLine(p)
	}
}

// close ends the lines whose ends will not come.
func (r *Record) close() {
	for _, t := range r.tests { // in their order, so that the same stream keeps the same artifacts
		if t.pkg.line.test == t {
			r.endLine(t.pkg)
		}
	}
}

// report reads a whole line that begins like a report at at.
func (r *Record) report(t *test, text []byte, at int) {
	line := trimEOL(text[at:])
	if rest, ok := bytes.CutPrefix(line, artifactPrefix); ok {
		a, ok := parseArtifact(rest)
		if !ok || len(text) > r.limits.ReportBytes {
			r.anomalies.count(MalformedArtifact)
			r.write(t, text)
			return
		}
		r.write(t, append(bytes.Clone(text[:at]), a.String()+"\n"...))
		r.keep(t, a)
		return
	}
	r.write(t, text)
	c, ok := parseConstraintLine(bytes.TrimPrefix(line, constraintPrefix))
	if !ok || len(line) > maxConstraintLine {
		r.anomalies.count(MalformedConstraint)
		return
	}
	r.constrain(t, c)
}

// overhear looks at what a test that ends has said behind other text in a line, as behind what was printed without a newline: that it could
// not run, and that a constraint does not hold. The latter may be a quotation, so that nothing is proven either way.
func (r *Record) overhear(t *test, end Outcome) {
	speaks := func(b []byte) bool {
		return bytes.Contains(b, constraintPrefix) || end == Skip && bytes.Contains(b, couldNotPrefix)
	}
	if !speaks(t.out.head) && !speaks(t.out.tail) {
		return
	}
	out := t.out.output(r.limits.OutputBytes) // and not what else its buffers hold
	for _, part := range []string{out.Head, out.Tail} {
		for line := range bytes.Lines([]byte(part)) {
			if i := bytes.Index(line, constraintPrefix); i > said(line) {
				if c, ok := parseConstraintLine(trimEOL(line[i+len(constraintPrefix):])); ok && !c.Passed {
					r.anomalies.count(MalformedConstraint)
				}
			}
			if i := bytes.Index(line, couldNotPrefix); i > 0 && logged(line[:i]) {
				t.couldNotRun = true
			}
		}
	}
}

// logged tells whether text ends with the file and line that testing puts before what is logged.
func logged(text []byte) bool {
	text, ok := bytes.CutSuffix(text, []byte(": "))
	file := bytes.TrimRight(text, "0123456789")
	return ok && len(file) < len(text) && bytes.HasSuffix(file, []byte(".go:"))
}

// unheard counts what is said that counts, and belongs to no test that is kept: the report of a constraint, and that a test could not run.
func (r *Record) unheard(ev *Event) {
	switch text := ev.Output[said(ev.Output):]; {
	case bytes.HasPrefix(text, constraintPrefix):
		r.anomalies.count(DroppedConstraint)
	case len(ev.Test) > 0 && bytes.HasPrefix(text, couldNotPrefix):
		r.anomalies.count(DroppedSkip)
	}
}

// sayAttribute takes an attribute that says more than its text, and reports whether it is one.
func (r *Record) sayAttribute(ev *Event) bool {
	key, value := string(ev.Key), bytes.TrimSpace(ev.Value)
	if name, ok := bytes.CutPrefix(ev.Key, []byte(constraintKey)); ok {
		return r.sayConstraint(ev, name, value)
	}
	if key != remediationKey && key != skipKey {
		return false
	}
	t := r.known(ev)
	if t == nil {
		if key == skipKey && skipKind(value) == SkipCouldNotRun {
			r.anomalies.count(DroppedSkip)
		}
		return false
	}
	if key == remediationKey {
		return r.sayRemediation(t, value)
	}
	switch kind := skipKind(value); kind {
	case SkipCouldNotRun, SkipNotApplicable:
		if t.SkipKind != SkipCouldNotRun {
			t.SkipKind = kind
		}
		return true
	}
	return false
}

// skipKind reads a kind of skip however it is spelt: what could not run is not to be taken for what is not applicable for a wrong dash.
func skipKind(value []byte) SkipKind {
	return SkipKind(strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(string(value))))
}

func (r *Record) sayConstraint(ev *Event, name, value []byte) bool {
	t := r.known(ev)
	c, ok := parseConstraintJSON(name, value)
	switch {
	case t == nil:
		r.anomalies.count(DroppedConstraint)
	case !ok:
		r.anomalies.count(MalformedConstraint)
		return false
	default:
		r.constrain(t, c)
	}
	return true
}

func (r *Record) sayRemediation(t *test, value []byte) bool {
	text := clip(value, maxRemediation)
	size := len(text) - len(t.Remediation)
	if r.stored+size > r.limits.TotalOutputBytes {
		return false
	}
	r.stored += size
	t.Remediation = text
	return true
}
