package api

import (
	"os"
	"regexp"
	"strings"
	"testing"
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

func TestExamplesOfTheREADMEAreTaken(t *testing.T) {
	data, err := os.ReadFile("../../api/README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(data), -1)
	if len(examples) < 2 {
		t.Fatalf("the README has %d examples", len(examples))
	}
	for _, example := range examples {
		try(t, strings.ReplaceAll(example[1], ", namespace: aicr-validation", ""))
	}
}

func try(t *testing.T, text string) {
	t.Helper()
	if _, err := create(t.Context(), parse(t, text), map[string]string{"fieldValidation": "Strict", "dryRun": "All"}); err != nil {
		t.Errorf("the API server refuses\n%s\n%v", text, err)
	}
}
