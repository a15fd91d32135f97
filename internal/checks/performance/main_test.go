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

// TestConstraints evaluates each constraint that the recipe states for this phase, by the check that measures it; one that none
// measures fails, so that nothing the recipe demands goes unseen. It needs what these checks need. Without constraints it is not applicable.
func TestConstraints(t *testing.T) {
	stated := recipe.Read(t).For("performance")
	constraint.Cover(t, stated, evaluated...)
	if !cluster.Selected() {
		return // the checks run by themselves
	}
	for name, measure := range map[string]func(*testing.T){
		apiLatency: TestAPILatency, apiLatencyUnderLoad: TestAPILatencyUnderLoad, imagePull: TestImagePull,
		podStart: TestPodStartLatency, watchLatency: TestWatchLatency,
	} {
		if _, found := constraint.Find(stated, name); found {
			t.Run(name, measure)
		}
	}
}
