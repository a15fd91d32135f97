package recipe

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	recipeKind   = "RecipeResult"
	snapshotKind = "Snapshot"
	apiVersion   = "aicr.nvidia.com/v1alpha1"

	minTimeout = time.Second
	maxTimeout = 168 * time.Hour
	maxName    = 63
)

var (
	checkName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	// kindName is a kind, or one with its group, as in ClusterPolicy.nvidia.com.
	kindName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// Parse reads a recipe. Its error is of type Errors and names every mistake.
func Parse(data []byte) (*Recipe, error) {
	document, err := load(data, "recipe")
	if err != nil {
		return nil, err
	}
	r := &reader{}
	root := item{r: r, node: document, line: document.Line}.fields()
	if len(r.mistakes) == 0 {
		root.mustBe("kind", recipeKind)
		root.mustBe("apiVersion", apiVersion)
	}
	root.misspelt("constraints", "validation", "componentRefs")
	recipe := &Recipe{
		Constraints: root.constraints(measuredName),
		Phases:      root.phases(),
		Components:  root.components(),
	}
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.sorted()
	}
	return recipe, nil
}

// mustBe demands a field with that value.
func (m mapping) mustBe(name, want string) {
	if got := m.required(name); got != "" && got != want {
		m.wrong(name, "want %s, found %s: is this the right file?", want, quote(got))
	}
}

// mayBe is mustBe for a field that may be missing.
func (m mapping) mayBe(name, want string) {
	if _, found := m.item(name); found {
		m.mustBe(name, want)
	}
}

// constraints reads a list of constraints whose names the rule judges.
func (m mapping) constraints(rule func(name string) (fault string)) []Constraint {
	var constraints []Constraint
	stated := map[string]int{}
	for _, i := range m.list("constraints", "constraints", maxItems) {
		f := i.fields()
		f.only("name", "value", "severity", "remediation")
		c := Constraint{
			Name:     f.required("name"),
			Value:    f.required("value"),
			Severity: SeverityError,
			Line:     i.line,
		}
		if c.Name != "" {
			if fault := rule(c.Name); fault != "" {
				f.wrong("name", "%s", fault)
			}
			if first, found := stated[c.Name]; found {
				i.wrong("%s is stated twice, first on line %d: remove one", show(c.Name), first)
			} else {
				stated[c.Name] = i.line
			}
		}
		if c.Value != "" {
			if _, err := ParseExpression(c.Value); err != nil {
				f.wrong("value", "%s", err)
			}
		}
		if severity := f.text("severity", maxText); severity != "" {
			c.Severity = Severity(severity)
			if c.Severity != SeverityError && c.Severity != SeverityWarning {
				f.wrong("severity", "want error or warning, found %s: write one of the two", quote(severity))
			}
		}
		if advice, found := f.item("remediation"); found {
			c.Remediation = advice.lines(maxAdvice)
		}
		constraints = append(constraints, c)
	}
	return constraints
}

// measuredName demands what can be looked up in a snapshot.
func measuredName(name string) string {
	if fault := wordName(name); fault != "" {
		return fault
	}
	parts := strings.SplitN(name, ".", 3)
	if len(parts) < 3 || slices.Contains(parts, "") {
		return quote(name) + " names no measurement: write {Type}.{Subtype}.{Key}, such as K8s.server.version"
	}
	return ""
}

// wordName demands a name without spaces.
func wordName(name string) string {
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return quote(name) + " has a space in it: write the name without spaces"
	}
	return ""
}

func (m mapping) phases() []Phase {
	validation, found := m.item("validation")
	if !found {
		return nil
	}
	f := validation.fields()
	for _, name := range f.names() {
		if slices.Contains(PhaseNames(), name) {
			continue
		}
		all := strings.Join(PhaseNames(), ", ")
		if near := intended(name, PhaseNames()); near != "" {
			f.wrong(name, "there is no such phase: did you mean %s? The phases are %s", near, all)
		} else {
			f.wrong(name, "there is no such phase: use %s", all)
		}
	}
	var phases []Phase
	for _, name := range PhaseNames() {
		if section, found := f.item(name); found {
			phases = append(phases, section.phase(name))
		}
	}
	return phases
}

