package gotest

import (
	"strings"
	"unicode"
)

// CheckName returns the name by which a spec names a top-level test as a check: api-latency for TestAPILatency. It is empty for a
// test that no check can name, such as a fuzz target or an example.
func CheckName(test string) string {
	rest, ok := strings.CutPrefix(test, "Test")
	if !ok || !isNamed([]byte(test), "Test") {
		return ""
	}
	runes := []rune(strings.TrimPrefix(rest, "_"))
	var name strings.Builder
	for i, r := range runes {
		switch {
		case r == '_':
			r = '-'
		case i > 0 && unicode.IsUpper(r) && startsWord(runes, i):
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	check := name.String()
	if len(MatchCheck(check, []string{test})) == 0 {
		return ""
	}
	return check
}

// startsWord tells whether the upper-case letter at i begins a word: behind a lower-case letter or a digit, or as the last of several
// when a lower-case one follows it, as the L of APILatency; a plural's s is none, as in GPUsReady.
func startsWord(runes []rune, i int) bool {
	before := runes[i-1]
	switch {
	case before == '_':
		return false
	case !unicode.IsUpper(before):
		return true
	}
	behind := string(runes[i+1:])
	if behind == "s" || len(behind) > 1 && behind[0] == 's' && !unicode.IsLower(runes[i+2]) {
		return false
	}
	return behind != "" && unicode.IsLower(runes[i+1])
}

// MatchCheck returns those of tests that a check names, none or several being a mistake. Case does not matter, nor does it whether
// words are joined by capitals or by underscores.
func MatchCheck(check string, tests []string) []string {
	matched, err := MatchTopLevel(CheckPattern([]string{check}), tests)
	if err != nil {
		return nil
	}
	return matched
}

// noCheck is a pattern that runs nothing.
const noCheck = "^$"

// CheckPattern returns what -test.run needs to be, so that exactly those tests run which the checks name.
func CheckPattern(checks []string) string {
	var names []string
	for _, check := range checks {
		if isCheckName(check) {
			names = append(names, strings.NewReplacer("-", "_?", "_", "_?").Replace(check))
		}
	}
	if len(names) == 0 {
		return noCheck
	}
	return "(?i)^Test_?(" + strings.Join(names, "|") + ")$"
}

// isCheckName tells whether a test can have that name. What cannot be one means something else in a pattern.
func isCheckName(check string) bool {
	if check == "" {
		return false
	}
	for _, r := range check {
		if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}
