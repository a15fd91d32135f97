package deployment

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

// TestConstraintsCovered proves that nothing the recipe demands of this phase goes unseen: each of its constraints is one that a
// check of this package evaluates. It needs no rights. Without constraints it is not applicable.
func TestConstraintsCovered(t *testing.T) {
	r := recipe.Read(t)
	constraint.Cover(t, r.For(phase), Evaluated(r)...)
}
