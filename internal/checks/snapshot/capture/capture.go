// Package capture is what a snapshot of a cluster is made of: measurements by type, subtype and key, read from API objects and from the
// files of a node, and cut into lines that a log carries whole. It changes nothing, and must not import a check.
package capture

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// maxText bounds keys and values.
const maxText = 256

// Subtype is one group of measurements of a type.
type Subtype struct {
	Type, Name string
	Data       map[string]string
}

// newSubtype cleans what was read: on one line, bounded, without empty keys.
func newSubtype(kind, name string, data map[string]string) Subtype {
	clean := make(map[string]string, len(data))
	for key, value := range data {
		if key = tidy(key); key != "" {
			clean[key] = tidy(value)
		}
	}
	return Subtype{Type: kind, Name: name, Data: clean}
}

// tidy makes one line of a text and cuts it at a rune.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxText {
		return text
	}
	cut := maxText - len("…")
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// given keeps what has a value.
func given(data map[string]string) map[string]string {
	maps.DeleteFunc(data, func(_, value string) bool { return value == "" })
	return data
}
