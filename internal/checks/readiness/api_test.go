package readiness

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/fleet"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

const (
	// requestTime bounds a request or two, listTime the lists of a cluster of thousands of nodes and tens of thousands of pods.
	requestTime = time.Minute
	listTime    = 5 * time.Minute
)

// look runs a check that changes nothing.
func look(t *testing.T, limit time.Duration, check func(context.Context, kubernetes.Interface) finding.Finding) {
	t.Helper()
	cluster.Try(t, limit, func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := check(ctx, b)
		return &f
	})
}

// TestAPIServerHealth proves that the API server calls itself ready, with each of the checks that it makes of itself, among them
// that it reaches its storage. It needs to get the non-resource URL /readyz, which any authenticated client may by default.
func TestAPIServerHealth(t *testing.T) { look(t, requestTime, fleet.ServerHealth) }

// TestServerVersion proves that the API server has the version that the recipe demands as K8s.server.version. It needs to get the
// non-resource URL /version, which any authenticated client may by default.
func TestServerVersion(t *testing.T) {
	stated := recipe.Read(t).For("readiness")
	look(t, requestTime, func(ctx context.Context, client kubernetes.Interface) finding.Finding {
		return fleet.ServerVersion(ctx, client, stated)
	})
}
