package verdict

import (
	"fmt"
	"strings"
)

// String says how the container ended, as a part of a sentence.
func (e *Exit) String() string {
	switch {
	case e == nil:
		return "an exit code that nobody saw"
	case e.Signal != 0:
		return fmt.Sprintf("signal %d", e.Signal)
	case e.Code > 128 && e.Code < 128+65:
		return fmt.Sprintf("exit code %d (signal %d)", e.Code, e.Code-128)
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

func exitMessage(e *Exit) string {
	if e == nil {
		return ""
	}
	return e.Message
}

// listed is how many names a message spells out.
const listed = 5

// list spells out the first few names and says how many there are beside.
func list(names []string) string { return some(names, listed) }

// some spells out the first n names.
func some(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// tests is so many tests, in words.
func tests(n int) string {
	if n == 1 {
		return "1 test"
	}
	return fmt.Sprintf("%d tests", n)
}

func firstLine(text string) string {
	text = strings.TrimSpace(text)
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