func (i item) phase(name string) Phase {
	f := i.fields()
	f.only("timeout", "constraints", "checks", "nodeSelection", "infrastructure")
	phase := Phase{
		Name:           name,
		Line:           i.line,
		Timeout:        f.timeout("timeout"),
		Constraints:    f.constraints(wordName),
		Nodes:          f.nodes(),
		Infrastructure: f.text("infrastructure", maxName),
	}
	if phase.Infrastructure != "" && !checkName.MatchString(phase.Infrastructure) {
		f.wrong("infrastructure", "%s is no name of a check: use lower-case letters, digits and -", quote(phase.Infrastructure))
	}
	first := map[string]int{}
	for _, c := range f.list("checks", "strings", maxItems) {
		check := Check{Name: c.text(maxName), Line: c.line}
		test := strings.ReplaceAll(check.Name, "-", "") // names differ from a test's by dashes and case alone
		switch line, found := first[test]; {
		case check.Name == "":
		case !checkName.MatchString(check.Name):
			c.wrong("%s is no name of a check: use lower-case letters, digits and -, such as operator-health", quote(check.Name))
		case found:
			c.wrong("%s is there twice, first on line %d: remove one", check.Name, line)
		default:
			first[test] = c.line
		}
		phase.Checks = append(phase.Checks, check)
	}
	return phase
}

// timeout reads a duration such as 10m.
func (m mapping) timeout(name string) time.Duration {
	i, found := m.item(name)
	if !found {
		return 0
	}
	d, err := time.ParseDuration(i.node.Value)
	switch {
	case i.node.ShortTag() != "!!str" || err != nil:
		i.wrong("want a duration, found %s: write for example 90s, 10m or 1h30m", kindOf(i.node))
	case d < minTimeout || d > maxTimeout:
		i.wrong("%s is out of bounds: write a duration from 1s to 168h", show(i.node.Value))
	default:
		return d
	}
	return 0
}

func (m mapping) nodes() *Nodes {
	i, found := m.item("nodeSelection")
	if !found {
		return nil
	}
	f := i.fields()
	f.only("selector", "maxNodes", "excludeNodes")
	nodes := &Nodes{Selector: f.selector()}
	if count, found := f.item("maxNodes"); found {
		n, err := strconv.ParseInt(count.node.Value, 10, 32)
		if count.node.ShortTag() != "!!int" || err != nil || n < 1 {
			count.wrong("want a whole number from 1, found %s: correct it, or remove the field for all nodes", kindOf(count.node))
		}
		nodes.MaxNodes = int(n)
	}
	for _, name := range f.list("excludeNodes", "strings", maxItems) {
		node := name.text(maxText)
		switch {
		case node == "":
		case len(validation.IsDNS1123Subdomain(node)) > 0:
			name.wrong("%s cannot be the name of a node: write it as kubectl get nodes shows it", quote(node))
		case slices.Contains(nodes.Exclude, node):
			name.wrong("%s is there twice: remove one", show(node))
		default:
			nodes.Exclude = append(nodes.Exclude, node)
		}
	}
	return nodes
}

func (m mapping) selector() map[string]string {
	i, found := m.item("selector")
	if !found {
		return nil
	}
	f := i.fields()
	if len(f.values) > maxItems {
		i.wrong("it has %d labels: reduce them to %d at most", len(f.values), maxItems)
		return nil
	}
	labels := map[string]string{}
	for _, key := range f.names() {
		value := f.values[key]
		// A label may have the empty string for its value, which text takes for a slip.
		if isNull(value) || value.ShortTag() != "!!str" {
			f.wrong(key, "want a string, found %s: put it in quotes", kindOf(value))
			continue
		}
		if len(validation.IsQualifiedName(key)) > 0 {
			f.wrong(key, "this cannot be the name of a label: write one such as nvidia.com/gpu.present")
		}
		if len(validation.IsValidLabelValue(value.Value)) > 0 {
			f.wrong(key, "%s cannot be the value of a label: use up to 63 letters, digits, -, _ and .", quote(value.Value))
		}
		labels[key] = value.Value
	}
	return labels
}
