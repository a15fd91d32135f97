package crash

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// story is a life of a run of two phases, and what its user does meanwhile. Validators wait where the next thing that happens must not
// depend on who is faster, and print all at once, so that there is no progress to be seen in between.
type story struct {
	name    string
	phases  []v1alpha1.Phase
	scripts func(*cast) scripts
	acts    []act
}

// scripts are the behaviour of the validators, by phase.
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
		acts: []act{runs("a", 0), opens("a", 1), edits(func(s *spec) { s.Cancel = true }), settles(1)},
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
		acts:    []act{runs("a", 0), isDeleted(), isGone()},
	},
}

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
	return "registry.test/" + strings.ReplaceAll(s.name, " ", "-") + "/" + phase
}

// run is the run that the story is about.
func (s *story) run(namespace string) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: runName}}
	run.Spec.Trigger = "commit 1"
	for _, p := range s.phases {
		image := s.image(p.Name)
		p.Validator = &v1alpha1.PhaseValidator{Image: &image}
		run.Spec.Phases = append(run.Spec.Phases, p)
	}
	return run
}
