package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3" //nolint:depguard // sigs.k8s.io/yaml keeps no line numbers

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

const (
	kind       = "RecipeResult"
	apiVersion = "aicr.nvidia.com/v1alpha1"
)

// phases are the phases whose sections a recipe may have.
var phases = []string{"readiness", "deployment", "performance", "conformance"}

// Parse reads a recipe. Its errors name the line.
func Parse(data []byte) (*Recipe, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New("it is empty")
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one YAML document")
	}

	root, err := fieldsOf(document.Content[0], "the recipe")
	if err != nil {
		return nil, err
	}
	for _, field := range [][2]string{{"kind", kind}, {"apiVersion", apiVersion}} {
		name, want := field[0], field[1]
		if got, err := root.text(name, required); err != nil {
			return nil, err
		} else if got != want {
			return nil, fmt.Errorf("line %d: %s must be %s, not %q", root.line(name), name, want, got)
		}
	}
	recipe := &Recipe{}
	if recipe.Constraints, err = parseConstraints(root); err != nil {
		return nil, err
	}
	if recipe.Phases, err = parseValidation(root); err != nil {
		return nil, err
	}
	if recipe.Components, err = parseComponents(root); err != nil {
		return nil, err
	}
	return recipe, nil
}

func parseValidation(root fields) (map[string][]constraint.Constraint, error) {
	node, found := root.values["validation"]
	if !found || isNull(node) {
		return nil, nil
	}
	validation, err := fieldsOf(node, "validation")
	if err != nil {
		return nil, err
	}
	if err := validation.only(phases...); err != nil {
		return nil, err
	}
	parsed := map[string][]constraint.Constraint{}
	for _, name := range phases {
		node, found := validation.values[name]
		if !found || isNull(node) {
			continue
		}
		phase, err := fieldsOf(node, "validation."+name)
		if err != nil {
			return nil, err
		}
		// All but the constraints is for whoever starts the checks.
		if err := phase.only("constraints", "checks", "timeout", "nodeSelection", "infrastructure"); err != nil {
			return nil, err
		}
		if parsed[name], err = parseConstraints(phase); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func parseConstraints(parent fields) ([]constraint.Constraint, error) {
	items, err := parent.list("constraints")
	if err != nil {
		return nil, err
	}
	var constraints []constraint.Constraint
	for _, item := range items {
		f, err := fieldsOf(item, "a constraint")
		if err != nil {
			return nil, err
		}
		if err := f.only("name", "value", "severity", "remediation"); err != nil {
			return nil, err
		}
		c := constraint.Constraint{Line: item.Line}
		var severity string
		if err := errors.Join(
			f.into(&c.Name, "name", required),
			f.into(&c.Value, "value", required),
			f.into(&severity, "severity", optional),
			f.into(&c.Remediation, "remediation", optional),
		); err != nil {
			return nil, err
		}
		switch c.Severity = constraint.Severity(severity); c.Severity {
		case "":
			c.Severity = constraint.Error
		case constraint.Error, constraint.Warning:
		default:
			return nil, fmt.Errorf("line %d: severity must be error or warning, not %q", f.line("severity"), severity)
		}
		if first, found := constraint.Find(constraints, c.Name); found {
			return nil, fmt.Errorf("line %d: constraint %s was stated on line %d already", c.Line, c.Name, first.Line)
		}
		constraints = append(constraints, c)
	}
	return constraints, nil
}

func parseComponents(root fields) ([]Component, error) {
	items, err := root.list("componentRefs")
	if err != nil {
		return nil, err
	}
	var components []Component
	for _, item := range items {
		f, err := fieldsOf(item, "a component")
		if err != nil {
			return nil, err
		}
		var c Component
		if err := errors.Join(f.into(&c.Name, "name", required), f.into(&c.Namespace, "namespace", optional)); err != nil {
			return nil, err
		}
		if c.Expected, err = parseResources(f, c.Namespace); err != nil {
			return nil, err
		}
		components = append(components, c)
	}
	return components, nil
}

func parseResources(component fields, namespace string) ([]Resource, error) {
	items, err := component.list("expectedResources")
	if err != nil {
		return nil, err
	}
	var resources []Resource
	for _, item := range items {
		f, err := fieldsOf(item, "an expected resource")
		if err != nil {
			return nil, err
		}
		if err := f.only("kind", "name", "namespace"); err != nil {
			return nil, err
		}
		r := Resource{Namespace: namespace, Line: item.Line}
		if err := errors.Join(
			f.into(&r.Kind, "kind", required),
			f.into(&r.Name, "name", required),
			f.into(&r.Namespace, "namespace", optional),
		); err != nil {
			return nil, err
		}
		if r.Namespace == "" {
			return nil, fmt.Errorf("line %d: neither the expected resource %s nor its component has a namespace", item.Line, r.Name)
		}
		resources = append(resources, r)
	}
	return resources, nil
}
