package podlog

import (
	"fmt"
	"io"
	"strings"
)

// textMax is how much of a foreign text is shown.
const textMax = 256

// reading takes one body from its beginning: what was delivered before is passed over, the rest delivered.
type reading struct {
	*delivery
	from checkpoint
	// last is the remainder that earlier readings ended with: seen again, it is the log's last line.
	last *mark

	follows   bool // it is a follow
	splitter  *splitter
	seen      recent     // lines passed over
	passed    checkpoint // sums them up
	searching bool       // the count does not hold, look for the overlap
	met       bool
	news      bool
	cur       mark   // the current line so far
	passOver  int64  // bytes of it that were delivered before
	foreign   string // text without a time stamp since the last line that has one
}

// begin takes the place up. Called with the lock held.
func (d *delivery) begin(from checkpoint, last *mark) *reading {
	return &reading{
		delivery:  d,
		from:      from,
		last:      last,
		splitter:  newSplitter(),
		searching: d.position.trust == trustNothing,
		met:       from.count == 0,
		passed:    checkpoint{since: beginning},
	}
}

// consume reads body to its end.
func (r *reading) consume(body io.Reader) outcome {
	for {
		n, err := body.Read(r.splitter.room())
		r.splitter.filled(n)
		if err := r.takeAll(); err != nil {
			return outcome{news: r.news, met: r.met, err: err}
		}
		if err == io.EOF {
			return r.finish()
		}
		if err != nil {
			return outcome{news: r.news, met: r.met, err: fmt.Errorf("reading the log: %w", err)}
		}
	}
}

// takeAll takes the pieces there are, and tells of news.
func (r *reading) takeAll() error {
	news, err := r.takeLocked()
	if news {
		r.bell.ring()
	}
	return err
}

func (r *reading) takeLocked() (news bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false, errStopped
	}
	before := r.state.Bytes
	for p, ok := r.splitter.next(); ok; p, ok = r.splitter.next() {
		if err = r.take(p); err != nil {
			break
		}
		if r.met {
			r.state.Failure = "" // from an earlier try
		}
	}
	return r.state.Bytes > before, err
}

// take passes one piece over or delivers it.
func (r *reading) take(p piece) error {
	if p.unstamped {
		r.keepForeign(p)
		return nil
	}
	text, err := r.unknown(p)
	if err != nil || (len(text) == 0 && !p.last) {
		return err
	}
	if !r.met {
		if p.last {
			return r.pass(r.cur)
		}
		return nil
	}
	r.news = true
	r.position.sparse = r.position.sparse || r.from.since != beginning
	return r.write(text, r.cur, p.last)
}

// keepForeign keeps a text that is not the container's until it is known what follows.
func (r *reading) keepForeign(p piece) {
	if p.first {
		r.foreign = ""
	}
	r.foreign += string(p.text[:min(textMax-len(r.foreign), len(p.text))])
}

// unknown adds the piece to the current line and returns what of it was not delivered with the line's open part.
func (r *reading) unknown(p piece) ([]byte, error) {
	if p.first {
		if err := r.beginLine(p); err != nil {
			return nil, err
		}
	}
	content := p.text
	if p.last {
		content = content[:len(content)-1]
	}
	if r.passOver == 0 {
		r.cur.add(content)
		return p.text, nil
	}
	known := min(r.passOver, int64(len(content)))
	r.cur.add(content[:known])
	r.passOver -= known
	if (r.passOver == 0 && r.cur != *r.position.open) || (r.passOver > 0 && p.last) {
		r.passOver = 0
		if err := r.lose(GapLineChanged); err != nil {
			return nil, err
		}
	}
	r.cur.add(content[known:])
	return p.text[known:], nil
}

