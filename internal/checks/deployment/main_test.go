package deployment

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

// TestConstraints evaluates each constraint that the recipe states for this phase, by the checks of this package. One that none of them
// evaluates leaves it without a conclusion, so that nothing the recipe demands goes unseen. It needs what these checks need. Without
// constraints it is not applicable.
func TestConstraints(t *testing.T) {
	r := recipe.Read(t)
	stated := r.For(phase)
	if cluster.Selected() && len(stated) > 0 {
		t.Run("workload-versions", TestWorkloadVersions)
	}
	constraint.Cover(t, stated, Evaluated(r)...)
}
