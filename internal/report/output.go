package report

import (
	"fmt"
	"strings"

	"github.com/validation-operator/validation-operator/internal/gotest"
)

// newOutput takes over what was printed, nil for nothing.
func newOutput(o gotest.Output) *Output {
	switch {
	case o.Head == "" && o.Tail == "" && o.Cut == 0:
		return nil
	case o.Cut == 0:
		return &Output{Text: inert(o.Head + o.Tail)}
	}
	return joined(inert(o.Head), inert(o.Tail), o.Cut)
}

// joined is the output of which cut bytes are missing between head and tail.
func joined(head, tail string, cut int64) *Output {
	return &Output{Text: head + marker(head, cut) + tail, CutBytes: cut}
}

// marker says where bytes were cut, behind head: on a line of its own if head ends with one.
func marker(head string, cut int64) string {
	text := fmt.Sprintf("[... %d bytes cut ...]", cut)
	if head == "" || strings.HasSuffix(head, "\n") {
		text += "\n"
	}
	return text
}

// isMarker says whether all that a line says is that something was cut.
func isMarker(line string) bool {
	return strings.HasPrefix(line, "[... ") && strings.HasSuffix(line, " bytes cut ...]")
}

// parts are what is kept before and behind the middle, from which bytes are cut.
func (o *Output) parts() (head, tail string) {
	if o.CutBytes == 0 {
		head = prefix(o.Text, len(o.Text)/2)
		return head, o.Text[len(head):]
	}
	head, _, _ = strings.Cut(o.Text, marker("x", o.CutBytes))
	return head, strings.TrimPrefix(o.Text[len(head):], marker(head, o.CutBytes))
}

// within cuts the middle of an output, so that its text has at most so many bytes. Where not even the words that say so fit, all
// goes.
func (o *Output) within(bytes int) *Output {
	if o == nil || len(o.Text) <= bytes {
		return o
	}
	head, tail := o.parts()
	all := int64(len(head) + len(tail))
	room := bytes - len(marker("", o.CutBytes+all))
	if room <= 0 {
		return &Output{CutBytes: o.CutBytes + all}
	}
	head = strings.TrimRight(prefix(head, max(room/2, room-len(tail))), " ")
	tail = suffix(tail, room-len(head))
	return joined(head, tail, o.CutBytes+all-int64(len(head)+len(tail)))
}