func (r *reading) beginLine(p piece) error {
	r.cur = mark{stamp: p.stamp}
	r.passOver = 0
	if !r.met {
		r.foreign = "" // the end of a line whose beginning was left out
		return nil
	}
	if r.follows && r.landmarks.again(p.stamp) {
		return errAstray
	}
	if p.glued > 0 {
		r.state.Unstamped++
	}
	if r.foreign != "" {
		r.foreign = ""
		r.state.Unstamped++
		r.gap(GapUnstamped)
	}
	switch open := r.position.open; {
	case open == nil:
	case open.stamp != p.stamp:
		return r.lose(GapLineChanged)
	default:
		r.passOver = open.size
	}
	return nil
}

// pass notes a line that was delivered before, and finds out whether it is the last such.
func (r *reading) pass(line mark) error {
	r.seen.push(line)
	r.passed.note(line)
	known := &r.position
	switch {
	case r.searching:
	case r.seen.total == 1 && line != r.from.first && known.trust == trustCheckpoints:
		known.trust = trustBeginning
		return errAstray
	case r.seen.total == 1 && line != r.from.first:
		r.searching = true
	case r.seen.total < r.from.count:
		return nil
	case r.passed.digest != r.from.digest && r.from.since != beginning:
		known.trust = trustBeginning
		return errAstray
	case r.passed.digest != r.from.digest:
		known.trust = trustNothing
		return errAstray
	}
	if r.searching && !r.found() {
		return nil
	}
	if known.trust != trustCheckpoints {
		known.rebase(r.passed)
	}
	r.met = true
	return nil
}

// found says that the line passed last is the one delivered last. Where the log's beginning is what it was and only the rest
// does not fit, lines have been missed, perhaps among the last ones.
func (r *reading) found() bool {
	known := &r.position
	if known.trust != trustNothing || r.passed.first != known.base.first {
		return r.seen.endsLike(&known.recent)
	}
	if !r.seen.agree(&known.recent, 1) {
		return false
	}
	r.gap(GapLinesMissed)
	known.recent = r.seen
	return true
}

// finish judges the end of the body.
func (r *reading) finish() outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return outcome{err: errStopped}
	}
	o := outcome{news: r.news, met: r.met}
	o.remainder, o.final, o.err = r.remainder()
	switch {
	case o.err != nil:
	case r.met && tornStamp(r.foreign):
		o.err = errTornStamp
	case r.foreign != "" && !tornStamp(r.foreign):
		r.state.Unstamped++
		text := strings.TrimSpace(strings.ToValidUTF8(r.foreign, ""))
		o.err = fmt.Errorf("the log ends in a text without a time stamp: %q", text)
	case r.met:
	case r.seen.total == 0:
		o.err = errEmpty
	case !r.searching:
		o.err = errShort
	default:
		o.err = errMissing
	}
	return o
}

// remainder takes a last line that has no newline. It is delivered only where it was expected: a broken connection may have cut
// it, or an error text of the kubelet's may be glued to it.
func (r *reading) remainder() (*mark, bool, error) {
	var unknown []byte
	begun := r.splitter.inLine && !r.splitter.line.unstamped
	for p, ok := r.splitter.rest(); ok; p, ok = r.splitter.rest() {
		if p.unstamped {
			r.keepForeign(p)
			continue
		}
		text, err := r.unknown(p)
		if err != nil {
			return nil, false, err
		}
		begun = true
		unknown = append(unknown, text...)
	}
	if !r.met {
		return nil, false, nil
	}
	if r.passOver > 0 || (!begun && r.position.open != nil) {
		return nil, false, errShort
	}
	if !begun {
		return nil, false, nil
	}
	line := r.cur
	if line.size == 0 {
		return nil, false, errTornStamp
	}
	if r.last == nil || *r.last != line {
		return &line, false, nil
	}
	r.news = r.news || len(unknown) > 0
	return &line, true, r.write(unknown, line, true)
}

// tornStamp says that text can be the beginning of a time stamp.
func tornStamp(text string) bool {
	return text != "" && len(text) < stampMax && strings.Trim(text, "0123456789-:.+TZ") == ""
}
