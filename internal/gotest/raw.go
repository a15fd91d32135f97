package gotest

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

// Since Go 1.27 the marked output has three more marks: these two around the text of an error, which is indented and ends with its
// line, and one before each mark that a test logs itself. Go 1.26 and older print none of them, so that in any other place they
// are the test's own bytes, the escape of a colour for example.
const (
	markErrBegin = 0x0f
	markErrEnd   = 0x0e
	markEscape   = 0x1b
)

// updates are the frames that begin a line with "=== ", and the name of a test after it.
var updates = []struct {
	prefix []byte
	action Action
}{
	{[]byte("=== RUN   "), ActionRun},
	{[]byte("=== PAUSE "), ActionPause},
	{[]byte("=== CONT  "), ActionCont},
	{[]byte("=== NAME  "), ActionName},
	{[]byte("=== PASS  "), ActionPass},
	{[]byte("=== FAIL  "), ActionFail},
	{[]byte("=== SKIP  "), ActionSkip},
	{[]byte("=== ATTR  "), ActionAttr},
	{[]byte("=== ARTIFACTS "), ActionArtifacts},
}

// reports are the frames that end a test, possibly indented by four spaces for each parent.
var reports = []struct {
	prefix []byte
	action Action
}{
	{[]byte("--- PASS: "), ActionPass},
	{[]byte("--- FAIL: "), ActionFail},
	{[]byte("--- SKIP: "), ActionSkip},
	{[]byte("--- BENCH: "), ActionBench},
}

var (
	finalPass      = []byte("PASS")
	finalFail      = []byte("FAIL")
	finalFailGo    = []byte("FAIL\t") // by go test, about a binary that did not run or did not end well
	nameless       = []byte("=== NAME")
	reportIndent   = []byte("    ")
	updatePrefix   = []byte("=== ")
	reportPrefix   = []byte("--- ")
	beginTestLines = []byte("--- BEGIN TEST OUTPUT ---")
	endTestLines   = []byte("--- END TEST OUTPUT ---")
)

// rawLine reads a line that is no JSON event. A marker begins a new frame also in the middle of the line, because text that a test
// printed without a newline, or that something else printed into the log, may precede it.
func (d *Decoder) rawLine(b []byte) {
	for start := !d.mid; len(b) > 0; start = false {
		end := nextMarker(b, 1)
		d.segment(b[:end], start)
		b = b[end:]
	}
}

// segment reads what is between two markers, or a line's ends. start tells that it begins a line.
func (d *Decoder) segment(b []byte, start bool) {
	marked := b[0] == marker
	if !marked && (!start || d.framing == Marked || d.framing == JSON) {
		d.plain(b)
		return
	}
	frame := b
	if marked {
		frame = b[1:]
	}
	d.event = Event{}
	depth, ok := parseFrame(frame, &d.event)
	switch {
	case !ok:
		if marked && !bytes.HasPrefix(frame, []byte("testing: race detected")) {
			d.anomalies.count(StrayMarker)
		}
		d.plain(frame)
	case !marked && depth > d.depth+1: // indented deeper than any report can be here: somebody's text
		d.plain(frame)
	case !complete(frame, &d.event):
		d.anomalies.count(TruncatedLine)
		d.plain(frame)
	default:
		d.frame(marked, depth)
	}
}

// frame gives out the frame in d.event.
func (d *Decoder) frame(marked bool, depth int) {
	switch {
	case !marked:
		d.framing, d.event.Framing = Unmarked, Unmarked
	case d.framing == JSON:
		d.anomalies.count(MixedFraming)
		d.event.Framing = Marked
	default:
		d.framing, d.event.Framing = Marked, Marked
	}
	d.depth = depth
	d.current = append(d.current[:0], d.event.Test...)
	d.emit()
}

// plain gives out b as output, without the marks of Go 1.27, and without the lines that only say where the stream begins and ends.
func (d *Decoder) plain(b []byte) {
	if len(b) == 0 || len(d.current) == 0 && b[0] == '-' && isBracket(b) {
		return
	}
	if d.framing == Marked {
		b = d.unmark(b)
	}
	d.text(b)
}

func isBracket(b []byte) bool {
	b = trimEOL(b)
	return bytes.Equal(b, beginTestLines) || bytes.Equal(b, endTestLines)
}

