package readiness

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/recipe"
)

const serverVersion = "K8s.server.version"

// requestTime bounds a single request.
const requestTime = 30 * time.Second

// TestAPIServerHealth proves that the API server calls itself ready, with each of the checks that it makes of itself, among them
// that it reaches its storage. It needs to get the non-resource URL /readyz, which any authenticated client may by default.
func TestAPIServerHealth(t *testing.T) {
	c := cluster.Connect(t)
	body, err := c.Discovery().RESTClient().Get().AbsPath("/readyz").Param("verbose", "").
		DoRaw(cluster.Context(t, requestTime))
	var failing []string
	lines := slices.Collect(strings.Lines(string(body)))
	passing := 0
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "[+]"):
			passing++
		case strings.HasPrefix(line, "[-]"):
			failing = append(failing, strings.TrimSpace(line))
		}
	}
	t.Logf("the API server passes %d of its own checks", passing)
	switch {
	case len(failing) > 0:
		t.Errorf("expected the API server to be ready; found %s. To mend: look into its log for these checks",
			strings.Join(failing, "; "))
	case err != nil:
		t.Errorf("expected the API server to say that it is ready; found %v. To mend: see that it runs and that the "+
			"ServiceAccount may get /readyz", err)
	case passing == 0:
		t.Errorf("expected the API server to list its own checks; found %q", body)
	}
}

// TestServerVersion proves that the API server has the version that the recipe demands as K8s.server.version. It needs to get the
// non-resource URL /version, which any authenticated client may by default.
func TestServerVersion(t *testing.T) {
	demanded, found := constraint.Find(recipe.Read(t).For("readiness"), serverVersion)
	if !found {
		t.Skipf("not applicable: the recipe has no constraint %s", serverVersion)
	}
	version := version(t)
	holds, err := constraint.HoldsForVersion(demanded.Value, version)
	if err != nil {
		t.Fatalf("%s: %v. To mend: correct the recipe", demanded, err)
	}
	constraint.Report(t, constraint.Outcome{
		Constraint: demanded, Actual: version, Holds: holds, Mend: "bring the control plane to a version that the recipe allows",
	})
}

func version(t *testing.T) string {
	t.Helper()
	info, err := cluster.Connect(t).Discovery().ServerVersionWithContext(cluster.Context(t, requestTime))
	if err != nil {
		t.Fatalf("asking the API server for its version: %v", err)
	}
	return info.GitVersion
}
