package api

import "strings"

// fanOutMistakes are those about phases of several Jobs, and about the order of phases.
var fanOutMistakes = []mistake{
	{
		"an unknown word for isolation", phase(tests + "\nisolation: Node"),
		[]string{`spec.phases[0].isolation: Unsupported value: "Node": supported values: "Phase", "Check"`},
	},
	{
		"a Job for each check of a phase that names none", phase(tests + "\nisolation: Check"),
		[]string{"spec.phases[0].isolation:", "isolation Check runs a Job for each of goTest.checks: name them, or leave isolation out"},
	},
	{
		"a Job for each check of a container", phase("container: {}\nisolation: Check"),
		[]string{"spec.phases[0].isolation:", "name them, or leave isolation out"},
	},
	{
		"more Jobs than a phase can have", phase("goTest: {checks: [api-latency, nccl, dns]}\nisolation: Check\nnodes: {maxNodes: 667}"),
		[]string{"spec.phases[0].nodes.maxNodes:", "goTest.checks times nodes.maxNodes are more than 2000 Jobs: take fewer nodes"},
	},
	{
		"no Job at a time", phase(tests + "\nparallelism: 0"),
		[]string{"spec.phases[0].parallelism", "greater than or equal to 1"},
	},
	{
		"too many Jobs at a time", phase(tests + "\nparallelism: 65"),
		[]string{"spec.phases[0].parallelism", "less than or equal to 64"},
	},
	{"no nodes at all", nodes("maxNodes: 0"), []string{"spec.phases[0].nodes.maxNodes", "greater than or equal to 1"}},
	{"too many nodes", nodes("maxNodes: 2001"), []string{"spec.phases[0].nodes.maxNodes", "less than or equal to 2000"}},
	{
		"nodes by their names alone", phase(tests + "\nnodes: [node-1, node-2]"),
		[]string{"spec.phases[0].nodes", "must be of type object"},
	},
	{
		"the field of a recipe", phase(tests + "\nnodes: {excludeNodes: [node-1]}"),
		[]string{`unknown field "spec.phases[0].nodes.excludeNodes"`},
	},
	{
		"the name of no node", nodes("exclude: [gpu_node_1]"),
		[]string{`spec.phases[0].nodes.exclude[0]: Invalid value: "gpu_node_1": must be the name of a node: lower-case letters, digits, dashes and dots`},
	},
	{"no name of a node", nodes(`exclude: [""]`), []string{`spec.phases[0].nodes.exclude[0]: Invalid value: "": must be the name of a node`}},
	{
		"the name of a node that is too long", nodes("exclude: [" + strings.Repeat("n", 254) + "]"),
		[]string{"spec.phases[0].nodes.exclude[0]: Too long: may not be more than 253 bytes"},
	},
	{"a node that is left out twice", nodes("exclude: [node-1, node-1]"), []string{`spec.phases[0].nodes.exclude[1]: Duplicate value: "node-1"`}},
	{
		"too many nodes left out", nodes("exclude: [" + numbered("node-%d", 257) + "]"),
		[]string{"spec.phases[0].nodes.exclude: Too many: 257: must have at most 256 items"},
	},
	{
		"a selector that is no label's value", nodes("selector: {nvidia.com/gpu.product: H100 SXM}"),
		[]string{`spec.phases[0].nodes.selector[nvidia.com/gpu.product]: Invalid value: "H100 SXM": must be the value of a label: letters, digits,`},
	},
	{
		"a selector with a value that is too long", nodes("selector: {zone: " + strings.Repeat("z", 64) + "}"),
		[]string{"spec.phases[0].nodes.selector.zone: Too long: may not be more than 63 bytes"},
	},
	{
		"a selector that is no label's key", nodes(`selector: {"gpu present": "true"}`),
		[]string{"spec.phases[0].nodes.selector: Invalid value:", "must have the keys of labels, such as nvidia.com/gpu.present"},
	},
	{
		"a selector with a key that is too long", nodes("selector: {" + strings.Repeat("k", 64) + `: "true"}`),
		[]string{"spec.phases[0].nodes.selector: Invalid value:", "must have the keys of labels"},
	},
	{
		"a selector with a truth", nodes("selector: {nvidia.com/gpu.present: true}"),
		[]string{"spec.phases[0].nodes.selector.nvidia.com/gpu.present", "must be of type string"},
	},
	{
		"a selector of too many labels", nodes("selector: {" + numbered("k%d: v", 17) + "}"),
		[]string{"spec.phases[0].nodes.selector: Too many: 17: must have at most 16 items"},
	},
	{
		"a phase that waits for none there is", phases(`phases:
- {name: one, container: {}}
- {name: two, container: {}, dependsOn: [won]}`),
		[]string{"spec.phases:", orderRule},
	},
	{
		"a phase that waits for itself", phases("phases:\n- {name: one, container: {}, dependsOn: [one]}"),
		[]string{"spec.phases:", orderRule},
	},
	{
		"a phase that waits for a later one", phases(`phases:
- {name: one, container: {}, dependsOn: [two]}
- {name: two, container: {}, dependsOn: [one]}`),
		[]string{"spec.phases:", orderRule},
	},
	{
		"a phase that waits twice", phases(`phases:
- {name: one, container: {}}
- {name: two, container: {}, dependsOn: [one, one]}`),
		[]string{`spec.phases[1].dependsOn[1]: Duplicate value: "one"`},
	},
	{
		"a phase that waits for too many", phase("container: {}\ndependsOn: [" + numbered("p%d", 17) + "]"),
		[]string{"spec.phases[0].dependsOn: Too many: 17: must have at most 16 items"},
	},
	{
		"a phase that waits for a name that is too long", phase("container: {}\ndependsOn: [" + strings.Repeat("p", 64) + "]"),
		[]string{"spec.phases[0].dependsOn[0]: Too long: may not be more than 63 bytes"},
	},
	{"alone in words", phase("container: {}\nexclusive: \"yes\""), []string{"spec.phases[0].exclusive", "must be of type boolean"}},
}

// nodes is a run whose only phase runs on these nodes.
func nodes(text string) string { return phase(tests + "\nnodes: {" + text + "}") }
