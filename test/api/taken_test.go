package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/validation-operator/validation-operator/internal/recipe"
)

// taken are runs that mean something, close to those that do not.
var taken = map[string]string{
	"a recipe alone":                    spec(withRecipe + image),
	"a recipe and a snapshot to take":   spec(withRecipe + image + "\nsnapshot: {capture: {}}"),
	"a snapshot of another package":     beside("snapshot: {capture: {package: github.com/example/checks/snapshot, nodes: {}}}"),
	"the recipe's phase in another way": phases(withRecipe + "phases: [{name: deployment, isolation: Check, parallelism: 64, nodes: {maxNodes: 2000}}]"),
	"all of the recipe's phases in another order": phases(withRecipe + `phases:
- {name: conformance, dependsOn: [readiness, deployment, performance]}
- {name: performance, dependsOn: [deployment]}
- {name: deployment, dependsOn: [readiness]}
- {name: readiness, dependsOn: []}`),
	"a phase after the recipe's":           phases(withRecipe + "phases: [{name: smoke, container: {}, dependsOn: [conformance]}]"),
	"phases side by side":                  phases("phases:\n- {name: one, container: {}}\n- {name: two, container: {}, dependsOn: []}\n- {name: three, container: {}, dependsOn: [one, two]}"),
	"phases of known names in one's order": phases("phases:\n- {name: conformance, container: {}}\n- {name: readiness, container: {}, dependsOn: [conformance]}"),
	"a Job for each of many checks":        phase("goTest: {checks: [" + numbered("c%d", 64) + "]}\nisolation: Check\nnodes: {maxNodes: 31}"),
	"many nodes for many checks at once":   phase("goTest: {checks: [" + numbered("c%d", 64) + "]}\nnodes: {maxNodes: 2000}"),
	"checks of a package":                  goTest("checks: [dns, api-latency], testDir: /checks, skips: Allow, manifest: Auto"),
	"labels without a value and without a prefix": nodes(`selector: {gpu: "", nvidia.com/gpu.product: NVIDIA-H100_80GB.HBM3, ` +
		strings.Repeat("p", 63) + ".example.com/" + strings.Repeat("k", 63) + ": " + strings.Repeat("v", 63) + "}"),
	"names of nodes":       nodes("exclude: [ip-10-0-0-1.eu-west-1.compute.internal, node1]"),
	"a default, given":     phase(tests + "\nisolation: Phase\nparallelism: 1\nexclusive: false"),
	"volumes of one phase": phase(tests + "\nvalidator: {volumes: [{name: data, emptyDir: {}}], volumeMounts: [{name: data, mountPath: /srv}]}"),
	"images of the phases": spec("phases:\n- {name: one, container: {}, validator: {image: registry.example.com/one}}"),
	"mounts whose volumes are those of each phase": spec("validator: {image: a, volumeMounts: [{name: data, mountPath: /srv}]}\n" +
		"phases: [{name: one, container: {}, validator: {volumes: [{name: data, emptyDir: {}}]}}]"),
}

func TestWhatMeansSomethingIsTaken(t *testing.T) {
	for name, text := range taken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			try(t, text)
		})
	}
}

// TestExamplesOfTheDocumentsAreTaken: what people copy from them is a run.
func TestExamplesOfTheDocumentsAreTaken(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for path, least := range map[string]int{"../../README.md": 2, "../../api/README.md": 2, "../../internal/checks/README.md": 1} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		for _, example := range block.FindAllStringSubmatch(string(data), -1) {
			text := example[1]
			if strings.HasPrefix(text, "spec:") { // phases that are to be added to a recipe's
				text = "apiVersion: validation.aicr.dev/v1alpha1\nkind: ValidationRun\nmetadata: {name: added}\n" + text +
					"  validator: {image: registry.example.com/v}\n  recipe: {configMap: {name: r, key: recipe.yaml}}\n"
			}
			if strings.Contains(text, "kind: ValidationRun\n") {
				tryObject(t, parse(t, text))
				runs++
			}
		}
		if runs < least {
			t.Errorf("%s has %d runs among its examples, want %d", path, runs, least)
		}
	}
}

// TestSamplesAreTaken: the samples are runs, and the recipes in them are recipes.
func TestSamplesAreTaken(t *testing.T) {
	files, err := filepath.Glob("../../config/samples/*validationrun*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("the samples are %v, %v", files, err)
	}
	files = append(files, "../../config/samples/demo/validationrun.yaml", "../../config/gitops/run/validationrun.yaml")
	recipes := 0
	for _, path := range files {
		runs := 0
		for _, document := range readAll(t, path) {
			object, _ := document.(map[string]any)
			data, _ := object["data"].(map[string]any)
			if text, ok := data["recipe.yaml"].(string); ok {
				recipes++
				if _, err := recipe.Parse([]byte(text)); err != nil {
					t.Errorf("the recipe in %s: %v", path, err)
				}
			}
			if object["kind"] == "ValidationRun" {
				runs++
				tryObject(t, object)
			}
		}
		if runs == 0 {
			t.Errorf("there is no run in %s", path)
		}
	}
	if recipes == 0 {
		t.Error("there is no recipe in any sample")
	}
}

func try(t *testing.T, text string) {
	t.Helper()
	tryObject(t, parse(t, text))
}

// tryObject has the API server look at a run, in the namespace that the tests have.
func tryObject(t *testing.T, run map[string]any) {
	t.Helper()
	unstructured.RemoveNestedField(run, "metadata", "namespace")
	if _, err := create(t.Context(), run, map[string]string{"fieldValidation": "Strict", "dryRun": "All"}); err != nil {
		t.Errorf("the API server refuses\n%v\n%v", run, err)
	}
}
