// Package recipe is the recipe as the checks see it: where it is mounted, and what of it belongs to a phase. What a recipe may
// say is the business of internal/recipe. It must not import a client.
package recipe

import (
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	format "github.com/validation-operator/validation-operator/internal/recipe"
)

// PathVariable is the environment variable that says where the recipe is mounted.
const PathVariable = "AICR_RECIPE_PATH"

// Recipe is a recipe. The zero value demands nothing.
type Recipe struct{ format.Recipe }

// Component is one of the recipe's componentRefs.
type Component = format.Component

// Resource is one of a component's expectedResources.
type Resource = format.Resource

// Parse reads a recipe. Its errors name line, field and remedy.
func Parse(data []byte) (*Recipe, error) {
	recipe, err := format.Parse(data)
	if err != nil {
		return nil, err
	}
	return &Recipe{*recipe}, nil
}

// For returns all the constraints that belong to a phase. The recipe's own belong to the readiness phase.
func (r *Recipe) For(phase string) []constraint.Constraint {
	var constraints []constraint.Constraint
	if phase == "readiness" {
		constraints = r.Constraints
	}
	if section := r.Phase(phase); section != nil {
		constraints = slices.Concat(constraints, section.Constraints)
	}
	return constraints
}

// Resources returns what the recipe expects to find, of all components.
func (r *Recipe) Resources() []Resource {
	var resources []Resource
	for _, c := range r.Components {
		resources = append(resources, c.Expected...)
	}
	return resources
}

// Namespaces returns the namespaces that the recipe's components and their resources live in, sorted.
func (r *Recipe) Namespaces() []string {
	var namespaces []string
	for _, c := range r.Components {
		if c.Namespace != "" {
			namespaces = append(namespaces, c.Namespace)
		}
		for _, resource := range c.Expected {
			namespaces = append(namespaces, resource.Namespace)
		}
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// Mounted reads the recipe that the environment names. Without one it returns a recipe that demands nothing: a run without a
// recipe is a run of the checks that need none.
func Mounted() (*Recipe, error) {
	path := os.Getenv(PathVariable)
	if path == "" {
		return &Recipe{}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the recipe that %s names: %w", PathVariable, err)
	}
	defer func() { _ = file.Close() }()
	// One byte too many is enough to be refused.
	data, err := io.ReadAll(io.LimitReader(file, format.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the recipe: %w", err)
	}
	recipe, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the recipe %s: %w", path, err)
	}
	return recipe, nil
}

// Read is Mounted for a check, which a recipe that cannot be read ends: it could not run, and of the cluster that says nothing.
func Read(t testing.TB) *Recipe {
	t.Helper()
	recipe, err := Mounted()
	if err != nil {
		var f finding.Finding
		f.CouldNotRun("%v. To mend: correct the recipe in the ConfigMap that the run names", err)
		f.Say(t)
	}
	return recipe
}