// unmark returns b without the marks that Go 1.27 puts into the text of a test.
func (d *Decoder) unmark(b []byte) []byte {
	if bytes.IndexByte(b, markEscape) < 0 && bytes.IndexByte(b, markErrBegin) < 0 && bytes.IndexByte(b, markErrEnd) < 0 {
		return b
	}
	out := d.scratch[:0]
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == markEscape && i+1 < len(b) && isMark(b[i+1]):
			i++
			out = append(out, b[i])
		case c == markErrBegin && bytes.HasPrefix(b[i+1:], reportIndent), c == markErrEnd && len(trimEOL(b[i+1:])) == 0:
		default:
			out = append(out, c)
		}
	}
	d.scratch = out
	return out
}

func isMark(c byte) bool {
	return c == marker || c == markErrBegin || c == markErrEnd || c == markEscape
}

// nextMarker returns where in b, from index from on, the next marker is that no escape precedes, or the length of b.
func nextMarker(b []byte, from int) int {
	for i := min(from, len(b)); ; i++ {
		n := bytes.IndexByte(b[i:], marker)
		if n < 0 {
			return len(b)
		}
		i += n
		escapes := 0
		for escapes < i && b[i-escapes-1] == markEscape {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// lastMarker returns where in b the last marker is that no escape precedes and that does not begin b, or the length of b.
func lastMarker(b []byte) int {
	last := len(b)
	for i := nextMarker(b, 1); i < len(b); i = nextMarker(b, i+1) {
		last = i
	}
	return last
}

// parseFrame reads a frame without its marker into ev and returns 0, or for a report its indentation and one.
func parseFrame(b []byte, ev *Event) (depth int, ok bool) {
	b = bytes.TrimRight(trimEOL(b), "\x00") // some loggers end their records so
	switch {
	case bytes.Equal(b, finalPass):
		ev.Action = ActionPass
		return 0, true
	case bytes.Equal(b, finalFail), bytes.HasPrefix(b, finalFailGo):
		ev.Action = ActionFail
		return 0, true
	case bytes.Equal(b, nameless): // its trailing spaces got lost
		ev.Action = ActionName
		return 0, true
	case bytes.HasPrefix(b, updatePrefix):
		return 0, parseUpdate(b, ev)
	}
	for bytes.HasPrefix(b, reportIndent) {
		b = b[len(reportIndent):]
		depth++
	}
	if !bytes.HasPrefix(b, reportPrefix) {
		return 0, false
	}
	return depth + 1, parseReport(b, ev)
}

// parseUpdate reads "=== RUN   TestName" and its like.
func parseUpdate(b []byte, ev *Event) bool {
	for _, u := range updates {
		rest, ok := bytes.CutPrefix(b, u.prefix)
		if !ok {
			continue
		}
		name := bytes.TrimSpace(rest)
		switch u.action {
		case ActionAttr:
			name, rest, _ = bytes.Cut(name, []byte(" "))
			ev.Key, ev.Value, _ = bytes.Cut(rest, []byte(" "))
		case ActionArtifacts:
			name, ev.Path, _ = bytes.Cut(name, []byte(" "))
		}
		if len(name) == 0 && u.action != ActionName {
			return false
		}
		ev.Action, ev.Test = u.action, name
		return true
	}
	return false
}

// parseReport reads "--- PASS: TestName (0.00s)" and its like.
func parseReport(b []byte, ev *Event) bool {
	for _, r := range reports {
		rest, ok := bytes.CutPrefix(b, r.prefix)
		if !ok {
			continue
		}
		name, elapsed, _ := bytes.Cut(bytes.TrimRight(rest, " "), []byte(" ("))
		if name = bytes.TrimSpace(name); len(name) == 0 {
			return false
		}
		ev.Action, ev.Test = r.action, name
		if seconds, ok := bytes.CutSuffix(elapsed, []byte("s)")); ok {
			ev.Elapsed, _ = parseSeconds(seconds)
		}
		return true
	}
	return false
}

// complete tells whether nothing can be missing at the end of the frame that b begins with and ev holds: testing ends each with a
// newline. Without one, a failure counts if its text has its own end.
func complete(b []byte, ev *Event) bool {
	if b[len(b)-1] == '\n' {
		return true
	}
	if ev.Action != ActionFail {
		return false
	}
	return len(ev.Test) == 0 || bytes.HasSuffix(b, []byte("s)"))
}

// trimEOL returns b without its newline, and without a carriage return before it.
func trimEOL(b []byte) []byte {
	if rest, ok := bytes.CutSuffix(b, []byte("\n")); ok {
		return bytes.TrimSuffix(rest, []byte("\r"))
	}
	return b
}

// parseSeconds reads a number of seconds that is not negative and fits in a duration.
func parseSeconds(b []byte) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(string(b), 64)
	if err != nil || !(seconds >= 0) || seconds > math.MaxInt64/float64(time.Second) {
		return 0, false
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), true
}
