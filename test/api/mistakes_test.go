package api

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// mistake is a ValidationRun with one mistake in it, as users make them.
type mistake struct {
	name string
	run  string
	// want are parts of the API server's message: the field, and what would be right.
	want []string
}

// The messages of rules that many fields share.
const (
	durationRule = "must be a duration between 1s and 168h, such as 10m or 1h30m"
	amountRule   = "must be a number from 0 to 2147483647, or a string such as '500m', '0.5' or '1Gi', without sign or exponent"
)

var mistakes = []mistake{
	{
		"a name that is too long", named("gpu-operator-and-everything-else-that-a-cluster-for-training-needs"),
		[]string{"metadata.name must be a DNS label of at most 63 characters"},
	},
	{"a name with dots", named("h100.training"), []string{"metadata.name must be a DNS label"}},
	{"no phases", phases(""), []string{"spec.phases: Invalid value", "give phases, or a recipe whose validation section says what they are"}},
	{"an empty list of phases", phases("phases: []"), []string{"spec.phases: Invalid value", "give phases, or a recipe"}},
	{
		"two phases of one name", phases(`phases:
- {name: gpu, goTest: {package: ./checks/gpu}}
- {name: gpu, goTest: {package: ./checks/nccl}}`),
		[]string{"spec.phases[1]: Duplicate value", `"name":"gpu"`},
	},
	{"seventeen phases", phases(many(17)), []string{"spec.phases: Too many: 17: must have at most 16 items"}},
	{
		"a phase without a name", phases(`phases:
- goTest: {package: ./checks/deployment}`),
		[]string{"spec.phases[0].name: Required value"},
	},
	{
		"a phase's name with capitals and blanks", phases(`phases:
- {name: GPU Checks, goTest: {package: ./checks/gpu}}`),
		[]string{
			`spec.phases[0].name: Invalid value: "GPU Checks": must be a DNS label: lower-case letters, digits and dashes`,
		},
	},
	{
		"a phase of no kind", phase("timeout: 10m"),
		[]string{"spec.phases:", "without a recipe every phase needs one of goTest and container"},
	},
	{
		"a phase of both kinds", phase(`goTest: {package: ./checks/deployment}
container: {command: [/smoke]}`),
		[]string{"spec.phases[0]:", "a phase has one of goTest and container, not both: leave one out"},
	},
	{"a misspelt field", phase("gotest: {package: ./checks/deployment}"), []string{`unknown field "spec.phases[0].gotest"`}},
	{
		"a field in the wrong place", phase("goTest: {package: ./checks/deployment, timeout: 5m}"),
		[]string{`unknown field "spec.phases[0].goTest.timeout"`},
	},
	{
		"goTest without package and command", phase("goTest: {run: TestA}"),
		[]string{"spec.phases[0].goTest:", "exactly one of package", "and command"},
	},
	{
		"goTest with package and command", goTest("command: [/checks/run], expectedTests: 3"),
		[]string{"spec.phases[0].goTest:", "exactly one of package", "and command"},
	},
	{
		"command without expectedTests", phase("goTest: {command: [/checks/run]}"),
		[]string{"spec.phases[0].goTest:", "expectedTests is required with command"},
	},
	{
		"command with run", phase("goTest: {command: [/checks/run], expectedTests: 3, run: TestA}"),
		[]string{"spec.phases[0].goTest:", "with command, give -test.run in the command itself"},
	},
	{
		"command with testDir", phase("goTest: {command: [/checks/run], expectedTests: 3, testDir: /checks}"),
		[]string{"spec.phases[0].goTest:", "with command, give the path in the command itself"},
	},
	{
		"a command as one string", phase("container: {command: /smoke --fast}"),
		[]string{"spec.phases[0].container.command", "must be of type array"},
	},
	{
		"manifest Never without expectedTests", goTest("manifest: Never"),
		[]string{"spec.phases[0].goTest:", "expectedTests is required with manifest Never"},
	},
	{
		"an unknown manifest", goTest("manifest: Always"),
		[]string{`spec.phases[0].goTest.manifest: Unsupported value: "Always": supported values: "Auto", "Never"`},
	},
	{
		"a run that is no regular expression", goTest("run: ^(TestA|TestB"),
		[]string{
			"spec.phases[0].goTest.run:",
			"missing closing ): `^(TestA|TestB`",
			"must be a regular expression as go test -run takes it",
		},
	},
	{
		"a run with a lookahead", goTest(`run: "(?!TestA)"`),
		[]string{"spec.phases[0].goTest.run:", "invalid or unsupported Perl syntax: `(?!`", "must be a regular expression"},
	},
	{
		"the pattern of all packages", phase("goTest: {package: ./...}"),
		[]string{
			`spec.phases[0].goTest.package: Invalid value: "./...": must be the path of one Go package, such as ./checks/deployment`,
		},
	},
	{
		"a relative testDir", goTest("testDir: bin"),
		[]string{`spec.phases[0].goTest.testDir: Invalid value: "bin": must be an absolute path, such as /checks`},
	},
	{
		"an unknown word for skips", goTest("skips: Maybe"),
		[]string{`spec.phases[0].goTest.skips: Unsupported value: "Maybe": supported values: "Allow", "Deny"`},
	},
	{
		"no expected tests", goTest("expectedTests: 0"),
		[]string{"spec.phases[0].goTest.expectedTests", "greater than or equal to 1"},
	},
	{
		"a number as a string", goTest(`expectedTests: "3"`),
		[]string{"spec.phases[0].goTest.expectedTests", "must be of type integer"},
	},
	{
		"a timeout as a number", phase(`goTest: {package: ./checks/deployment}
timeout: 10`),
		[]string{"spec.phases[0].timeout", "must be of type string"},
	},
	{
		"a timeout without unit", phase(`goTest: {package: ./checks/deployment}
timeout: "10"`),
		[]string{`spec.phases[0].timeout: Invalid value: "10": ` + durationRule},
	},
	{
		"a timeout in words", phase(`goTest: {package: ./checks/deployment}
timeout: 10 minutes`),
		[]string{`spec.phases[0].timeout: Invalid value: "10 minutes": ` + durationRule},
	},
	{
		"a timeout in days", phase(`goTest: {package: ./checks/deployment}
startTimeout: 1d`),
		[]string{`spec.phases[0].startTimeout: Invalid value: "1d": ` + durationRule},
	},
	{
		"no time at all", phase(`goTest: {package: ./checks/deployment}
timeout: 0s`),
		[]string{`spec.phases[0].timeout: Invalid value: "0s": ` + durationRule},
	},
	{"a history without end", beside("historyLimit: 100"), []string{`spec.historyLimit: Invalid value: 100: spec.historyLimit in body should be less than or equal to 20`}},
	{"a cleanup of another kind", beside("cleanup: {jobs: Sometimes}"), []string{`spec.cleanup.jobs: Unsupported value: "Sometimes": supported values: "Always", "OnSuccess", "Never"`}},
	{"a cleanup after a year", beside("cleanup: {after: 8760h}"), []string{`spec.cleanup.after: Invalid value: "8760h": must be a duration of at most 168h, such as 30m or 1h30m`}},
	{"an unknown word for allSkipped", beside("allSkipped: Ignore"), []string{`spec.allSkipped: Unsupported value: "Ignore": supported values: "Reject", "Accept"`}},
	{"retries without end", phase("goTest: {package: ./checks/deployment}\nretries: 100"),
		[]string{`spec.phases[0].retries: Invalid value: 100: spec.phases[0].retries in body should be less than or equal to 10`}},
	{"suspend in words", beside("suspend: \"yes\""), []string{`spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"`}},
	{"too long a time", beside("timeout: 200h"), []string{`spec.timeout: Invalid value: "200h": ` + durationRule}},
	{
		"an unknown word for onFailure", phase(`goTest: {package: ./checks/deployment}
onFailure: Ignore`),
		[]string{`spec.phases[0].onFailure: Unsupported value: "Ignore": supported values: "Stop", "Continue"`},
	},
	{
		"no image anywhere", spec(`phases:
- name: deployment
  goTest: {package: ./checks/deployment}`),
		[]string{"spec.validator:", "every phase needs an image: give validator.image, or, with neither recipe nor snapshot.capture, validator.image in each phase"},
	},
	{
		"an image in one phase of two", spec(`phases:
- {name: one, validator: {image: registry.example.com/one}, container: {}}
- {name: two, container: {}}`),
		[]string{"spec.validator:", "every phase needs an image"},
	},
	{
		"an image of 5 KB", spec("validator: {image: " + strings.Repeat("a", 5000) + "}\n" + section),
		[]string{"spec.validator.image: Too long: may not be more than 1024 bytes"},
	},
	{
		"an image with a blank", spec(`validator: {image: registry.example.com/validator v1}
phases:
- {name: deployment, container: {}}`),
		[]string{
			`spec.validator.image: Invalid value: "registry.example.com/validator v1": must be an image reference, such as registry.example.com/validator:v1`,
		},
	},
	{
		"an image in the container, as in a pod", phase("container: {image: registry.example.com/smoke, command: [/smoke]}"),
		[]string{`unknown field "spec.phases[0].container.image"`},
	},
	{
		"a pull policy in lower case", validator("imagePullPolicy: always"),
		[]string{
			`spec.validator.imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"`,
		},
	},
	{
		"pull secrets as strings", validator("imagePullSecrets: [registry]"),
		[]string{"spec.validator.imagePullSecrets[0]", "must be of type object"},
	},
	{
		"a variable with a value twice", validator(`env:
- {name: NODE, value: one, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}`),
		[]string{"spec.validator.env[0]:", "a value or a valueFrom, not both"},
	},
	{
		"a variable of the operator", validator(`env:
- {name: AICR_NAMESPACE, value: gpu-operator}`),
		[]string{"spec.validator.env[0].name:", "AICR_NAMESPACE", "are set by the operator: leave them out"},
	},
	{
		"a variable with a number", validator(`env:
- {name: GPUS, value: 8}`),
		[]string{"spec.validator.env[0].value", "must be of type string"},
	},
	{
		"a variable that begins with a digit", validator(`env:
- {name: 8GPUS, value: "yes"}`),
		[]string{`spec.validator.env[0].name: Invalid value: "8GPUS": must be the name of an environment variable`},
	},
	{
		"a variable from nowhere", validator(`env:
- {name: NODE, valueFrom: {}}`),
		[]string{"spec.validator.env[0].valueFrom:", "exactly one of configMapKeyRef, secretKeyRef and fieldRef"},
	},
	{
		"a variable from a field that pods do not give", validator(`env:
- {name: NODE, valueFrom: {fieldRef: {fieldPath: node.name}}}`),
		[]string{
			`spec.validator.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "node.name": must be metadata.name,`,
			"spec.nodeName",
		},
	},
	{
		"a volume of two sources", validator(`volumes:
- {name: data, emptyDir: {}, configMap: {name: data}}`),
		[]string{
			"spec.validator.volumes[0]:",
			"exactly one of configMap, secret, emptyDir, projected and persistentVolumeClaim",
		},
	},
	{
		"a volume of the host", validator(`volumes:
- {name: dev, hostPath: {path: /dev}}`),
		[]string{`unknown field "spec.validator.volumes[0].hostPath"`},
	},
	{
		"a volume with a name of the operator's", validator(`volumes:
- {name: validation-data, emptyDir: {}}`),
		[]string{"spec.validator.volumes[0].name:", "begin with validation- are the operator's: choose another"},
	},
	{
		"a volume in RAM, misspelt", validator(`volumes:
- {name: shm, emptyDir: {medium: memory}}`),
		[]string{`spec.validator.volumes[0].emptyDir.medium: Unsupported value: "memory": supported values: "", "Memory"`},
	},
	{
		"a mount at a relative path", validator(`volumes: [{name: data, emptyDir: {}}]
volumeMounts: [{name: data, mountPath: data}]`),
		[]string{`spec.validator.volumeMounts[0].mountPath: Invalid value: "data": must be an absolute path`},
	},
	{
		"a mount of no volume", validator(`volumes: [{name: data, emptyDir: {}}]
volumeMounts: [{name: date, mountPath: /data}]`),
		[]string{"spec:", "every volumeMount needs a volume of its name"},
	},
	{
		"an amount in words", validator("resources: {limits: {cpu: lots}}"),
		[]string{`spec.validator.resources.limits[cpu]: Invalid value: "lots": ` + amountRule},
	},
	{
		"a negative amount", validator("resources: {limits: {cpu: -1}}"),
		[]string{"spec.validator.resources.limits[cpu]: Invalid value: -1: " + amountRule},
	},
	{
		"an amount past all bounds", validator("resources: {limits: {memory: 8589934592}}"),
		[]string{"spec.validator.resources.limits[memory]: Invalid value: 8589934592: " + amountRule},
	},
	{
		"an amount of another unit", validator("resources: {requests: {memory: 16GB}}"),
		[]string{`spec.validator.resources.requests[memory]: Invalid value: "16GB": ` + amountRule},
	},
	{
		"an amount with an exponent", validator("resources: {limits: {cpu: 1e1.5}}"),
		[]string{"spec.validator.resources.limits.cpu", `Invalid value: "1e1.5"`, "should match '^[0-9]"},
	},
	{
		"an amount with a point", validator("resources: {limits: {cpu: 0.5}}"),
		[]string{"spec.validator.resources.limits.cpu", "must be of type integer,string"},
	},
	{
		"a size without limit", validator("volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: none}}]"),
		[]string{`spec.validator.volumes[0].emptyDir.sizeLimit: Invalid value: "none": ` + amountRule},
	},
	{
		"a local seccomp profile without its path", validator("podSecurityContext: {seccompProfile: {type: Localhost}}"),
		[]string{"spec.validator.podSecurityContext.seccompProfile:", "localhostProfile is required with type Localhost"},
	},
	{
		"a negative user", validator("securityContext: {runAsUser: -1}"),
		[]string{"spec.validator.securityContext.runAsUser", "greater than or equal to 0"},
	},
	{
		"a toleration with a value that is not compared", validator("tolerations: [{key: gpu, operator: Exists, value: present}]"),
		[]string{"spec.validator.tolerations[0]:", "a toleration with operator Exists has no value"},
	},
	{
		"a toleration of nothing", validator("tolerations: [{effect: NoSchedule}]"),
		[]string{"spec.validator.tolerations[0]:", "a toleration without a key needs operator Exists"},
	},
	{
		"a selector without values", validator(`affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: In}]}]`),
		[]string{"nodeSelectorTerms[0].matchExpressions[0]:", "values are needed with In and NotIn"},
	},
	{
		"a node's label that is no string", validator("nodeSelector: {gpu: true}"),
		[]string{"spec.validator.nodeSelector.gpu", "must be of type string"},
	},
	{
		"an affinity of one phase", phase(`goTest: {package: ./checks/deployment}
validator: {affinity: {}}`),
		[]string{`unknown field "spec.phases[0].validator.affinity"`},
	},
	{
		"a ServiceAccount with capitals", beside("serviceAccountName: My_Account"),
		[]string{
			`spec.serviceAccountName: Invalid value: "My_Account": must be the name of a ServiceAccount: lower-case letters`,
		},
	},
	{
		"an input without a key", beside("recipe: {configMap: {name: aicr-recipe}}"),
		[]string{"spec.recipe.configMap.key: Required value"},
	},
	{
		"an input with a path", beside("recipe: {configMap: {name: aicr-recipe, key: recipes/h100.yaml}}"),
		[]string{
			`spec.recipe.configMap.key: Invalid value: "recipes/h100.yaml": must be a key: letters, digits, dashes, underscores and dots`,
		},
	},
}

