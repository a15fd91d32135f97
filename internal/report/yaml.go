package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// marshalYAML writes v by its JSON tags, with its fields in their order and texts of several lines as blocks. sigs.k8s.io/yaml sorts
// the fields, which would put the verdict behind everything else; the nodes of yaml/v3 keep their order, but its emitter writes a text
// with any character beyond U+FFFF, such as an emoji, as one quoted line whatever style is asked for.
func marshalYAML(v any) ([]byte, error) {
	var text bytes.Buffer
	w := json.NewEncoder(&text)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	y := yamlWriter{in: json.NewDecoder(&text)}
	y.in.UseNumber()
	if _, err := y.in.Token(); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if err := y.members(0, false); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	return y.out.Bytes(), nil
}

// yamlWriter turns the tokens of a JSON object into block YAML.
type yamlWriter struct {
	in  *json.Decoder
	out bytes.Buffer
}

// members writes the members of an object, each on a line of its own; the first one's line may have begun already.
func (y *yamlWriter) members(indent int, begun bool) error {
	for ; y.in.More(); begun = false {
		key, err := y.in.Token()
		if err != nil {
			return err
		}
		if !begun {
			y.indent(indent)
		}
		text, _ := key.(string)
		y.out.WriteString(scalar(Clip(text, NameBytes)))
		y.out.WriteByte(':')
		if err := y.value(indent); err != nil {
			return err
		}
	}
	_, err := y.in.Token()
	return err
}

// items writes the items of an array, which stand as deep as the key that they belong to.
func (y *yamlWriter) items(indent int) error {
	for y.in.More() {
		y.indent(indent)
		y.out.WriteByte('-')
		if err := y.item(indent); err != nil {
			return err
		}
	}
	_, err := y.in.Token()
	return err
}

// item writes what follows a dash: an object begins on its line.
func (y *yamlWriter) item(indent int) error {
	token, err := y.in.Token()
	if err != nil {
		return err
	}
	if token == json.Delim('{') && y.in.More() {
		y.out.WriteByte(' ')
		return y.members(indent+2, true)
	}
	return y.rest(token, indent, indent+2)
}

// value writes what follows a key.
func (y *yamlWriter) value(indent int) error {
	token, err := y.in.Token()
	if err != nil {
		return err
	}
	return y.rest(token, indent, indent)
}

// rest writes a value that has begun with token, in a parent at the given indent; items are how deep those of an array stand.
func (y *yamlWriter) rest(token json.Token, indent, items int) error {
	switch t := token.(type) {
	case json.Delim:
		if !y.in.More() {
			_, err := y.in.Token()
			y.out.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[t])
			return err
		}
		y.out.WriteByte('\n')
		if t == '[' {
			return y.items(items)
		}
		return y.members(indent+2, false)
	case string:
		y.text(inert(t), indent+2)
	case nil:
		y.out.WriteString(" null\n")
	default: // numbers and booleans
		fmt.Fprintf(&y.out, " %v\n", t)
	}
	return nil
}

// text writes a string, as a block if it has several lines.
func (y *yamlWriter) text(s string, indent int) {
	body := strings.TrimRight(s, "\n")
	if body == "" || !strings.Contains(s, "\n") {
		y.out.WriteByte(' ')
		y.out.WriteString(scalar(s))
		y.out.WriteByte('\n')
		return
	}
	y.out.WriteString(" |")
	if body[0] == ' ' || body[0] == '\n' {
		y.out.WriteByte('2') // else a reader takes the first line's own blanks for the block's indent
	}
	switch len(s) - len(body) {
	case 0:
		y.out.WriteByte('-')
	case 1:
		s = body
	default:
		y.out.WriteByte('+')
		s = s[:len(s)-1]
	}
	y.out.WriteByte('\n')
	for line := range strings.SplitSeq(s, "\n") {
		if line != "" {
			y.indent(indent)
			y.out.WriteString(line)
		}
		y.out.WriteByte('\n')
	}
}

func (y *yamlWriter) indent(n int) {
	const blanks = "                "
	for ; n > len(blanks); n -= len(blanks) {
		y.out.WriteString(blanks)
	}
	y.out.WriteString(blanks[:n])
}

// scalar is an inert string on one line: as it is where nothing in it means anything to YAML, otherwise in quotes.
func scalar(s string) string {
	if isPlain(s) {
		return s
	}
	return `"` + quoting.Replace(s) + `"`
}

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// isPlain is narrower than YAML is: a text that begins with a letter or a slash, is no word for a boolean or null, and has
// neither a comment nor a key in it.
func isPlain(s string) bool {
	if s == "" || s[len(s)-1] == ':' || s[len(s)-1] == ' ' || strings.Contains(s, ": ") || strings.Contains(s, " #") ||
		strings.Contains(s, "\n") {
		return false
	}
	if c := s[0] | 0x20; (c < 'a' || c > 'z') && s[0] != '/' {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return false
	}
	return true
}
