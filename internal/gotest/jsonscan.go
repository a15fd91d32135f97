package gotest

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// scanObject reads the object that b begins with into d.fields the fast way and returns its length. It returns 0 where it is not
// sure: anything that go test does not print like this is left to decodeObject.
func (d *Decoder) scanObject(b []byte) int {
	if len(b) < 2 || b[0] != '{' {
		return 0
	}
	for i := 1; ; {
		which, n := scanKey(b[i:])
		if n == 0 {
			return 0
		}
		i += n
		if i < len(b) && b[i] == '"' {
			n = d.scanString(b[i:], which)
		} else {
			n = d.scanNumber(b[i:], which)
		}
		if i += n; n == 0 || i >= len(b) {
			return 0
		}
		switch b[i] {
		case ',':
			i++
		case '}':
			return i + 1
		default:
			return 0
		}
	}
}

// scanKey reads a key with its quotes and the colon.
func scanKey(b []byte) (which field, n int) {
	if which, n = commonKey(b); n > 0 {
		return which, n
	}
	if len(b) == 0 || b[0] != '"' {
		return 0, 0
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			if i+1 >= len(b) || b[i+1] != ':' {
				return 0, 0
			}
			return fieldNamed(b[1:i]), i + 2
		case c == '\\' || c < ' ' || c >= utf8.RuneSelf:
			return 0, 0
		}
	}
	return 0, 0
}

// commonKey is scanKey for the keys that every line of output has.
func commonKey(b []byte) (which field, n int) {
	if len(b) < len(`"Package":`) {
		return 0, 0
	}
	switch {
	case string(b[:7]) == `"Time":`:
		return fieldTime, 7
	case string(b[:7]) == `"Test":`:
		return fieldTest, 7
	case string(b[:9]) == `"Action":`:
		return fieldAction, 9
	case string(b[:9]) == `"Output":`:
		return fieldOutput, 9
	case string(b[:10]) == `"Package":`:
		return fieldPackage, 10
	}
	return 0, 0
}

// scanString reads a string value with its quotes into the field.
func (d *Decoder) scanString(b []byte, which field) int {
	var end int
	switch which {
	case fieldPackage:
		end = d.samePackage.end(b)
	case fieldTest:
		end = d.sameTest.end(b)
	default:
		end = plainEnd(b, 1)
	}
	if end >= len(b) {
		return 0
	}
	if b[end] == '"' {
		if !d.setText(which, b[1:end]) {
			return 0
		}
		return end + 1
	}
	if b[end] != '\\' || which == 0 || which == fieldTime {
		return 0
	}
	start := len(d.scratch)
	text, n := unescape(d.scratch, b[1:], end-1)
	if n == 0 {
		return 0
	}
	d.scratch = text
	if !d.setText(which, text[start:]) {
		return 0
	}
	return n + 1
}

// setText stores a string in its field and reports whether that is where a string belongs.
func (d *Decoder) setText(which field, text []byte) bool {
	f := &d.fields
	if which == 0 {
		f.unknown++
		return true
	}
	if f.seen&which != 0 || which == fieldElapsed {
		return false
	}
	f.seen |= which
	if to := f.text(which); to != nil {
		*to = text
	}
	return true
}

// scanNumber reads a plain decimal number.
func (d *Decoder) scanNumber(b []byte, which field) int {
	n := digits(b)
	if n == 0 || n > 1 && b[0] == '0' {
		return 0
	}
	if n < len(b) && b[n] == '.' {
		fraction := digits(b[n+1:])
		if fraction == 0 {
			return 0
		}
		n += 1 + fraction
	}
	f := &d.fields
	switch {
	case which == 0:
		f.unknown++
		return n
	case which != fieldElapsed || f.seen&which != 0:
		return 0
	}
	elapsed, ok := parseSeconds(b[:n])
	if !ok {
		return 0
	}
	f.seen |= which
	f.elapsed = elapsed
	return n
}

func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// plainEnd returns where in b, from i on, the first byte is that ends a JSON string or is not simply itself in one: a quote, a
// backslash or a control character. It looks at eight bytes at a time: in each of the three terms the highest bit of a byte is set
// where the byte is that one; a borrow can set it wrongly only above a byte where it is right.
func plainEnd(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, backslash := w^(ones*'"'), w^(ones*'\\')
		found := ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-ones*' ')&^w) & highs
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return i
}

// lastPlain is the plain string that a field had last, with its quotes: most lines are of the same test as the line before.
type lastPlain []byte

// end is plainEnd of the string that b begins with.
func (l *lastPlain) end(b []byte) int {
	if n := len(*l); n > 0 && len(b) >= n && string(b[:n]) == string(*l) {
		return n - 1
	}
	end := plainEnd(b, 1)
	if end < len(b) && b[end] == '"' {
		*l = append((*l)[:0], b[:end+1]...)
	}
	return end
}

// unescape appends to dst the string that b begins with, without its first quote. The first plain bytes need no look. It returns the
// length of what was read, the last quote included, or 0.
func unescape(dst, b []byte, plain int) (out []byte, n int) {
	for i := 0; ; plain = plainEnd(b, i) {
		dst = append(dst, b[i:plain]...)
		i = plain
		switch {
		case i < len(b) && b[i] == '"':
			return dst, i + 1
		case i+1 >= len(b) || b[i] != '\\':
			return dst, 0
		}
		c := b[i+1]
		i += 2
		switch c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			r, ok := hex4(b[i:])
			if !ok {
				return dst, 0
			}
			i += 4
			if utf16.IsSurrogate(r) {
				first := r
				r = utf8.RuneError
				if i+2 <= len(b) && b[i] == '\\' && b[i+1] == 'u' {
					second, _ := hex4(b[i+2:])
					if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
						r, i = pair, i+6
					}
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			return dst, 0
		}
	}
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
