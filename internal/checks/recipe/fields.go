package recipe

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers
)

// presence says whether a field may be left out.
type presence bool

const (
	required presence = true
	optional presence = false
)

// fields are the fields of one YAML mapping. They are read by hand because decoding into a struct keeps no line numbers, which
// whoever wrote the recipe needs.
type fields struct {
	what   string
	at     int
	keys   map[string]*yaml.Node
	values map[string]*yaml.Node
}

// fieldsOf takes a mapping apart; what is how a message calls it.
func fieldsOf(node *yaml.Node, what string) (fields, error) {
	node = resolve(node)
	f := fields{what: what, at: node.Line, keys: map[string]*yaml.Node{}, values: map[string]*yaml.Node{}}
	if node.Kind != yaml.MappingNode {
		return f, fmt.Errorf("line %d: %s must be a mapping of fields", node.Line, what)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		// What is merged in would otherwise be overlooked without a word.
		if key.Tag == "!!merge" {
			return f, fmt.Errorf("line %d: %s uses the YAML merge key <<, which is not supported; write the fields out", key.Line, what)
		}
		if first, found := f.keys[key.Value]; found {
			return f, fmt.Errorf("line %d: %s has the field %s twice, first on line %d", key.Line, what, key.Value, first.Line)
		}
		f.keys[key.Value], f.values[key.Value] = key, resolve(value)
	}
	return f, nil
}

// only refuses the first field that is none of the known ones.
func (f fields) only(known ...string) error {
	var first *yaml.Node
	for name, key := range f.keys {
		if !slices.Contains(known, name) && (first == nil || key.Line < first.Line) {
			first = key
		}
	}
	if first == nil {
		return nil
	}
	return fmt.Errorf("line %d: %s has no field %s; it has %s", first.Line, f.what, first.Value, strings.Join(known, ", "))
}

// line is where a field stands, or its mapping where it is missing.
func (f fields) line(name string) int {
	if key, found := f.keys[name]; found {
		return key.Line
	}
	return f.at
}

// text is the field's string. Numbers must be quoted: 1.30 without quotes is 1.3.
func (f fields) text(name string, p presence) (string, error) {
	node, found := f.values[name]
	switch {
	case !found || isNull(node):
		if p == required {
			return "", fmt.Errorf("line %d: %s lacks the field %s", f.line(name), f.what, name)
		}
		return "", nil
	case node.Kind != yaml.ScalarNode || node.Tag != "!!str":
		return "", fmt.Errorf("line %d: %s of %s must be a string; put it in quotes", f.line(name), name, f.what)
	case p == required && strings.TrimSpace(node.Value) == "":
		return "", fmt.Errorf("line %d: %s of %s must not be empty", f.line(name), name, f.what)
	}
	return node.Value, nil
}

// into stores the field's string, if there is one.
func (f fields) into(target *string, name string, p presence) error {
	value, err := f.text(name, p)
	if err == nil && value != "" {
		*target = value
	}
	return err
}

// list is the field's items; none if it is missing.
func (f fields) list(name string) ([]*yaml.Node, error) {
	node, found := f.values[name]
	if !found || isNull(node) {
		return nil, nil
	}
	if node.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: %s of %s must be a list", f.line(name), name, f.what)
	}
	return node.Content, nil
}

func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }
