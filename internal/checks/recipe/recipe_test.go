package recipe

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	format "github.com/validation-operator/validation-operator/internal/recipe"
)

const full = `kind: RecipeResult
apiVersion: aicr.nvidia.com/v1alpha1
constraints:
- name: K8s.server.version
  value: ">= 1.32.4"
validation:
  readiness:
    constraints: [{name: nodes.ready, value: "== all"}]
  performance:
    constraints: [{name: api-latency.p99, value: <= 1s, severity: warning}]
componentRefs:
- name: cert-manager
  namespace: cert-manager
- name: gpu-operator
  namespace: gpu-operator
  expectedResources:
  - {kind: Deployment, name: gpu-operator}
  - {kind: DaemonSet, name: driver, namespace: nvidia-driver}
`

func TestWhatBelongsToAPhase(t *testing.T) {
	got, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]constraint.Constraint{
		"readiness": {
			{Name: "K8s.server.version", Value: ">= 1.32.4", Severity: constraint.Error, Line: 4},
			{Name: "nodes.ready", Value: "== all", Severity: constraint.Error, Line: 8},
		},
		"deployment":  nil,
		"performance": {{Name: "api-latency.p99", Value: "<= 1s", Severity: constraint.Warning, Line: 10}},
	}
	for phase, constraints := range want {
		if diff := cmp.Diff(constraints, got.For(phase)); diff != "" {
			t.Errorf("For(%s) (-want +got):\n%s", phase, diff)
		}
	}
	if diff := cmp.Diff([]string{"cert-manager", "gpu-operator", "nvidia-driver"}, got.Namespaces()); diff != "" {
		t.Errorf("Namespaces (-want +got):\n%s", diff)
	}
	resources := []Resource{
		{Kind: "Deployment", Namespace: "gpu-operator", Name: "gpu-operator", Line: 17},
		{Kind: "DaemonSet", Namespace: "nvidia-driver", Name: "driver", Line: 18},
	}
	if diff := cmp.Diff(resources, got.Resources()); diff != "" {
		t.Errorf("Resources (-want +got):\n%s", diff)
	}
}

func TestMounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recipe.yaml")
	mount := func(t *testing.T, recipe string) {
		t.Helper()
		t.Setenv(PathVariable, path)
		if err := os.WriteFile(path, []byte(recipe), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("none", func(t *testing.T) {
		t.Setenv(PathVariable, "")
		got, err := Mounted()
		if err != nil || len(got.Components) != 0 {
			t.Errorf("Mounted = %+v, %v, want a recipe that demands nothing", got, err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		t.Setenv(PathVariable, path)
		if _, err := Mounted(); err == nil || !strings.Contains(err.Error(), PathVariable) {
			t.Errorf("Mounted error = %v, want one that names %s", err, PathVariable)
		}
	})
	t.Run("there", func(t *testing.T) {
		mount(t, full)
		got, err := Mounted()
		if err != nil || len(got.Resources()) != 2 {
			t.Errorf("Mounted = %+v, %v, want a recipe with two expected resources", got, err)
		}
	})
	t.Run("bad", func(t *testing.T) {
		mount(t, strings.Replace(full, "severity", "sevrity", 1))
		if _, err := Mounted(); err == nil || !strings.Contains(err.Error(), "line 10: validation.performance.constraints[0].sevrity") {
			t.Errorf("Mounted error = %v, want one that names line and field", err)
		}
	})
	t.Run("bad, for a check", func(t *testing.T) {
		mount(t, strings.Replace(full, "severity", "sevrity", 1))
		said := &skipped{TB: t}
		Read(said)
		if !strings.HasPrefix(said.why, "could not run: ") || !strings.Contains(said.why, "sevrity") {
			t.Errorf("a check is skipped with %q, want one that could not run, and the field", said.why)
		}
	})
	t.Run("too large", func(t *testing.T) {
		mount(t, full+strings.Repeat("#", format.MaxBytes))
		if _, err := Mounted(); err == nil || !strings.Contains(err.Error(), "1048576 at most") {
			t.Errorf("Mounted error = %v, want one about the size", err)
		}
	})
}

// skipped is a test that keeps why it was skipped.
type skipped struct {
	testing.TB
	why string
}

func (s *skipped) Attr(string, string) {}
func (s *skipped) Skip(args ...any)    { s.why = fmt.Sprint(args...) }
