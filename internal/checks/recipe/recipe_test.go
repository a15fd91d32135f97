package recipe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/internal/checks/constraint"
)

const full = `kind: RecipeResult
apiVersion: aicr.nvidia.com/v1alpha1
metadata: {version: v1, appliedOverlays: [base]}
constraints:
- name: K8s.server.version
  value: ">= 1.32.4"
  severity: warning
  remediation: Upgrade Kubernetes
validation:
  readiness:
    constraints: [{name: nodes.ready, value: "== all"}]
  performance:
    infrastructure: nccl-doctor
    timeout: 10m
    checks: [api-latency]
    constraints:
    - name: api-latency.p99
      value: <= 1s
  conformance:
componentRefs:
- name: cert-manager
  namespace: cert-manager
  chart: cert-manager
- name: gpu-operator
  namespace: gpu-operator
  expectedResources:
  - {kind: Deployment, name: gpu-operator}
  - {kind: DaemonSet, name: driver, namespace: nvidia-driver}
deploymentOrder: [cert-manager, gpu-operator]
`

func TestParse(t *testing.T) {
	got, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	version := constraint.Constraint{
		Name: "K8s.server.version", Value: ">= 1.32.4", Severity: constraint.Warning, Remediation: "Upgrade Kubernetes", Line: 5,
	}
	ready := constraint.Constraint{Name: "nodes.ready", Value: "== all", Severity: constraint.Error, Line: 11}
	latency := constraint.Constraint{Name: "api-latency.p99", Value: "<= 1s", Severity: constraint.Error, Line: 17}
	want := &Recipe{
		Constraints: []constraint.Constraint{version},
		Phases:      map[string][]constraint.Constraint{"readiness": {ready}, "performance": {latency}},
		Components: []Component{
			{Name: "cert-manager", Namespace: "cert-manager"},
			{Name: "gpu-operator", Namespace: "gpu-operator", Expected: []Resource{
				{Kind: "Deployment", Namespace: "gpu-operator", Name: "gpu-operator", Line: 27},
				{Kind: "DaemonSet", Namespace: "nvidia-driver", Name: "driver", Line: 28},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]constraint.Constraint{version, ready}, got.For("readiness")); diff != "" {
		t.Errorf("For(readiness) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]constraint.Constraint{latency}, got.For("performance")); diff != "" {
		t.Errorf("For(performance) (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cert-manager", "gpu-operator", "nvidia-driver"}, got.Namespaces()); diff != "" {
		t.Errorf("Namespaces (-want +got):\n%s", diff)
	}
}

func TestParseRefusals(t *testing.T) {
	const head = "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"
	tests := map[string]struct{ recipe, want string }{
		"empty":           {"", "empty"},
		"a comment":       {"# nothing\n", "empty"},
		"two documents":   {head + "---\n" + head, "more than one"},
		"no YAML":         {head + "constraints: [", "line 3"},
		"no mapping":      {"- a\n", "line 1: the recipe must be a mapping"},
		"another kind":    {"kind: Pod\napiVersion: aicr.nvidia.com/v1alpha1\n", "line 1: kind must be RecipeResult"},
		"another version": {"kind: RecipeResult\napiVersion: v1\n", "line 2: apiVersion must be"},
		"no kind":         {"apiVersion: aicr.nvidia.com/v1alpha1\n", "line 1: the recipe lacks the field kind"},
		"a field twice": {
			head + "constraints: []\nconstraints: []\n",
			"line 4: the recipe has the field constraints twice, first on line 3",
		},
		"constraints no list":   {head + "constraints: {name: a}\n", "line 3: constraints of the recipe must be a list"},
		"constraint no mapping": {head + "constraints:\n- K8s.server.version\n", "line 4: a constraint must be a mapping"},
		"constraint misspelled": {
			head + "constraints:\n- {name: a, value: b,\n   sevrity: error}\n",
			"line 5: a constraint has no field sevrity",
		},
		"constraint without value": {head + "constraints:\n- name: a\n", "line 4: a constraint lacks the field value"},
		"constraint empty": {
			head + "constraints:\n- {name: a, value: ''}\n",
			"line 4: value of a constraint must not be empty",
		},
		"constraint a number": {
			head + "constraints:\n- {name: a, value: 1.30}\n",
			"line 4: value of a constraint must be a string; put it in quotes",
		},
		"constraint twice": {
			head + "constraints:\n- {name: a, value: b}\n- {name: a, value: c}\n",
			"line 5: constraint a was stated on line 4",
		},
		"unknown severity": {
			head + "constraints:\n- {name: a, value: b, severity: fatal}\n",
			`severity must be error or warning, not "fatal"`,
		},
		"unknown phase": {head + "validation:\n  perf: {}\n", "line 4: validation has no field perf"},
		"unknown field of a phase": {
			head + "validation:\n  readiness:\n    check: [a]\n",
			"line 5: validation.readiness has no field check",
		},
		"component without name": {head + "componentRefs:\n- namespace: a\n", "line 4: a component lacks the field name"},
		"resource without kind": {
			head + "componentRefs:\n- name: a\n  expectedResources: [{name: b}]\n",
			"line 5: an expected resource lacks the field kind",
		},
		"resource misspelled": {
			head + "componentRefs:\n- name: a\n  expectedResources: [{kind: c, title: b}]\n",
			"line 5: an expected resource has no field title",
		},
		"resource nowhere": {
			head + "componentRefs:\n- name: a\n  expectedResources: [{kind: c, name: b}]\n",
			"line 5: neither",
		},
		"merge key": {head + "x: &x {constraints: []}\n<<: *x\n", "line 4: the recipe uses the YAML merge key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			recipe, err := Parse([]byte(tt.recipe))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse error = %v, want one with %q", err, tt.want)
			}
			if recipe != nil {
				t.Errorf("Parse returns %+v beside its error", recipe)
			}
		})
	}
}

func TestAliasesAreFollowed(t *testing.T) {
	got, err := Parse([]byte("kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n" +
		"shared: &c [{name: a, value: b}]\nvalidation: {deployment: {constraints: *c}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, found := constraint.Find(got.For("deployment"), "a"); !found {
		t.Error("the constraint behind the alias is missing")
	}
}

func TestMounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recipe.yaml")

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
		t.Setenv(PathVariable, path)
		if err := os.WriteFile(path, []byte(full), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Mounted()
		if err != nil || len(got.Resources()) != 2 {
			t.Errorf("Mounted = %+v, %v, want a recipe with two expected resources", got, err)
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Setenv(PathVariable, path)
		if err := os.WriteFile(path, []byte(full+strings.Repeat("#", maxBytes)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Mounted(); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("Mounted error = %v, want one about the size", err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		recipe, err := Parse(data)
		if (recipe == nil) == (err == nil) {
			t.Errorf("Parse = %v, %v, want either", recipe, err)
		}
	})
}
