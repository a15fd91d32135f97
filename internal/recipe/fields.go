package recipe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers
)

const (
	// maxItems is how many entries a list of a recipe may have.
	maxItems = 256
	// maxText is how many bytes its names and values may have, maxAdvice a remediation.
	maxText   = 256
	maxAdvice = 1024
)

// reader collects the mistakes of a document. Values are read by hand because decoding into a struct keeps no line numbers,
// which whoever wrote the document needs.
type reader struct{ mistakes Errors }

func (r *reader) wrong(line int, field, format string, args ...any) {
	if len(r.mistakes) < maxMistakes {
		r.mistakes = append(r.mistakes, Mistake{Line: line, Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

// item is one value and where it is.
type item struct {
	r    *reader
	node *node
	path string
	line int
}

func (i item) wrong(format string, args ...any) { i.r.wrong(i.line, i.path, format, args...) }

// mapping is a YAML mapping taken apart.
type mapping struct {
	r *reader
	// broken says that it is none, so that nothing is missing in it.
	broken bool
	path   string
	line   int
	keys   map[string]*node
	values map[string]*node
}

// fields takes a mapping apart. A value that is none is a mistake, and a mapping without fields.
func (i item) fields() mapping {
	m := mapping{r: i.r, path: i.path, line: i.line, keys: map[string]*node{}, values: map[string]*node{}}
	if i.node.Kind != yaml.MappingNode {
		m.broken = true
		i.wrong("want a mapping, found %s: write its fields as name: value", kindOf(i.node))
		return m
	}
	for k := 0; k+1 < len(i.node.Content); k += 2 {
		line := i.node.Content[k].Line
		key, value := follow(i.node.Content[k]), follow(i.node.Content[k+1])
		switch first, found := m.keys[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			m.r.wrong(line, m.path, "want the name of a field, found %s: write it as name: value", kindOf(key))
		case key.ShortTag() == "!!merge":
			// What is merged in would otherwise be overlooked without a word.
			m.r.wrong(line, m.path, "the YAML merge key << is not supported: write the fields out")
		case found:
			m.r.wrong(line, m.at(key.Value), "the field is there twice, first on line %d: remove one", first.Line)
		default:
			m.keys[key.Value], m.values[key.Value] = i.node.Content[k], value
		}
	}
	return m
}

// at is the path of a field.
func (m mapping) at(name string) string {
	if m.path == "" {
		return show(name)
	}
	return m.path + "." + show(name)
}

// item is a field's value. A field that is null counts as one that is not there.
func (m mapping) item(name string) (item, bool) {
	value, found := m.values[name]
	if !found || isNull(value) {
		return item{}, false
	}
	return item{r: m.r, node: value, path: m.at(name), line: m.keys[name].Line}, true
}

// wrong records a mistake in a field, or in the mapping where it lacks the field.
func (m mapping) wrong(name, format string, args ...any) {
	line := m.line
	if key, found := m.keys[name]; found {
		line = key.Line
	}
	m.r.wrong(line, m.at(name), format, args...)
}

// names are the fields in the order in which they are written, so that the first mistakes are the same each time.
func (m mapping) names() []string {
	return slices.SortedFunc(maps.Keys(m.keys), func(a, b string) int {
		ka, kb := m.keys[a], m.keys[b]
		return cmp.Or(cmp.Compare(ka.Line, kb.Line), cmp.Compare(ka.Column, kb.Column))
	})
}

// only refuses every field that is none of the known ones.
func (m mapping) only(known ...string) {
	for _, name := range m.names() {
		if slices.Contains(known, name) {
			continue
		}
		if near := intended(name, known); near != "" {
			m.wrong(name, "there is no such field: did you mean %s?", near)
		} else {
			m.wrong(name, "there is no such field: remove it, or use %s", strings.Join(known, ", "))
		}
	}
}

// misspelt refuses a field that looks like one of those acted on, where other fields are let pass: what is misspelt would
// otherwise be left out without a word.
func (m mapping) misspelt(known ...string) {
	for _, name := range m.names() {
		if slices.Contains(known, name) {
			continue
		}
		if near := nearest(name, known, 1); len(near) > 0 {
			m.wrong(name, "this looks like a misspelt %s: correct or rename it", near[0])
		}
	}
}

// text is an optional field's string, which is a single printable line.
func (m mapping) text(name string, limit int) string {
	i, found := m.item(name)
	if !found {
		return ""
	}
	return i.text(limit)
}

// required is text of a field that must be there.
func (m mapping) required(name string) string {
	if _, found := m.item(name); !found && !m.broken {
		m.wrong(name, "the field is missing: add it")
	}
	return m.text(name, maxText)
}

// text is the value's string. Numbers must be quoted: whatever writes the YAML anew makes 1.3 of 1.30.
func (i item) text(limit int) string {
	s := i.lines(limit)
	if r, found := unprintable(s, ""); found {
		i.wrong("it holds the control character %q: remove it", r)
		return ""
	}
	return s
}

// lines is text that may have several lines.
func (i item) lines(limit int) string {
	if i.node.Kind != yaml.ScalarNode || i.node.ShortTag() != "!!str" {
		remedy := "write one"
		if i.node.Kind == yaml.ScalarNode {
			remedy = "put it in quotes"
		}
		i.wrong("want a string, found %s: %s", kindOf(i.node), remedy)
		return ""
	}
	s := i.node.Value
	switch r, found := unprintable(s, "\n\t"); {
	case strings.TrimSpace(s) == "":
		i.wrong("it is empty: give it a value, or remove it")
	case len(s) > limit:
		i.wrong("it has %d bytes: shorten it to %d at most", len(s), limit)
	case found:
		i.wrong("it holds the control character %q: remove it", r)
	default:
		return s
	}
	return ""
}

// list is the entries of an optional field; of is what a message calls them.
func (m mapping) list(name, of string, limit int) []item {
	i, found := m.item(name)
	if !found {
		return nil
	}
	if i.node.Kind != yaml.SequenceNode {
		i.wrong("want a list of %s, found %s: begin each entry with -", of, kindOf(i.node))
		return nil
	}
	if len(i.node.Content) > limit {
		i.wrong("it has %d entries: reduce them to %d at most", len(i.node.Content), limit)
		return nil
	}
	items := make([]item, len(i.node.Content))
	for k, entry := range i.node.Content {
		items[k] = item{r: i.r, node: follow(entry), path: fmt.Sprintf("%s[%d]", i.path, k), line: entry.Line}
	}
	return items
}

// unprintable is the first rune that neither prints nor is allowed.
func unprintable(s, allowed string) (rune, bool) {
	for _, r := range s {
		if !unicode.IsPrint(r) && !strings.ContainsRune(allowed, r) {
			return r, true
		}
	}
	return 0, false
}
