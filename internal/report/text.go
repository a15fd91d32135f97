package report

import (
	"strings"
	"unicode/utf8"
)

// The bounds of a status, in bytes; its schema counts characters, of which there are never more.
const (
	// MessageBytes bounds a message.
	MessageBytes = 1024
	// NameBytes bounds the name of a test.
	NameBytes = 256

	reasonBytes = 64
	ellipsis    = "…"
	tabWidth    = 4
)

// Clip returns text as at most so many bytes of inert text, with an ellipsis at its end if it had to be cut.
func Clip(text string, bytes int) string {
	text = inert(text)
	if len(text) <= bytes {
		return text
	}
	if bytes < len(ellipsis) {
		return ""
	}
	return prefix(text, bytes-len(ellipsis)) + ellipsis
}

// line makes inert text that stays on one line.
func line(text string) string { return strings.ReplaceAll(inert(text), "\n", "\u240a") }

// clipLine is Clip for what belongs on one line.
func clipLine(text string, bytes int) string { return Clip(line(text), bytes) }

// prefix returns at most n bytes of the beginning of text, cut at a rune boundary.
func prefix(text string, n int) string {
	if n >= len(text) {
		return text
	}
	for n = max(n, 0); n > 0 && !utf8.RuneStart(text[n]); n-- {
	}
	return text[:n]
}

// suffix returns at most n bytes of the end of text, cut at a rune boundary.
func suffix(text string, n int) string {
	if n >= len(text) {
		return text
	}
	i := len(text) - max(n, 0)
	for ; i < len(text) && !utf8.RuneStart(text[i]); i++ {
	}
	return text[i:]
}

// inert makes text that any encoding takes and any terminal only shows: valid UTF-8, control characters as their pictures (ESC
// is ␛), one kind of line break, and neither tabs nor blanks at a line's end, for which YAML would give up its readable block
// form. Inert text stays as it is.
func inert(text string) string {
	if isInert(text) {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out strings.Builder
	out.Grow(len(text))
	blanks := 0 // not written yet: a line break after them drops them
	for _, r := range text {
		switch r = inertRune(r); r {
		case ' ':
			blanks++
		case '\t':
			blanks += tabWidth
		case '\n':
			blanks = 0
			out.WriteByte('\n')
		default:
			for ; blanks > 0; blanks-- {
				out.WriteByte(' ')
			}
			out.WriteRune(r)
		}
	}
	return out.String()
}

// isInert says so without a copy, which is the common case.
func isInert(text string) bool {
	last := 'a'
	for i, r := range text {
		switch {
		case r >= ' ' && r < 0x7f: // nearly all there is
		case r == '\t', r == '\n' && last == ' ', r != inertRune(r):
			return false
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)): // it was read from broken UTF-8
			return false
		}
		last = r
	}
	return last != ' '
}

// inertRune returns the rune to write for r. Line breaks and tabs are the caller's.
func inertRune(r rune) rune {
	const pictures = '\u2400'
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ':
		return pictures + r
	case r < 0x7f:
		return r
	case r == 0x7f:
		return '\u2421'
	case r == 0x85, r == 0x2028, r == 0x2029: // line breaks to YAML
		return '\n'
	case r < 0xa0, r == 0xfeff, r&0xfffe == 0xfffe: // C1 controls, byte order mark, no characters: YAML refuses or eats them
		return utf8.RuneError
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // they turn around what is shown, not only what is printed
		return utf8.RuneError
	}
	return r
}
