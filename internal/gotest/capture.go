package gotest

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// capture keeps the first and the last bytes of a text. The last ones are worth more: that is where a test says why it failed.
type capture struct {
	head, tail []byte
	dropped    int64 // bytes between head and tail
}

// headPart of what may be kept is for the head.
const headPart = 4

// size is how many bytes are held. It can be up to twice what is kept, so that the tail need not move with each write.
func (c *capture) size() int { return len(c.head) + len(c.tail) }

// write appends p and keeps about limit bytes, in buffers from those that are spare.
func (c *capture) write(p []byte, limit int, from *spares) {
	if c.dropped == 0 && len(c.tail) == 0 {
		n := min(len(p), max(0, limit/headPart-len(c.head)))
		if n > 0 {
			c.head = append(from.room(c.head, n), p[:n]...)
		}
		p = p[n:]
	}
	keep := limit - limit/headPart
	if over := len(p) - keep; over > 0 {
		c.dropped += int64(len(c.tail) + over)
		c.tail, p = c.tail[:0], p[over:]
	}
	if len(c.tail)+len(p) > 2*keep {
		c.cutTail(keep - len(p))
		if cap(c.tail) > 4*keep { // the limit was higher before
			c.tail = bytes.Clone(c.tail)
		}
	}
	if len(p) > 0 {
		c.tail = append(from.room(c.tail, len(p)), p...)
	}
}

// cutTail keeps only the last n bytes of the tail.
func (c *capture) cutTail(n int) {
	if over := len(c.tail) - n; over > 0 {
		c.dropped += int64(over)
		c.tail = c.tail[:copy(c.tail, c.tail[over:])]
	}
}

// shrink keeps limit bytes in a buffer of just their size, and gives back the memory of the rest.
func (c *capture) shrink(limit int, from *spares) {
	size, head := c.size(), 0
	if c.dropped > 0 {
		head = min(len(c.head), limit/headPart)
	} else if size > limit {
		head = limit / headPart
	}
	tail := min(size-head, limit-head)
	if c.dropped > 0 {
		tail = min(tail, len(c.tail))
	}
	kept := make([]byte, head+tail)
	c.copyAt(kept[:head], 0)
	c.copyAt(kept[head:], size-tail)
	c.dropped += int64(size - head - tail)
	from.give(c.head)
	from.give(c.tail)
	c.head, c.tail = kept[:head:head], kept[head:]
}

// copyAt copies what is held from an index on.
func (c *capture) copyAt(to []byte, at int) {
	n := 0
	if at < len(c.head) {
		n = copy(to, c.head[at:])
		at = len(c.head)
	}
	copy(to[n:], c.tail[at-len(c.head):])
}

// spare tells whether the buffers are far larger than what they hold.
func (c *capture) spare() bool { return cap(c.head)+cap(c.tail) > 2*c.size()+minSpareBytes/2 }

// output returns what is kept under limit, cut at rune boundaries.
func (c *capture) output(limit int) Output {
	head, tail, cut := c.head, c.tail, c.dropped
	if keep := limit - limit/headPart; len(tail) > keep {
		cut += int64(len(tail) - keep)
		tail = tail[len(tail)-keep:]
	}
	if cut == 0 {
		return Output{Head: valid(append(bytes.Clone(head), tail...))}
	}
	whole := len(head) - partialRune(head)
	lost := 0
	for lost < min(len(tail), utf8.UTFMax-1) && !utf8.RuneStart(tail[lost]) {
		lost++
	}
	cut += int64(len(head) - whole + lost)
	return Output{Head: valid(head[:whole]), Tail: valid(tail[lost:]), Cut: cut}
}

// partialRune returns how many bytes at the end of b are the beginning of a rune that does not end there.
func partialRune(b []byte) int {
	for n := 1; n <= min(len(b), utf8.UTFMax-1); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if utf8.FullRune(b[len(b)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}

// valid returns b as a string with U+FFFD in place of what is no UTF-8.
func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }
