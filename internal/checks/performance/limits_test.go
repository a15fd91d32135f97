package performance

import (
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

const (
	apiLatency          = "api-latency.p99"
	apiLatencyUnderLoad = "api-latency-under-load.p99"
	imagePull           = "image-pull.p99"
	podStart            = "pod-start.p99"
	watchLatency        = "watch-latency.p99"
)

// evaluated are the constraints that the checks of this package judge.
var evaluated = []string{apiLatency, apiLatencyUnderLoad, imagePull, podStart, watchLatency}

// defaults are the limits where the recipe has none: for requests and watches the service level objective of Kubernetes itself,
// for pods six times it, since that one leaves out what the first pod on a node waits for, and for pulls twice that.
var defaults = map[string]string{
	apiLatency: "<= 1s", apiLatencyUnderLoad: "<= 1s", imagePull: "<= 1m", podStart: "<= 30s", watchLatency: "<= 1s",
}

// limit is what the recipe demands of a latency, or the default. It is read before anything is measured, so that a recipe that
// cannot be read costs no time.
func limit(t *testing.T, name string) constraint.Constraint {
	t.Helper()
	demanded, found := constraint.Find(recipe.Read(t).For("performance"), name)
	if !found {
		demanded = constraint.Constraint{Name: name, Value: defaults[name], Severity: constraint.Error}
	}
	if _, err := constraint.HoldsForDuration(demanded.Value, 1); err != nil {
		var f finding.Finding
		f.CouldNotRun("%s: %v. To mend: correct the recipe", demanded, err)
		f.Say(t)
	}
	return demanded
}
