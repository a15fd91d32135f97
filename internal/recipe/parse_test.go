package recipe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const head = "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"

const full = head + `metadata: {version: v1, appliedOverlays: [base]}
criteria: {service: eks}
constraints:
- name: K8s.server.version
  value: ">= 1.32.4"
  severity: warning
  remediation: |
    Upgrade Kubernetes,
    a minor version at a time
- {name: OS.sysctl./proc/sys/kernel/osrelease, value: ">= 6.8", severity: error}
validation:
  conformance: {}
  performance:
    timeout: 1h30m
    infrastructure: nccl-doctor
    checks: [api-latency, pod-start-2]
    nodeSelection:
      selector: {nvidia.com/gpu.present: "true", node-role.kubernetes.io/worker: ""}
      maxNodes: 8
      excludeNodes: [bad-1, ip-10-0-0-1.ec2.internal]
    constraints:
    - name: api-latency.p99
      value: <= 1s
  deployment:
componentRefs:
- name: cert-manager
  chart: cert-manager
  version: 1.10
- name: gpu-operator
  namespace: gpu-operator
  version: v25.3.3
  overrides: {driver: {version: 580.82.07}}
  expectedResources:
  - {kind: Deployment, name: gpu-operator}
  - {kind: DaemonSet, name: driver, namespace: nvidia-driver}
  - {kind: ClusterRole, name: "system:gpu"}
deploymentOrder: [cert-manager, gpu-operator]
`

