package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers
)

const (
	// MaxBytes is the most that a recipe or a snapshot may have, which is what a ConfigMap can hold.
	MaxBytes = 1 << 20
	// maxValues bounds a document's values after its aliases are followed, and with them what it costs to read it.
	maxValues = 200_000
	// maxDepth bounds how deep they nest.
	maxDepth = 64
)

// node is one value of a document, with its line.
type node = yaml.Node

var (
	// yamlLine is where the YAML library puts the line.
	yamlLine      = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(?s:(.+))' referenced$`)
)

// load reads the one YAML document that there has to be; what is how a message calls it.
func load(data []byte, what string) (*node, error) {
	if err := readable(data, what); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document node
	err := decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF):
		return nil, Errors{{Message: "the " + what + " is empty: is this the right file, and the right key?"}}
	case err != nil:
		return nil, syntax(err, data)
	}
	var second node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, Errors{{Line: second.Line, Message: "a second YAML document begins: remove all but the " + what + ", and a --- at its end"}}
	}
	root := document.Content[0]
	if isNull(root) {
		return nil, Errors{{Message: "the " + what + " is empty: is this the right file, and the right key?"}}
	}
	if err := bounded(root); err != nil {
		return nil, err
	}
	return root, nil
}

// readable refuses what is no text of a reasonable size, before the YAML library gets to see it.
func readable(data []byte, what string) error {
	if len(data) > MaxBytes {
		return Errors{{Message: fmt.Sprintf("the %s has %d bytes: make it %d at most, which is what a ConfigMap holds", what, len(data), MaxBytes)}}
	}
	for i, line := 0, 1; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return Errors{{Line: line, Message: fmt.Sprintf("byte %d is not UTF-8: save the %s as UTF-8 text", i+1, what)}}
		case r == 0:
			return Errors{{Line: line, Message: fmt.Sprintf("byte %d is NUL: save the %s as UTF-8 text", i+1, what)}}
		case r == '\n':
			line++
		}
		i += size
	}
	// Each value takes at least one of these, and some 160 bytes of memory.
	separators := bytes.Count(data, []byte{','}) + bytes.Count(data, []byte{':'}) + bytes.Count(data, []byte{'\n'}) +
		bytes.Count(data, []byte{'['}) + bytes.Count(data, []byte{'{'}) + bytes.Count(data, []byte("- ")) + bytes.Count(data, []byte("? "))
	if separators > maxValues {
		return Errors{{Message: fmt.Sprintf("there are more than %d values: split the %s up, or remove what is not needed", maxValues, what)}}
	}
	return nil
}

// syntax makes a mistake of what the YAML library says.
func syntax(err error, data []byte) error {
	m := Mistake{Message: err.Error()}
	if parts := yamlLine.FindStringSubmatch(m.Message); parts != nil {
		m.Line, _ = strconv.Atoi(parts[1])
		m.Message = parts[2]
	}
	if parts := unknownAnchor.FindStringSubmatch(m.Message); parts != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+parts[1]))
		m.Line = 1 + bytes.Count(before, []byte{'\n'})
		m.Message = fmt.Sprintf("the alias *%s stands for nothing: put the text in quotes, or write &%s before what is meant",
			show(parts[1]), show(parts[1]))
		return Errors{m}
	}
	m.Message = "this is no YAML: " + clip(m.Message, 200) + ": look at this line and the one before, at what is not closed, and for tabs"
	return Errors{m}
}

// extent is how large and how deep a value is once its aliases are followed.
type extent struct{ values, depth int }

// bounded follows the aliases without expanding them, so that a document that grows a thousandfold costs no more than another.
func bounded(root *node) error {
	// A value that is begun and not finished has depth 0: an alias to it is a cycle.
	anchored := map[*node]extent{}
	var measure func(n *node) (extent, error)
	measure = func(n *node) (extent, error) {
		if n.Kind == yaml.AliasNode {
			e := anchored[n.Alias]
			if e.depth == 0 {
				return e, Errors{{Line: n.Line, Message: "the alias *" + show(n.Value) + " contains itself: write the value out"}}
			}
			return e, nil
		}
		e := extent{1, 1}
		for _, child := range n.Content {
			c, err := measure(child)
			if err != nil {
				return e, err
			}
			e.values += c.values
			e.depth = max(e.depth, c.depth+1)
			switch {
			case e.values > maxValues:
				return e, Errors{{Line: child.Line, Message: fmt.Sprintf(
					"with its YAML aliases (*name) written out, this has more than %d values: write out what is meant, or remove it", maxValues)}}
			case e.depth > maxDepth:
				return e, Errors{{Line: child.Line, Message: fmt.Sprintf("the values nest more than %d levels deep: flatten them", maxDepth)}}
			}
		}
		if n.Anchor != "" {
			anchored[n] = e
		}
		return e, nil
	}
	_, err := measure(root)
	return err
}

// follow returns what an alias stands for.
func follow(n *node) *node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// kindOf is a value as a message about its type calls it.
func kindOf(n *node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	switch tag := n.ShortTag(); tag {
	case "!!str":
		return "the string " + quote(n.Value)
	case "!!int", "!!float":
		return "the number " + show(n.Value)
	case "!!bool":
		return "the boolean " + show(n.Value)
	case "!!timestamp":
		return "the date " + show(n.Value)
	case "!!null":
		return "nothing"
	default:
		return "a value tagged " + show(tag)
	}
}