const head = "apiVersion: validation.aicr.dev/v1alpha1\nkind: ValidationRun\nmetadata: {name: %s}\nspec:%s\n"

// What is right about a mistaken run.
const (
	image   = "validator: {image: registry.example.com/validator:v1}"
	tests   = "goTest: {package: ./checks/deployment}"
	section = "phases: [{name: deployment, " + tests + "}]"
)

// named is a run of that name, spec one with that spec, phases one with those phases, beside one with that in its spec.
func named(name string) string  { return fmt.Sprintf(head, name, indent(image+"\n"+section)) }
func spec(text string) string   { return fmt.Sprintf(head, "mistaken", indent(text)) }
func phases(text string) string { return spec(image + "\n" + text) }
func beside(text string) string { return spec(text + "\n" + image + "\n" + section) }

// validator is a run with that in its validator, phase one with that in its only phase, goTest one with that in the phase's goTest.
func validator(text string) string {
	return spec("validator:" + indent("image: registry.example.com/validator:v1\n"+text) + "\n" + section)
}
func phase(text string) string  { return phases("phases:\n- name: deployment" + indent(text)) }
func goTest(text string) string { return phase("goTest: {package: ./checks/deployment, " + text + "}") }

// many is a list of so many phases.
func many(n int) string {
	text := "phases:"
	for i := range n {
		text += fmt.Sprintf("\n- {name: p%d, container: {}}", i)
	}
	return text
}

func indent(text string) string { return strings.ReplaceAll("\n"+text, "\n", "\n  ") }

func TestMistakesAreRefusedInPlainWords(t *testing.T) {
	for _, m := range slices.Concat(mistakes, recipeMistakes, fanOutMistakes) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			_, err := create(t.Context(), parse(t, m.run), map[string]string{"fieldValidation": "Strict", "dryRun": "All"})
			if err == nil {
				t.Fatalf("the API server takes\n%s", m.run)
			}
			var status apierrors.APIStatus
			if !errors.As(err, &status) || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
				t.Fatalf("no refusal: %v", err)
			}
			message := describe(status)
			for _, want := range m.want {
				if !strings.Contains(message, want) {
					t.Errorf("the message lacks %q:\n%s", want, message)
				}
			}
		})
	}
}

// describe is what kubectl prints of a refusal: the causes, each with its field, or the message where there are none.
func describe(status apierrors.APIStatus) string {
	details := status.Status().Details
	if details == nil || len(details.Causes) == 0 {
		return status.Status().Message
	}
	var text strings.Builder
	for _, cause := range details.Causes {
		fmt.Fprintf(&text, "* %s: %s\n", cause.Field, cause.Message)
	}
	return text.String()
}
