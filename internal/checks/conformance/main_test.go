package conformance

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

// TestConstraints could not run where the recipe states constraints for this phase: no check of this package evaluates any, and nothing
// that the recipe demands may go unseen. It needs no rights. Without constraints it is not applicable.
func TestConstraints(t *testing.T) {
	constraint.Cover(t, recipe.Read(t).For("conformance"), evaluated...)
}
