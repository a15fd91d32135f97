package api

import (
	"fmt"
	"strings"
)

const withRecipe = "recipe: {configMap: {name: aicr-recipe, key: recipe.yaml}}\n"

const orderRule = "dependsOn can name only phases that come before: those of a recipe in the order readiness, deployment, performance, " +
	"conformance, and after them the others in the order given here"

// recipeMistakes are those about recipes, snapshots and checks.
var recipeMistakes = []mistake{
	{"a recipe and no image", spec(withRecipe), []string{"spec.validator:", "every phase needs an image: give validator.image"}},
	{
		"a recipe and an image in its phase alone", spec(withRecipe + "phases: [{name: deployment, validator: {image: registry.example.com/v}}]"),
		[]string{"spec.validator:", "every phase needs an image: give validator.image, or, with neither recipe nor snapshot.capture"},
	},
	{
		"a snapshot to take and an image in the phase alone",
		spec("snapshot: {capture: {}}\nphases: [{name: deployment, container: {}, validator: {image: registry.example.com/v}}]"),
		[]string{"spec.validator:", "every phase needs an image: give validator.image, or, with neither recipe nor snapshot.capture"},
	},
	{
		"a phase that no recipe has", phases(withRecipe + "phases: [{name: smoke, timeout: 5m}]"),
		[]string{"spec.phases[0]:", "a phase needs one of goTest and container; only readiness, deployment, performance and conformance can leave both out"},
	},
	{
		"a phase that comes before those of a recipe", phases(withRecipe + `phases:
- {name: smoke, container: {}}
- {name: deployment, dependsOn: [smoke]}`),
		[]string{"spec.phases:", orderRule},
	},
	{
		"a phase that waits for none of the recipe's", phases(withRecipe + "phases: [{name: smoke, container: {}, dependsOn: [deploy]}]"),
		[]string{"spec.phases:", orderRule},
	},
	{
		"a mount of no volume, with a recipe", spec(withRecipe + `validator:
  image: registry.example.com/v
  volumeMounts: [{name: data, mountPath: /srv}]`),
		[]string{"spec.validator.volumeMounts:", "every volumeMount needs a volume of its name in validator.volumes"},
	},
	{
		"a mount of no volume, with a snapshot to take", spec(`snapshot: {capture: {}}
validator:
  image: registry.example.com/v
  volumes: [{name: date, emptyDir: {}}]
  volumeMounts: [{name: data, mountPath: /srv}]
phases: [{name: deployment, container: {}, validator: {volumeMounts: []}}]`),
		[]string{"spec.validator.volumeMounts:", "every volumeMount needs a volume of its name in validator.volumes"},
	},
	{
		"a phase with the preflight's name", phases("phases: [{name: preflight, container: {}}]"),
		[]string{"spec.phases[0].name:", "preflight and snapshot are the operator's own phases: choose another name"},
	},
	{
		"a phase with the snapshot's name", phases("phases: [{name: snapshot, container: {}}]"),
		[]string{"spec.phases[0].name:", "preflight and snapshot are the operator's own phases: choose another name"},
	},
	{
		"a snapshot from nowhere", beside("snapshot: {}"),
		[]string{"spec.snapshot:", "a snapshot comes from exactly one of configMap and capture; capture: {} takes it once"},
	},
	{
		"a snapshot from two places", beside("snapshot: {capture: {}, configMap: {name: a, key: b}}"),
		[]string{"spec.snapshot:", "a snapshot comes from exactly one of configMap and capture"},
	},
	{"a snapshot by a truth", beside("snapshot: {capture: true}"), []string{"spec.snapshot.capture", "must be of type object"}},
	{
		"a snapshot by all packages", beside("snapshot: {capture: {package: ./...}}"),
		[]string{`spec.snapshot.capture.package: Invalid value: "./...": must be the path of one Go package, such as ./checks/snapshot`},
	},
	{
		"a snapshot by a package that is too long", beside("snapshot: {capture: {package: " + strings.Repeat("a", 513) + "}}"),
		[]string{"spec.snapshot.capture.package: Too long: may not be more than 512 bytes"},
	},
	{
		"a snapshot by no package", beside(`snapshot: {capture: {package: ""}}`),
		[]string{"spec.snapshot.capture.package", "at least 1 chars long"},
	},
	{
		"a snapshot of the nodes of another word", beside("snapshot: {capture: {nodes: {exclude: [Node]}}}"),
		[]string{`spec.snapshot.capture.nodes.exclude[0]: Invalid value: "Node": must be the name of a node`},
	},
	{
		"a check by the name of its test", checks("TestExpectedResources"),
		[]string{
			`spec.phases[0].goTest.checks[0]: Invalid value: "TestExpectedResources": must be the name of a check: lower-case letters, digits and dashes`,
			"such as expected-resources for TestExpectedResources",
		},
	},
	{"a check twice", checks("dns, dns"), []string{`spec.phases[0].goTest.checks[1]: Duplicate value: "dns"`}},
	{
		"a check twice, with and without dashes", checks("api-latency, dns, apilatency"),
		[]string{"spec.phases[0].goTest.checks:", "two of the checks are one test: dashes make no difference, so leave one out"},
	},
	{"no checks", checks(""), []string{"spec.phases[0].goTest.checks", "at least 1 items"}},
	{
		"too many checks", checks(numbered("c%d", 65)),
		[]string{"spec.phases[0].goTest.checks: Too many: 65: must have at most 64 items"},
	},
	{
		"a check whose name is too long", checks(strings.Repeat("c", 64)),
		[]string{"spec.phases[0].goTest.checks[0]: Too long: may not be more than 63 bytes"},
	},
	{
		"checks with run", phase("goTest: {checks: [dns], run: TestA}"),
		[]string{"spec.phases[0].goTest:", "checks say which tests run, and how many: leave out run, command and expectedTests"},
	},
	{
		"checks with expectedTests", phase("goTest: {checks: [dns], expectedTests: 3}"),
		[]string{"spec.phases[0].goTest:", "checks say which tests run, and how many: leave out run, command and expectedTests"},
	},
	{
		"checks with command", phase("goTest: {checks: [dns], command: [/checks/run]}"),
		[]string{"spec.phases[0].goTest:", "checks say which tests run, and how many: leave out run, command and expectedTests"},
	},
	{
		"checks without a list of tests", phase("goTest: {checks: [dns], manifest: Never}"),
		[]string{"spec.phases[0].goTest.manifest:", "checks are looked up in the binary's list of tests, so manifest cannot be Never: leave it out"},
	},
}

// checks is a run whose only phase names these checks.
func checks(names string) string { return phase("goTest: {checks: [" + names + "]}") }

// numbered is a list of so many texts, each with its number.
func numbered(format string, n int) string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(texts, ", ")
}
