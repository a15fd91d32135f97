// Package performance has the checks of the performance phase: is the cluster as fast as the recipe demands? They
// run in a pod of the cluster; see the README of the folder above.
package performance

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }

// TestConstraints evaluates each constraint that the recipe states for this phase, by the check that measures it. One that none measures
// leaves it without a conclusion, so that nothing the recipe demands goes unseen. It needs what these checks need. Without constraints it
// is not applicable.
func TestConstraints(t *testing.T) {
	stated := recipe.Read(t).For("performance")
	if cluster.Selected() { // or else the checks run by themselves
		measure(t, stated)
	}
	constraint.Cover(t, stated, evaluated...)
}

// measure runs the checks that evaluate constraints which are stated.
func measure(t *testing.T, stated []constraint.Constraint) {
	t.Helper()
	for name, check := range map[string]func(*testing.T){
		apiLatency: TestAPILatency, apiLatencyUnderLoad: TestAPILatencyUnderLoad, imagePull: TestImagePull,
		podStart: TestPodStartLatency, watchLatency: TestWatchLatency,
	} {
		if _, found := constraint.Find(stated, name); found {
			t.Run(name, check)
		}
	}
}
