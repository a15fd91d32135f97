package integration

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// recipeHead begins every recipe.
const recipeHead = "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"

// goodRecipe is one of each thing that a recipe can say.
const goodRecipe = recipeHead + `
constraints:
- {name: K8s.server.version, value: ">= 1.32.4", severity: error, remediation: Upgrade the control plane.}
- {name: OS.release.ID, value: ubuntu, severity: warning}
validation:
  deployment:
    timeout: 7m
    checks: [expected-resources, operator-health]
    constraints:
    - {name: gpu-operator.version, value: "== v25.10.1", remediation: Upgrade the GPU operator.}
`

const goodSnapshot = `
measurements:
- type: K8s
  subtypes: [{subtype: server, data: {version: v1.33.5-eks-3025e55}}]
- type: OS
  subtypes: [{subtype: release, data: {ID: debian}}]
`

// document keeps a text in a ConfigMap, as a user would.
func document(ctx context.Context, namespace, name, key, text string) {
	GinkgoHelper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if utf8.ValidString(text) {
		cm.Data = map[string]string{key: text}
	} else {
		cm.BinaryData = map[string][]byte{key: []byte(text)}
	}
	Expect(k8s.Create(ctx, cm)).To(Succeed())
}

// recipeRun is a run that brings a recipe and an image, and nothing else.
func recipeRun(ctx context.Context, namespace, name, image, text string, change ...change) *v1alpha1.ValidationRun {
	GinkgoHelper()
	document(ctx, namespace, name+"-recipe", "recipe.yaml", text)
	run := newRun(namespace, name, image, recipe(name+"-recipe"))
	run.Spec.Phases = nil
	for _, c := range change {
		c(run)
	}
	Expect(k8s.Create(ctx, run)).To(Succeed())
	return run
}

// measured gives a run a snapshot that was taken before.
func measured(ctx context.Context, text string) change {
	return func(run *v1alpha1.ValidationRun) {
		GinkgoHelper()
		name := run.Name + "-measured"
		document(ctx, run.Namespace, name, "snapshot.yaml", text)
		run.Spec.Snapshot = &v1alpha1.SnapshotSource{ConfigMap: &v1alpha1.ConfigMapKey{Name: name, Key: "snapshot.yaml"}}
	}
}

func captures(run *v1alpha1.ValidationRun) {
	run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}}
}

// binaries is an image with several test binaries, by their names.
func binaries(all map[string]podlet.GoTest) podlet.Script {
	run := podlet.Container{Run: func(p *podlet.Process) {
		suite, ok := all[p.Args[0]]
		if !ok {
			p.PrintStderr(p.Args[0] + ": not found\n")
			p.Exit(127)
		}
		suite.Step()(p)
	}}
	return podlet.Script{Init: run, Main: run}
}

// attribute is what t.Attr prints.
func attribute(test, key, value string) string {
	return fmt.Sprintf("\x16=== ATTR  %s %s %s\n", test, key, value)
}

// reports is a check that says what came of a constraint.
func reports(name, expected, actual string, holds bool) podlet.GoTestCase {
	c := podlet.GoTestCase{Name: "TestConstraints", Output: fmt.Sprintf("    constraints_test.go:9: CONSTRAINT_RESULT: name=%s expected=%q actual=%q passed=%t\n",
		name, expected, actual, holds)}
	if !holds {
		c.Outcome = podlet.Fail
	}
	return c
}

// takes is a check that captures a snapshot of some parts, and says that there are so many.
func takes(said int, parts ...string) podlet.GoTest {
	output := attribute("TestCapture", "snapshot.parts", fmt.Sprint(said))
	for _, part := range parts {
		data, err := json.Marshal(map[string]any{"label": "snapshot", "data": json.RawMessage(part)})
		Expect(err).NotTo(HaveOccurred())
		output += "    capture_test.go:30: ARTIFACT:" + base64.StdEncoding.EncodeToString(data) + "\n"
	}
	return suiteOf(podlet.GoTestCase{Name: "TestCapture", Output: output})
}

var deploymentChecks = []podlet.GoTestCase{{Name: "TestExpectedResources"}, {Name: "TestOperatorHealth"}, {Name: "TestCRDs"}}

func deployment(more ...podlet.GoTestCase) podlet.GoTest {
	return suiteOf(append(deploymentChecks[:3:3], more...)...)
}

// BePhase matches a phase of a run.
func BePhase(name string, state v1alpha1.PhaseState, reason string) gomegatypes.GomegaMatcher {
	return And(HaveField("Name", name), HaveField("State", state), HaveField("Reason", reason))
}

