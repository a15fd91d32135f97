package deployment

import (
	"context"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

// requestTime bounds the requests of a check: all kinds in all namespaces of a large cluster take minutes.
const requestTime = 5 * time.Minute

// against runs a check against the recipe.
func against(t *testing.T, check func(context.Context, *cluster.Bench, *recipe.Recipe) *finding.Finding) {
	t.Helper()
	r := recipe.Read(t)
	cluster.Try(t, requestTime, func(ctx context.Context, b *cluster.Bench) *finding.Finding { return check(ctx, b, r) })
}

// What each check proves, needs and mends says the README beside.

func TestComponentNamespaces(t *testing.T)      { against(t, ComponentNamespaces) }
func TestNamespaceHealth(t *testing.T)          { against(t, NamespaceHealth) }
func TestNoCrashLoops(t *testing.T)             { against(t, NoCrashLoops) }
func TestExpectedResources(t *testing.T)        { against(t, ExpectedResources) }
func TestOperatorHealth(t *testing.T)           { against(t, OperatorHealth) }
func TestWorkloadVersions(t *testing.T)         { against(t, WorkloadVersions) }
func TestCustomResourceConditions(t *testing.T) { against(t, CustomResourceConditions) }
func TestCRDsEstablished(t *testing.T)          { cluster.Try(t, requestTime, CRDsEstablished) }
