package crash

import (
	"encoding/base64"
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// story is a life of a run, most often of two phases, and what its user does meanwhile. Validators wait where the next thing that happens
// must not depend on who is faster.
type story struct {
	name   string
	phases []v1alpha1.Phase
	// recipe is of a run that is held against one, and against a snapshot that it takes itself. Its phases have one image.
	recipe  string
	scripts func(*cast) scripts
	acts    []act
}

// scripts are the behaviour of the validators, by phase, or of the run's only image, which is called by the empty name.
type scripts map[string]podlet.Script

type spec = v1alpha1.ValidationRunSpec

// runName is the name of every run; each has a namespace of its own.
const runName = "run"

var stories = []story{
	{
		name:   "two phases pass",
		phases: []v1alpha1.Phase{goTest("a"), container("b")},
		scripts: func(c *cast) scripts {
			return scripts{"a": c.suite("a", passes, skips), "b": podlet.Runs(c.waits("b"), podlet.TerminationMessage("smoke is fine"))}
		},
		acts: []act{runs("a", 0), opens("a", 1), runs("b", 0), opens("b", 1), settles(1)},
	},
	{
		name:   "the first fails and the second runs",
		phases: []v1alpha1.Phase{goTest("a", goesOn), container("b")},
		scripts: func(c *cast) scripts {
			return scripts{"a": c.suite("a", passes, fails), "b": podlet.Runs(c.waits("b"))}
		},
		acts: []act{runs("a", 0), opens("a", 1), runs("b", 0), opens("b", 1), settles(1)},
	},
	{
		name:   "a retry passes",
		phases: []v1alpha1.Phase{container("a", retried), container("b")},
		scripts: func(c *cast) scripts {
			return scripts{"a": podlet.Runs(c.waits("a"), c.first("a", podlet.Evict("memory"))), "b": podlet.Runs(c.waits("b"))}
		},
		acts: []act{runs("a", 0), opens("a", 1), runs("a", 1), opens("a", 2), runs("b", 0), opens("b", 1), settles(1)},
	},
	{
		name:   "an edit supersedes the attempt",
		phases: []v1alpha1.Phase{goTest("a"), container("b")},
		scripts: func(c *cast) scripts {
			return scripts{"a": c.suite("a", passes, skips), "b": podlet.Runs(c.waits("b"))}
		},
		acts: []act{
			runs("a", 0), opens("a", 1), runs("b", 0), edits(func(s *spec) { s.Trigger = "commit 2" }), begins(2),
			runs("a", 0), opens("a", 2), runs("b", 0), opens("b", 2), settles(2),
		},
	},
	{
		name:   "cancelled while it runs",
		phases: []v1alpha1.Phase{goTest("a"), container("b")},
		scripts: func(c *cast) scripts {
			hangs := podlet.GoTestCase{Name: "TestHangs", Run: podlet.Hang()}
			return scripts{"a": c.suite("a", passes, hangs), "b": podlet.Runs()}
		},
		acts: []act{runs("a", 0), opens("a", 1), shows("a", "TestHangs"), edits(func(s *spec) { s.Cancel = true }), settles(1)},
	},
	{
		name:   "suspended and resumed",
		phases: []v1alpha1.Phase{container("a"), goTest("b")},
		scripts: func(c *cast) scripts {
			return scripts{"a": podlet.Runs(c.waits("a")), "b": c.suite("b", passes)}
		},
		acts: []act{
			runs("a", 0), edits(func(s *spec) { s.Suspend = true }), rests(), edits(func(s *spec) { s.Suspend = false }),
			runs("a", 1), opens("a", 2), runs("b", 0), opens("b", 1), settles(1),
		},
	},
	{
		name:    "deleted while it runs",
		phases:  []v1alpha1.Phase{container("a"), goTest("b")},
		scripts: func(c *cast) scripts { return scripts{"a": podlet.Runs(podlet.Hang()), "b": c.suite("b", passes)} },
		acts:    []act{runs("a", 0), isDeleted(), isGone(), nothingIsLeft()},
	},
	{
		name:   "a recipe is measured and its checks each have a Job",
		recipe: recipe,
		phases: []v1alpha1.Phase{{Name: "deployment", Isolation: v1alpha1.IsolationCheck}},
		scripts: func(c *cast) scripts {
			return scripts{"": c.checks(captures, podlet.GoTestCase{Name: "TestLinks"}, podlet.GoTestCase{Name: "TestMemory", Outcome: podlet.Fail})}
		},
		acts: []act{
			runsItem("preflight", "snapshot"), opens("preflight/snapshot", 1), runs("snapshot", 0), opens("snapshot", 1),
			runsItem("deployment", "links"), opens("deployment/links", 1), runsItem("deployment", "memory"), opens("deployment/memory", 1), settles(1),
		},
	},
}

// recipe has a constraint, which the operator evaluates itself, and two checks.
const recipe = `kind: RecipeResult
apiVersion: aicr.nvidia.com/v1alpha1
constraints: [{name: OS.release.ID, value: ubuntu}]
validation: {deployment: {checks: [links, memory]}}
`

// recipeName is the name of the ConfigMap with a recipe.
const recipeName = "recipe"

// captures is a check that takes a snapshot of one part.
var captures = podlet.GoTestCase{Name: "TestCapture", Output: "\x16=== ATTR  TestCapture snapshot.parts 1\n    capture_test.go:30: ARTIFACT:" +
	base64.StdEncoding.EncodeToString([]byte(`{"label": "snapshot", "data": {"type": "OS", "subtypes": [{"subtype": "release", "data": {"ID": "ubuntu"}}]}}`)) + "\n"}

var (
	passes = podlet.GoTestCase{Name: "TestPasses", Output: "all is well\n", Subtests: []podlet.GoTestCase{{Name: "gpu-0"}, {Name: "gpu-1"}}}
	skips  = podlet.GoTestCase{Name: "TestSkips", Outcome: podlet.Skip, Output: "    checks_test.go:12: there is no fabric\n"}
	fails  = podlet.GoTestCase{Name: "TestFails", Outcome: podlet.Fail, Output: "    checks_test.go:23: 3 of 8 GPUs are missing\n"}
)

func goTest(name string, change ...func(*v1alpha1.Phase)) v1alpha1.Phase {
	return newPhase(v1alpha1.Phase{Name: name, GoTest: &v1alpha1.GoTest{Package: "./checks/" + name}}, change)
}

func container(name string, change ...func(*v1alpha1.Phase)) v1alpha1.Phase {
	return newPhase(v1alpha1.Phase{Name: name, Container: &v1alpha1.Container{Command: []string{"/smoke"}}}, change)
}

func goesOn(p *v1alpha1.Phase) { p.OnFailure = v1alpha1.Continue }

func retried(p *v1alpha1.Phase) { p.Retries = new(int32(1)) }

func newPhase(p v1alpha1.Phase, change []func(*v1alpha1.Phase)) v1alpha1.Phase {
	for _, c := range change {
		c(&p)
	}
	return p
}

// image is the image of a phase's validator.
func (s *story) image(phase string) string {
	return path.Join("registry.test", strings.ReplaceAll(strings.ToLower(s.name), " ", "-"), phase)
}

// run is the run that the story is about.
func (s *story) run(namespace string) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: runName}}
	run.Spec.Trigger = "commit 1"
	if s.recipe != "" {
		run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: recipeName, Key: "recipe.yaml"}}
		// Of one binary, so that preflight has one Job: two begin and end in any order.
		run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{Package: "./checks/deployment"}}
		run.Spec.Validator.Image, run.Spec.Phases = s.image(""), s.phases
		return run
	}
	for _, p := range s.phases {
		image := s.image(p.Name)
		p.Validator = &v1alpha1.PhaseValidator{Image: &image}
		run.Spec.Phases = append(run.Spec.Phases, p)
	}
	return run
}
