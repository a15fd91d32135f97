// Package recipe reads from a recipe what the checks use of it: the constraints of a phase and the resources its components
// are expected to bring. It is strict about these and leaves everything else alone. It must not import a client.
package recipe

import (
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

// PathVariable is the environment variable that says where the recipe is mounted.
const PathVariable = "AICR_RECIPE_PATH"

// maxBytes is what a ConfigMap can hold.
const maxBytes = 1 << 20

// Recipe is what the checks use of a recipe. The zero value is a recipe that demands nothing.
type Recipe struct {
	// Constraints are the recipe's own, which belong to the readiness phase.
	Constraints []constraint.Constraint
	// Phases has the constraints of the recipe's validation section by the phase's name.
	Phases     map[string][]constraint.Constraint
	Components []Component
}

// Component is one of the recipe's componentRefs.
type Component struct {
	Name      string
	Namespace string
	Expected  []Resource
}

// Resource is one of a component's expectedResources.
type Resource struct {
	Kind      string
	Namespace string
	Name      string
	// Line is where the recipe says so.
	Line int
}

// String is the resource as a message shows it.
func (r Resource) String() string { return r.Kind + " " + r.Namespace + "/" + r.Name }

// Subtest is the resource as a subtest's name, in which a slash would be another level.
func (r Resource) Subtest() string { return r.Kind + ":" + r.Namespace + ":" + r.Name }

// For returns all the constraints that belong to a phase.
func (r *Recipe) For(phase string) []constraint.Constraint {
	if phase == "readiness" {
		return slices.Concat(r.Constraints, r.Phases[phase])
	}
	return r.Phases[phase]
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
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the recipe: %w", err)
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("reading the recipe: %s has more than %d bytes", path, maxBytes)
	}
	recipe, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading the recipe %s: %w", path, err)
	}
	return recipe, nil
}

// Read is Mounted for a check, which a recipe that cannot be read ends.
func Read(t testing.TB) *Recipe {
	t.Helper()
	recipe, err := Mounted()
	if err != nil {
		t.Fatalf("%v. To mend: correct the recipe in the ConfigMap that the run names", err)
	}
	return recipe
}
