package gotest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ParseList returns the names of the tests, fuzz targets and examples in the output of a test binary run with -test.list, in order
// and each once. Benchmarks are left out, since they do not run with the tests, and so is every line that is not exactly a name.
func ParseList(data []byte) []string {
	var names []string
	seen := map[string]bool{}
	for line := range bytes.Lines(data) {
		line = trimEOL(line)
		if !isTestName(line) || seen[string(line)] {
			continue
		}
		name := string(line)
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// isTestName tells whether name is an identifier that testing runs without further flags.
func isTestName(name []byte) bool {
	if !isNamed(name, "Test") && !isNamed(name, "Fuzz") && !isNamed(name, "Example") {
		return false
	}
	for _, r := range string(name) {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// MatchTopLevel returns those of names that -test.run=pattern runs, by the rules of package testing: alternatives are separated by
// bars and the levels of subtests by slashes, both outside of brackets. Only the first level matters here: a test runs also where
// the pattern wants none but some of its subtests. An empty pattern runs everything.
func MatchTopLevel(pattern string, names []string) ([]string, error) {
	all, err := compilePattern(pattern)
	if err != nil {
		return nil, err
	}
	return matching(names, all), nil
}

// Lack is a top-level test that ran only for the sake of some of its subtests, and what was missing of these.
type Lack struct {
	// Test is its name.
	Test string
	// Alternative is the alternative of the pattern that selected no subtest of any test, of which this is the first that it matches; it is
	// empty where this test ran none that any alternative selects.
	Alternative string
}

// Lacking returns what is missing of the subtests that -test.run=pattern selects, by those of the top-level tests that it matches and by all
// that ran. Package testing runs a test for the sake of its subtests, and a subtest for the sake of its own, and lets it pass when it has
// none of them, as after a renaming. So each test that runs for no other reason has to have one that is selected, and each alternative has
// to have one in some test, but not in all that it matches: TestPod/ready matches TestPodStarts, too. What skipped itself needs none.
func Lacking(pattern string, tops []string, ran []Test) ([]Lack, error) {
	all, err := compilePattern(pattern)
	if err != nil {
		return nil, err
	}
	below := func(a alternative) bool { return len(a.levels) > 1 }
	whole, some := slices.DeleteFunc(slices.Clone(all), below), slices.DeleteFunc(all, func(a alternative) bool { return !below(a) })
	found := map[string]bool{} // of the tests that run only for the sake of subtests
	for _, name := range matching(tops, some) {
		if !matches(name, whole) {
			found[name] = false
		}
	}
	met := make([]bool, len(some))
	for _, t := range ran {
		name := strings.Split(t.Name, "/")
		if _, sought := found[name[0]]; !sought {
			continue
		}
		for i, a := range some {
			if met[i] && found[name[0]] {
				continue
			}
			if (len(name) >= len(a.levels) || t.Outcome == Skip) && a.fits(name) {
				found[name[0]], met[i] = true, true
			}
		}
	}
	var out []Lack
	for _, name := range tops {
		if has, sought := found[name]; sought && !has {
			out = append(out, Lack{Test: name})
		}
	}
	for i, a := range some {
		// Once each: a pattern may have hundreds, and all of them match thousands of tests.
		at := slices.IndexFunc(tops, func(name string) bool { return !met[i] && found[name] && a.levels[0].MatchString(name) })
		if at >= 0 {
			out = append(out, Lack{Test: tops[at], Alternative: a.text})
		}
	}
	return out, nil
}

// alternative is one alternative of a pattern, by its levels.
type alternative struct {
	text   string
	levels []*regexp.Regexp
}

// fits tells whether the elements of a name match the levels, as far as there are both.
func (a alternative) fits(name []string) bool {
	for i := range min(len(name), len(a.levels)) {
		if !a.levels[i].MatchString(name[i]) {
			return false
		}
	}
	return true
}

func compilePattern(pattern string) ([]alternative, error) {
	var out []alternative
	for i, levels := range splitPattern(pattern) {
		a := alternative{text: strings.Join(levels, "/")}
		for j, element := range levels {
			re, err := regexp.Compile(rewrite(element))
			if err != nil {
				return nil, fmt.Errorf("level %d of alternative %d of the pattern %q: %w", j+1, i+1, pattern, err)
			}
			a.levels = append(a.levels, re)
		}
		out = append(out, a)
	}
	return out, nil
}

func matching(names []string, by []alternative) []string {
	var matched []string
	for _, name := range names {
		if matches(name, by) {
			matched = append(matched, name)
		}
	}
	return matched
}

func matches(name string, by []alternative) bool {
	return slices.ContainsFunc(by, func(a alternative) bool { return a.levels[0].MatchString(name) })
}

// splitPattern splits a pattern into its alternatives and each of these into its levels. A bar or slash within brackets or
// parentheses, or behind a backslash, belongs to the expression.
func splitPattern(pattern string) [][]string {
	alternatives := [][]string{nil}
	brackets, parens, start := 0, 0, 0
	cut := func(end int) {
		last := len(alternatives) - 1
		alternatives[last] = append(alternatives[last], pattern[start:end])
		start = end + 1
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '\\':
			i++
		case '[':
			brackets++
		case ']':
			brackets = max(0, brackets-1) // one without its counterpart is legal
		case '(', ')':
			if brackets == 0 && c == '(' {
				parens++
			} else if brackets == 0 {
				parens--
			}
		case '/', '|':
			if brackets > 0 || parens != 0 {
				continue
			}
			cut(i)
			if c == '|' {
				alternatives = append(alternatives, nil)
			}
		}
	}
	cut(len(pattern))
	return alternatives
}

// rewrite does to an element of a pattern what testing does to the names of subtests: no white space, nothing unprintable.
func rewrite(element string) string {
	var b strings.Builder
	for _, r := range element {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte('_')
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
