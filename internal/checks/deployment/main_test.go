package deployment

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

// TestConstraints evaluates each constraint that the recipe states for this phase, by the checks of this package; one that none of them
// evaluates fails, so that nothing the recipe demands goes unseen. It needs what these checks need. Without constraints it is not
// applicable.
func TestConstraints(t *testing.T) {
	r := recipe.Read(t)
	constraint.Cover(t, r.For(phase), Evaluated(r)...)
	if cluster.Selected() {
		t.Run("workload-versions", TestWorkloadVersions)
	}
}