func TestParse(t *testing.T) {
	got, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	want := &Recipe{
		Constraints: []Constraint{
			{
				Name: "K8s.server.version", Value: ">= 1.32.4", Severity: SeverityWarning, Line: 6,
				Remediation: "Upgrade Kubernetes,\na minor version at a time\n",
			},
			{Name: "OS.sysctl./proc/sys/kernel/osrelease", Value: ">= 6.8", Severity: SeverityError, Line: 12},
		},
		Phases: []Phase{
			{
				Name: "performance", Line: 15, Timeout: 90 * time.Minute, Infrastructure: "nccl-doctor",
				Checks: []Check{{Name: "api-latency", Line: 18}, {Name: "pod-start-2", Line: 18}},
				Nodes: &Nodes{
					Selector: map[string]string{"nvidia.com/gpu.present": "true", "node-role.kubernetes.io/worker": ""},
					MaxNodes: 8, Exclude: []string{"bad-1", "ip-10-0-0-1.ec2.internal"},
				},
				Constraints: []Constraint{{Name: "api-latency.p99", Value: "<= 1s", Severity: SeverityError, Line: 24}},
			},
			{Name: "conformance", Line: 14},
		},
		Components: []Component{
			{Name: "cert-manager", Version: "1.10"},
			{Name: "gpu-operator", Namespace: "gpu-operator", Version: "v25.3.3", Expected: []Resource{
				{Kind: "Deployment", Namespace: "gpu-operator", Name: "gpu-operator", Line: 36},
				{Kind: "DaemonSet", Namespace: "nvidia-driver", Name: "driver", Line: 37},
				{Kind: "ClusterRole", Namespace: "gpu-operator", Name: "system:gpu", Line: 38},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if p := got.Phase("conformance"); p == nil || p.Line != 14 {
		t.Errorf("Phase(conformance) = %+v, want the one of line 14", p)
	}
	if p := got.Phase("deployment"); p != nil {
		t.Errorf("Phase(deployment) = %+v, want none: null is as good as absent", p)
	}
	if got, want := got.Constraints[0].String(), "K8s.server.version >= 1.32.4 (recipe line 6)"; got != want {
		t.Errorf("the constraint shows itself as %q, want %q", got, want)
	}
}

func TestJSONIsYAML(t *testing.T) {
	got, err := Parse([]byte(`{"kind":"RecipeResult","apiVersion":"aicr.nvidia.com/v1alpha1","validation":{"deployment":{"checks":["a"]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Phase{{Name: "deployment", Line: 1, Checks: []Check{{Name: "a", Line: 1}}}}, got.Phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

func TestAliasesAreFollowed(t *testing.T) {
	got, err := Parse([]byte(head + "shared: &c [{name: a, value: b}]\nvalidation: {deployment: {constraints: *c}, performance: {constraints: *c}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Phases {
		if len(p.Constraints) != 1 || p.Constraints[0].Name != "a" {
			t.Errorf("%s has the constraints %v, want the one behind the alias", p.Name, p.Constraints)
		}
	}
}

// many repeats a line, with its number in place of %d.
func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

// TestBounds feeds what is too large for a file in the tree: at the bound it is read, beyond it is refused.
func TestBounds(t *testing.T) {
	constraints := func(n int) string { return "constraints:\n" + many(n, "- {name: a.b.%d, value: c}\n") }
	deployment := func(s string) string { return "validation:\n  deployment:\n    " + s + "\n" }
	constraint := func(field string, n int) string {
		fields := map[string]string{"name": "a.b.c", "value": "v", "remediation": "r"}
		fields[field] += strings.Repeat("x", n-len(fields[field]))
		return fmt.Sprintf("constraints: [{name: %s, value: %s, remediation: %s}]\n", fields["name"], fields["value"], fields["remediation"])
	}
	nested := func(n int) string { return "criteria: " + strings.Repeat("[", n) + strings.Repeat("]", n) + "\n" }
	tests := map[string]struct {
		good, bad string
		want      string
	}{
		"constraints":        {constraints(256), constraints(257), "line 3: constraints: it has 257 entries: reduce them to 256 at most"},
		"10,000 constraints": {"", constraints(10_000), "line 3: constraints: it has 10000 entries"},
		"checks": {
			deployment("checks: [" + many(256, "c%d, ") + "]"), deployment("checks: [" + many(257, "c%d, ") + "]"),
			"line 5: validation.deployment.checks: it has 257 entries",
		},
		"excluded nodes": {
			deployment("nodeSelection: {excludeNodes: [" + many(256, "n%d, ") + "]}"),
			deployment("nodeSelection: {excludeNodes: [" + many(257, "n%d, ") + "]}"),
			"line 5: validation.deployment.nodeSelection.excludeNodes: it has 257 entries",
		},
		"selector": {
			deployment("nodeSelection: {selector: {" + many(256, "l%d: a, ") + "}}"),
			deployment("nodeSelection: {selector: {" + many(257, "l%d: a, ") + "}}"),
			"line 5: validation.deployment.nodeSelection.selector: it has 257 labels",
		},
		"components": {
			"componentRefs:\n" + many(256, "- {name: c%d}\n"), "componentRefs:\n" + many(257, "- {name: c%d}\n"),
			"line 3: componentRefs: it has 257 entries",
		},
		"resources": {
			"componentRefs:\n- name: a\n  namespace: a\n  expectedResources:\n" + many(256, "  - {kind: Pod, name: p%d}\n"),
			"componentRefs:\n- name: a\n  namespace: a\n  expectedResources:\n" + many(257, "  - {kind: Pod, name: p%d}\n"),
			"line 6: componentRefs[0].expectedResources: it has 257 entries",
		},
		"name":        {constraint("name", 256), constraint("name", 257), "constraints[0].name: it has 257 bytes: shorten it to 256"},
		"value":       {constraint("value", 256), constraint("value", 257), "constraints[0].value: it has 257 bytes: shorten it to 256"},
		"remediation": {constraint("remediation", 1024), constraint("remediation", 1025), "it has 1025 bytes: shorten it to 1024"},
		"check": {
			deployment("checks: [" + strings.Repeat("a", 63) + "]"), deployment("checks: [" + strings.Repeat("a", 64) + "]"),
			"validation.deployment.checks[0]: it has 64 bytes",
		},
		"timeout": {deployment("timeout: 168h"), deployment("timeout: 168h0m1s"), "168h0m1s is out of bounds"},
		"depth":   {nested(62), nested(64), "line 3: the values nest more than 64 levels deep"},
		"depth that the library bounds": {
			"", nested(20_000), "exceeded max depth",
		},
		"bytes":  {"#" + strings.Repeat("x", MaxBytes-len(head)-1), "#" + strings.Repeat("x", MaxBytes-len(head)), "has 1048577 bytes"},
		"2 MB":   {"", strings.Repeat("# nothing\n", 200_000), "make it 1048576 at most"},
		"values": {"", "criteria: [" + strings.Repeat("a,", 300_000) + "]", "more than 200000 values"},
		"UTF-8":  {"# ü\n", "\n# \xfc\n", "line 4: byte 60 is not UTF-8"},
		"NUL":    {"", "# \x00\n", "line 3: byte 59 is NUL"},
		"UTF-16": {"", "\xff\xfe", "line 3: byte 57 is not UTF-8"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(head + tt.good)); err != nil {
				t.Errorf("Parse of what keeps to the bound = %v", err)
			}
			recipe, err := Parse([]byte(head + tt.bad))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse error = %v, want one with %q", err, tt.want)
			}
			if recipe != nil {
				t.Errorf("Parse returns a recipe beside its error")
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	var document strings.Builder
	document.WriteString(head + "constraints:\n")
	for i := range 200 {
		fmt.Fprintf(&document, "- {name: n%d, value: a, value: b}\n", i)
	}
	_, err := Parse([]byte(document.String()))
	mistakes, found := errors.AsType[Errors](err)
	if !found || len(mistakes) != 100 {
		t.Fatalf("Parse found %d mistakes, want the first 100", len(mistakes))
	}
	if !slices.IsSortedFunc(mistakes, func(a, b Mistake) int { return a.Line - b.Line }) {
		t.Errorf("the mistakes are not in the order of their lines: %v", mistakes)
	}
	text := err.Error()
	if len(text) > 1024 || !strings.HasPrefix(text, "line 4: constraints[0].name: ") || !strings.Contains(text, "; and at least 9") {
		t.Errorf("the error has %d bytes and says %q", len(text), text)
	}

	short := make(Errors, 13)
	for i := range short {
		short[i] = Mistake{Line: i + 1, Field: "a", Message: "b"}
	}
	if want := "line 10: a: b; and 3 more"; !strings.HasSuffix(short.Error(), want) || strings.Contains(short.Error(), "line 11") {
		t.Errorf("13 mistakes say %q, want ten of them and %q", short, want)
	}
	if got, want := (Errors{{Message: "b"}}).Error(), "b"; got != want {
		t.Errorf("one mistake says %q, want %q", got, want)
	}
	long := Errors{{Line: 1, Message: strings.Repeat("ü", 2000)}, {Line: 2}}
	if got := long.Error(); len(got) > 1024 || strings.ContainsRune(got, '\uFFFD') || !strings.HasSuffix(got, "…; and 1 more") {
		t.Errorf("a long mistake says %d bytes, which end with %q", len(got), got[max(0, len(got)-20):])
	}
}

// TestSameMistakes says that neither the order nor the choice of mistakes is left to chance.
func TestSameMistakes(t *testing.T) {
	document := []byte(head + "validation:\n  deployment: {" + many(150, "field%d: 1, ") + "}\n")
	_, first := Parse(document)
	for range 20 {
		_, again := Parse(document)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("mistakes (-first +again):\n%s", diff)
		}
	}
}

func TestKindsMayNameTheirGroup(t *testing.T) {
	got, err := Parse([]byte("kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\ncomponentRefs:\n" +
		"- {name: x, namespace: x, expectedResources: [{kind: ClusterPolicy.nvidia.com, name: cluster-policy}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Resource{{Kind: "ClusterPolicy.nvidia.com", Namespace: "x", Name: "cluster-policy", Line: 4}}
	if diff := cmp.Diff(want, got.Components[0].Expected); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}