var _ = Describe("A recipe", func() {
	It("makes the phases of a run, whose constraints and checks all count", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		holds := reports("gpu-operator.version", "== v25.10.1", "v25.10.1", true)
		breaks := reports("gpu-operator.version", "== v25.10.1", "v25.3.3", false)
		script := func(image string, suite podlet.GoTest) string {
			node.Script("registry.test/"+image, binaries(map[string]podlet.GoTest{"deployment.test": suite}))
			return "registry.test/" + image
		}
		good := recipeRun(ctx, namespace, "good", script("recipe-good", deployment(holds)), goodRecipe, measured(ctx, goodSnapshot))
		old := recipeRun(ctx, namespace, "old", script("recipe-old", deployment(holds)), goodRecipe,
			measured(ctx, strings.ReplaceAll(goodSnapshot, "v1.33.5", "v1.31.9")))
		unmeasured := recipeRun(ctx, namespace, "unmeasured", script("recipe-unmeasured", deployment(holds)), goodRecipe,
			measured(ctx, strings.ReplaceAll(goodSnapshot, "server", "node")))
		broken := recipeRun(ctx, namespace, "broken", script("recipe-broken", deployment(breaks)), goodRecipe, measured(ctx, goodSnapshot))
		unsaid := recipeRun(ctx, namespace, "unsaid", script("recipe-unsaid", deployment(podlet.GoTestCase{Name: "TestConstraints"})), goodRecipe,
			measured(ctx, goodSnapshot))
		unknown := recipeRun(ctx, namespace, "unknown", script("recipe-unknown", deployment(holds)),
			strings.ReplaceAll(goodRecipe, "operator-health", "operator-helth"), measured(ctx, goodSnapshot))

		By("passing, with a warning")
		out := settled(ctx, good, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("preflight", passed, ""), BePhase("readiness", passed, ""), BePhase("deployment", passed, "")))
		Expect(phaseNamed(out, "readiness").Jobs).To(BeEmpty(), "the operator evaluates constraints itself")
		Expect(phaseNamed(out, "readiness").Summary).To(Equal(v1alpha1.Summary{Total: 2, Passed: 2}))
		Expect(phaseNamed(out, "deployment").Summary).To(Equal(v1alpha1.Summary{Total: 3, Passed: 3}), "the checks that are named, and that of the constraints")
		Expect(out.Status.Inputs).To(ContainElements(HaveField("Name", "recipe"), HaveField("Name", "snapshot")))
		result := resultOf(ctx, out)
		Expect(result.Phases[1].Message).To(ContainSubstring("1 warning"))
		Expect(result.Phases[1].Tests).To(ContainElement(And(HaveField("Name", "constraint OS.release.ID"), HaveField("Status", verdict.Passed),
			HaveField("Output", HaveValue(HaveField("Text", ContainSubstring("debian")))))))
		Expect(result.Phases[2].Tests).To(ContainElement(And(HaveField("Name", "TestConstraints"),
			HaveField("Constraints", ConsistOf(And(HaveField("Name", "gpu-operator.version"), HaveField("Passed", true)))))))
		Expect(jobsCreated(good)).To(HaveLen(2), "the preflight's and the deployment's")

		By("failing by a constraint, whose remedy is said")
		out = settled(ctx, old, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), out.Status.Message)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("preflight", passed, ""), BePhase("readiness", failed, v1alpha1.ReasonTestsFailed),
			BePhase("deployment", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase)))
		Expect(out.Status.Message).To(ContainSubstring("K8s.server.version"))
		Expect(out.Status.Failures).To(ContainElement(And(HaveField("Phase", "readiness"), HaveField("Test", ContainSubstring("K8s.server.version")),
			HaveField("Message", And(ContainSubstring("v1.31.9"), ContainSubstring("Upgrade the control plane."))))))

		By("being in error by one that was not measured")
		out = settled(ctx, unmeasured, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
		Expect(phaseNamed(out, "readiness")).To(BePhase("readiness", errored, v1alpha1.ReasonConstraintNotEvaluated))

		By("failing by a constraint that a check reports")
		out = settled(ctx, broken, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), out.Status.Message)
		Expect(out.Status.Failures).To(ContainElement(And(HaveField("Test", "TestConstraints"), HaveField("Message", ContainSubstring("v25.3.3")))))

		By("being in error by one that no check reports")
		out = settled(ctx, unsaid, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
		Expect(phaseNamed(out, "deployment")).To(And(BePhase("deployment", errored, v1alpha1.ReasonConstraintNotEvaluated),
			HaveField("Message", ContainSubstring("gpu-operator.version"))))

		By("naming the checks that there are in place of one that there is not")
		out = settled(ctx, unknown, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("preflight", errored, v1alpha1.ReasonCheckNotFound),
			BePhase("readiness", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase), BePhase("deployment", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase)))
		Expect(out.Status.Message).To(And(ContainSubstring("there is no check \"operator-helth\", did you mean operator-health?; this binary has the checks")))
		Expect(out.Status.Failures).To(ContainElement(HaveField("Message", ContainSubstring("constraints, crds, expected-resources, operator-health"))))
		Expect(jobsCreated(unknown)).To(HaveLen(1), "the preflight's")
	})

	It("is held against a snapshot that the run takes itself, once all of it is there", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		k8sPart := `{"type": "K8s", "subtypes": [{"subtype": "server", "data": {"version": "v1.33.5"}}]}`
		osPart := `{"type": "OS", "subtypes": [{"subtype": "release", "data": {"ID": "ubuntu"}}]}`
		image := func(name string, snapshot podlet.GoTest) string {
			node.Script("registry.test/"+name, binaries(map[string]podlet.GoTest{"snapshot.test": snapshot,
				"deployment.test": deployment(reports("gpu-operator.version", "== v25.10.1", "v25.10.1", true))}))
			return "registry.test/" + name
		}
		whole := recipeRun(ctx, namespace, "whole", image("capture-whole", takes(2, k8sPart, osPart)), goodRecipe, captures)
		torn := recipeRun(ctx, namespace, "torn", image("capture-torn", takes(2, k8sPart)), goodRecipe, captures)
		nothing := recipeRun(ctx, namespace, "nothing", image("capture-nothing", takes(0)), goodRecipe, captures)

		out := settled(ctx, whole, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("preflight", passed, ""), BePhase("snapshot", passed, ""), BePhase("readiness", passed, ""),
			BePhase("deployment", passed, "")))
		Expect(out.Status.Inputs).To(ContainElement(And(HaveField("Name", "snapshot"), HaveField("ConfigMap", "whole-snapshot-1"))))
		kept := &corev1.ConfigMap{}
		Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "whole-snapshot-1"}, kept)).To(Succeed())
		Expect(kept.Immutable).To(HaveValue(BeTrue()))
		Expect(kept.Data["snapshot.yaml"]).To(And(ContainSubstring("version: v1.33.5"), ContainSubstring("ID: ubuntu")))

		for _, run := range []*v1alpha1.ValidationRun{torn, nothing} {
			out = settled(ctx, run, 1)
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
			Expect(out.Status.Phases).To(ContainElement(HaveField("Reason", v1alpha1.ReasonSnapshotIncomplete)), out.Status.Message)
			Expect(out.Status.Message).To(ContainSubstring("the captured snapshot is not whole"))
			Expect(out.Status.Phases).To(ContainElement(BePhase("deployment", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase)))
			Expect(jobsCreated(run)).To(HaveLen(3), "two of the preflight, and one that captures")
		}
	})

	It("is held against what was measured on each node", func(ctx SpecContext) {
		namespace, nodes, image := newNamespace(ctx), startFleet("measured", 3), "registry.test/measured-fleet"
		release := func(id string) string {
			return fmt.Sprintf(`{"type": "OS", "subtypes": [{"subtype": "release", "data": {"ID": %q}}]}`, id)
		}
		preflight := podlet.GoTest{Tests: takes(0).Tests}
		node.Script(image, binaries(map[string]podlet.GoTest{"snapshot.test": preflight}))
		nodes.runs(image, func(node string) podlet.GoTest {
			if node == nodes.names[1] {
				return takes(1, release("debian"))
			}
			return takes(1, release("ubuntu"))
		})
		run := recipeRun(ctx, namespace, "measured", image, recipeHead+"constraints: [{name: OS.release.ID, value: ubuntu, remediation: Install Ubuntu.}]\n",
			func(r *v1alpha1.ValidationRun) {
				r.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{
					Nodes: &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{fleetLabel: "measured"}},
				}}
			})
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), out.Status.Message)
		Expect(phaseNamed(out, "snapshot").FanOut).To(HaveValue(HaveField("NodesPassed", BeEquivalentTo(3))))
		Expect(out.Status.Failures).To(ConsistOf(HaveField("Message", And(ContainSubstring("debian"), ContainSubstring(nodes.names[1]),
			ContainSubstring("Install Ubuntu.")))))
	})

	It("that is none ends a run at once, and names what is wrong where and how to mend it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const image = "registry.test/bad-recipes"
		node.Script(image, binaries(map[string]podlet.GoTest{"deployment.test": deployment()}))
		type bad struct {
			run           *v1alpha1.ValidationRun
			reason, wants string
			jobs          int
		}
		var all []bad
		for _, folder := range []string{"bad", "bad-snapshots"} {
			files, err := filepath.Glob("../../internal/recipe/testdata/" + folder + "/*.yaml")
			Expect(err).NotTo(HaveOccurred())
			Expect(len(files)).To(BeNumerically(">=", 10))
			for _, file := range files {
				text, err := os.ReadFile(filepath.Clean(file))
				Expect(err).NotTo(HaveOccurred())
				golden, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
				Expect(err).NotTo(HaveOccurred())
				first, _, _ := strings.Cut(string(golden), "\n")
				name := folder + "-" + strings.TrimSuffix(filepath.Base(file), ".yaml")
				b := bad{reason: v1alpha1.ReasonInvalidRecipe, wants: first}
				if folder == "bad" {
					b.run = recipeRun(ctx, namespace, name, image, string(text))
				} else {
					b.run = recipeRun(ctx, namespace, name, image, goodRecipe, measured(ctx, string(text)))
				}
				all = append(all, b)
			}
		}
		checks := "validation:\n  deployment:\n    checks: [crds]\n"
		for name, b := range map[string]struct {
			text, reason, wants string
			change              change
			jobs                int
		}{
			"huge": {text: recipeHead + "constraints:\n" + strings.Repeat("- {name: a, value: b}\n", 40_000), reason: v1alpha1.ReasonInvalidRecipe,
				wants: "there are more than 200000 values: split the recipe up"},
			"nothing": {text: recipeHead + "validation: {}\n", reason: v1alpha1.ReasonInvalidSpec, wants: "there is nothing to validate"},
			"unmeasured": {text: recipeHead + "constraints:\n- {name: K8s.server.version, value: \">= 1.32\"}\n", reason: v1alpha1.ReasonInvalidSpec,
				wants: "the recipe has constraints to be held against a snapshot (1), and the run has none: set spec.snapshot.capture"},
			"no-such-check": {text: strings.ReplaceAll(recipeHead+checks, "crds", "crbs"), reason: v1alpha1.ReasonCheckNotFound,
				wants: "phase deployment (deployment.test): there is no check \"crbs\", did you mean crds?; this binary has the checks crds, expected-resources, operator-health", jobs: 1},
			"no-such-binary": {text: strings.ReplaceAll(recipeHead+checks, "deployment", "performance"), reason: v1alpha1.ReasonListFailed,
				wants: "the test binary cannot list its tests", jobs: 1},
			"no-such-phase": {text: recipeHead + checks, reason: v1alpha1.ReasonInvalidSpec, wants: "the recipe has no section validation.performance with checks",
				change: func(r *v1alpha1.ValidationRun) { r.Spec.Phases = []v1alpha1.Phase{{Name: "performance"}} }},
			"depends-on-no-phase": {text: recipeHead + checks, reason: v1alpha1.ReasonInvalidSpec, wants: "phase deployment depends on readiness, and there is no such phase",
				change: func(r *v1alpha1.ValidationRun) {
					r.Spec.Phases = []v1alpha1.Phase{{Name: "deployment", DependsOn: []string{"readiness"}}}
				}},
		} {
			if b.change == nil {
				b.change = func(*v1alpha1.ValidationRun) {}
			}
			all = append(all, bad{run: recipeRun(ctx, namespace, "bad-"+name, image, b.text, b.change), reason: b.reason, wants: b.wants, jobs: b.jobs})
		}
		var slowest time.Duration
		for _, b := range all {
			out := settled(ctx, b.run, 1)
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), "%s: %s", b.run.Name, out.Status.Message)
			Expect(out.Status.Phases[0]).To(BePhase("preflight", errored, b.reason), "%s: %s", b.run.Name, out.Status.Message)
			for _, p := range out.Status.Phases[1:] {
				Expect(p.State).To(Equal(v1alpha1.PhaseNotRun), b.run.Name)
			}
			Expect(out.Status.Message).To(ContainSubstring(b.wants), b.run.Name)
			Expect(jobsCreated(b.run)).To(HaveLen(b.jobs), b.run.Name)
			if b.jobs == 0 {
				took := out.Status.CompletionTime.Sub(out.Status.StartTime.Time)
				Expect(took).To(BeNumerically("<", 10*time.Second), b.run.Name)
				slowest = max(slowest, took)
			}
			Expect(resultOf(ctx, out).Verdict).To(Equal(v1alpha1.VerdictError), b.run.Name)
		}
		AddReportEntry("bad recipes and snapshots", fmt.Sprintf("%d, of which the slowest that needs no Job took %s", len(all), slowest))
	}, SpecTimeout(5*time.Minute))
})
