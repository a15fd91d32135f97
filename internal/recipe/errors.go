package recipe

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxMistakes is how many mistakes are collected, and maxListed how many of them a message lists.
	maxMistakes = 100
	maxListed   = 10
	// maxMessage is what a condition of a run has room for.
	maxMessage = 1024
	// maxShown is how much of a text that somebody else wrote a message repeats.
	maxShown = 64
)

// Mistake is one thing that is wrong with a recipe or a snapshot.
type Mistake struct {
	// Line is 0 where the whole is meant.
	Line int
	// Field is the path of the field, such as validation.deployment.checks[1]; empty for the whole.
	Field string
	// Message says what is wrong and what to change.
	Message string
}

// String is the mistake as a message shows it.
func (m Mistake) String() string {
	var b strings.Builder
	if m.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", m.Line)
	}
	if m.Field != "" {
		b.WriteString(m.Field + ": ")
	}
	return b.String() + m.Message
}

// Errors are the mistakes of one document, by line, the first hundred of them.
type Errors []Mistake

// Error lists the first ten mistakes, as far as they fit into 1 KiB, and says how many more there are.
func (e Errors) Error() string {
	const room = maxMessage - len("; and at least 100 more")
	var b strings.Builder
	listed := 0
	for _, m := range e {
		text := clip(m.String(), room)
		if listed == maxListed || listed > 0 && b.Len()+len("; ")+len(text) > room {
			break
		}
		if listed > 0 {
			b.WriteString("; ")
		}
		b.WriteString(text)
		listed++
	}
	switch more := len(e) - listed; {
	case more == 0:
	case len(e) >= maxMistakes:
		fmt.Fprintf(&b, "; and at least %d more", more)
	default:
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// sorted are the mistakes in the order of their lines.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(e)
}

// clip cuts a text to at most so many bytes, between runes.
func clip(s string, limit int) string {
	const mark = "…"
	if len(s) <= limit {
		return s
	}
	cut := limit - len(mark)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + mark
}

// show is a text that somebody else wrote as a message repeats it: short, and on one line.
func show(s string) string {
	if plain(s) {
		return clip(s, maxShown)
	}
	return strconv.Quote(clip(strings.ToValidUTF8(s, "\uFFFD"), maxShown))
}

// quote is show with quotes around it in any case.
func quote(s string) string {
	if plain(s) && !strings.ContainsAny(s, `"\`) {
		return `"` + clip(s, maxShown) + `"`
	}
	return strconv.Quote(clip(strings.ToValidUTF8(s, "\uFFFD"), maxShown))
}

// plain says whether a text is printable and does not begin or end with a space.
func plain(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
