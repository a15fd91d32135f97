package plan

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// apart is a phase with a Job for each of three checks, so many at a time.
func apart(name string, parallelism int32, changes ...func(*v1alpha1.Phase)) v1alpha1.Phase {
	return goPhase(name, append([]func(*v1alpha1.Phase){func(p *v1alpha1.Phase) {
		p.GoTest.Checks, p.Isolation, p.Parallelism = []string{"one", "two", "three"}, v1alpha1.IsolationCheck, new(parallelism)
	}}, changes...)...)
}

// onNodes has a phase run on each node.
func onNodes(p *v1alpha1.Phase) { p.Nodes = &v1alpha1.NodeSelection{} }

func after(phases ...string) func(*v1alpha1.Phase) {
	return func(p *v1alpha1.Phase) { p.DependsOn = append([]string{}, phases...) }
}

func alone(p *v1alpha1.Phase) { p.Exclusive = true }

func (w *world) has(nodes ...string) {
	for _, name := range nodes {
		w.nodes = append(w.nodes, Node{Name: name})
	}
}

// reads has the run read a recipe and a snapshot.
func (w *world) reads(r recipe.Recipe) {
	w.run.Spec.Recipe, w.run.Spec.Snapshot, w.recipe = fromConfigMap("r"), snapshotOf("s"), r
	w.snapshot = recipe.Snapshot{Measurements: []recipe.Measurement{{
		Type: "K8s", Subtypes: []recipe.Subtype{{Subtype: "server", Data: map[string]string{"version": "v1.37.1"}}},
	}}}
}

func server(value string) recipe.Constraint {
	return recipe.Constraint{Name: "K8s.server.version", Value: value, Severity: recipe.SeverityError, Remediation: "upgrade"}
}

// section is a section of a recipe's validation.
func section(name string, checks ...string) recipe.Phase {
	p := recipe.Phase{Name: name}
	for _, c := range checks {
		p.Checks = append(p.Checks, recipe.Check{Name: c})
	}
	return p
}

var three = runs("pass TestOne", "pass TestTwo", "pass TestThree")

// itemStories are lives of phases that have several Jobs, and of phases that are not one after another.
var itemStories = []story{
	{name: "checks-one-at-a-time", phases: []v1alpha1.Phase{apart("a", 1)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestOne", "panic TestTwo", "pass TestThree")}
	}},
	{name: "checks-two-at-a-time", phases: []v1alpha1.Phase{apart("a", 2), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": three, "b": runs("pass TestB")}
	}},
	{name: "checks-one-fails-one-errs", phases: []v1alpha1.Phase{apart("a", 2), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestOne", "panic TestTwo", "pass TestThree"), "b": runs("pass TestB")}
	}},
	{name: "checks-not-in-the-image", phases: []v1alpha1.Phase{apart("a", 2), apart("b", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": three, "b": runs("pass TestOne", "pass TestTree")}
	}},
	{name: "checks-cannot-be-asked-for", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": {tests: three.tests, listCode: 2}}
	}},
	{name: "checks-killed-for-memory", phases: []v1alpha1.Phase{apart("a", 3, func(p *v1alpha1.Phase) {
		limits := map[string]v1alpha1.Amount{"memory": {}}
		p.Validator = &v1alpha1.PhaseValidator{Resources: &v1alpha1.ResourceRequirements{Limits: limits}}
	}, tries(2))}, set: func(w *world) {
		w.scripts = map[string]script{"a": three, "a[two]": runs("hang TestTwo").and(6, func(w *world, job *simJob) {
			w.exit(job, job.pods[0], workload.ValidatorContainer, 137, "OOMKilled", "")
		})}
	}},
	{name: "checks-retried", phases: []v1alpha1.Phase{apart("a", 2, tries(1))}, set: func(w *world) {
		evicted := runs("hang TestTwo").and(6, func(w *world, job *simJob) { w.evict(job) })
		w.scripts = map[string]script{"a": three, "a[two]": evicted, "a[two]+1": three}
	}},
	{name: "checks-suspended", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": three, "a[two]": runs("hang TestTwo"), "a[two]+1": three}
		w.after(17, func() { w.suspend(true) })
		w.after(60, func() { w.suspend(false) })
	}},
	{name: "checks-suspended-with-a-failure", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestOne", "hang TestTwo", "pass TestThree")}
		w.after(17, func() { w.suspend(true) })
		w.after(60, func() { w.cancel(true) })
	}},
	{name: "checks-suspended-while-a-log-is-read", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{
			"a": three, "a[two]": runs("hang TestTwo"), "a[two]+1": three,
			"a[one]": three.and(2, func(_ *world, job *simJob) { job.logNeverEnds = true }).and(20, func(_ *world, job *simJob) { job.logNeverEnds = false }),
		}
		w.after(14, func() { w.suspend(true) })
		w.after(60, func() { w.suspend(false) })
	}},
	{name: "checks-suspended-and-superseded", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{
			"a": runs("fail TestOne", "hang TestTwo", "pass TestThree"), "a[one]@2": three, "a[two]@2": three, "a[three]@2": three,
		}
		w.after(17, func() { w.suspend(true) })
		w.after(60, func() { w.retrigger("v2") })
		w.after(80, func() { w.suspend(false) })
	}},
	{name: "checks-cancelled", phases: []v1alpha1.Phase{apart("a", 2), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestOne", "hang TestTwo", "hang TestThree")}
		w.after(24, func() { w.cancel(true) })
	}},
	{name: "checks-that-had-ended-when-cancelled", phases: []v1alpha1.Phase{apart("a", 3)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestOne", "panic TestTwo", "pass TestThree")}
		w.after(8, func() { w.away(20) })
		w.after(20, func() { w.cancel(true) })
	}},
	{name: "checks-one-of-which-had-ended-when-cancelled", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("panic TestOne", "hang TestTwo", "pass TestThree")}
		w.after(8, func() { w.away(20) })
		w.after(20, func() { w.cancel(true) })
	}},
	{name: "checks-superseded", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestOne", "hang TestTwo", "hang TestThree")}
		for _, item := range []string{"one", "two", "three"} {
			w.scripts["a["+item+"]@2"] = three
		}
		w.after(24, func() { w.annotate("now") })
	}},
	{name: "checks-past-the-runs-timeout", phases: []v1alpha1.Phase{apart("a", 1), goPhase("b")}, set: func(w *world) {
		w.run.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		w.scripts = map[string]script{"a": runs("pass TestOne", "hang TestTwo", "pass TestThree")}
	}},
	{name: "checks-deleted", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestOne", "hang TestTwo", "hang TestThree")}
		w.after(24, w.delete)
	}},
	{name: "checks-wait-for-quota", phases: []v1alpha1.Phase{apart("a", 2)}, set: func(w *world) {
		w.scripts = map[string]script{"a": three}
		w.refuse = func(what string) *Block {
			if what == "create a[two]" && w.second() < 60 {
				return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: jobs"}
			}
			return nil
		}
	}},
	{name: "nodes", phases: []v1alpha1.Phase{goPhase("a", onNodes)}, set: func(w *world) {
		w.has("n1", "n2", "n3", "n4")
		w.nodes[1].Cordoned, w.nodes[2].NotReady = true, true
		w.scripts = map[string]script{"a": runs("pass TestA"), "a[n4]": runs("fail TestA")}
	}},
	{name: "nodes-that-leave", remembers: true, phases: []v1alpha1.Phase{goPhase("a", onNodes, func(p *v1alpha1.Phase) { p.Parallelism = new(int32(2)) })}, set: func(w *world) {
		w.has("n1", "n2", "n3")
		w.scripts = map[string]script{"a": runs("pass TestA"), "a[n2]": runs("hang TestA")}
		w.after(8, func() { w.leave("n2") })
		w.after(8, func() { w.leave("n3") })
	}},
	{name: "nodes-that-leave-before-there-is-a-pod", phases: []v1alpha1.Phase{goPhase("a", onNodes)}, set: func(w *world) {
		w.has("n1", "n2")
		w.scripts = map[string]script{
			"a": runs("pass TestA"), "a[n2]": {blocked: &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: pods"}},
		}
		w.after(20, func() { w.leave("n2") })
	}},
	{name: "nodes-cordoned-meanwhile", phases: []v1alpha1.Phase{goPhase("a", onNodes, func(p *v1alpha1.Phase) { p.Parallelism = new(int32(1)) })}, set: func(w *world) {
		w.has("n1", "n2")
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.after(4, func() { w.nodes[1].Cordoned = true })
		w.after(60, func() { w.nodes[1].Cordoned = false })
	}},
	{name: "nodes-none", phases: []v1alpha1.Phase{goPhase("a", onNodes)}, set: func(*world) {}},
	{name: "nodes-not-to-be-listed", phases: []v1alpha1.Phase{goPhase("a", onNodes)}, set: func(w *world) {
		w.refuse = func(what string) *Block {
			if what == "freeze nodes of a" {
				return &Block{Reason: v1alpha1.ReasonForbidden, Message: "the operator may not list nodes"}
			}
			return nil
		}
	}},
	{name: "nodes-refused-to-one-of-three", phases: []v1alpha1.Phase{
		goPhase("a", onNodes), goPhase("b", onNodes, after()), goPhase("c", onNodes, after()),
	}, set: func(w *world) {
		w.has("n1")
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB"), "c": runs("pass TestC")}
		w.refuse = func(what string) *Block {
			if what == "freeze nodes of b" {
				return &Block{Reason: v1alpha1.ReasonNameConflict, Message: "ConfigMap run-nodes-b-1 is not a list of nodes: delete it", Final: true}
			}
			return nil
		}
	}},
	{name: "nodes-refused-to-one-for-a-while", phases: []v1alpha1.Phase{goPhase("a", onNodes), goPhase("b", onNodes, after())}, set: func(w *world) {
		w.has("n1")
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB")}
		w.refuse = func(what string) *Block {
			if what == "freeze nodes of b" && w.second() < 30 {
				return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: configmaps"}
			}
			return nil
		}
	}},
	{name: "nodes-forgotten", phases: []v1alpha1.Phase{goPhase("a", onNodes)}, set: func(w *world) {
		w.has("n1", "n2")
		w.scripts = map[string]script{"a": runs("hang TestA")}
		w.after(8, func() {
			delete(w.configMaps, nodesName(w, 1, "a"))
			w.say("         somebody deletes what says which nodes phase a runs on")
		})
	}},
	{name: "checks-on-nodes", phases: []v1alpha1.Phase{apart("a", 4, onNodes)}, set: func(w *world) {
		w.has("n1", "n2")
		w.scripts = map[string]script{"a": three, "a[two on n2]": runs("fail TestTwo")}
	}},
	{name: "recipe", set: func(w *world) {
		w.reads(recipe.Recipe{
			Constraints: []recipe.Constraint{server(">= 1.30")},
			Phases:      []recipe.Phase{section("deployment", "one", "two"), section("conformance", "three")},
		})
		w.scripts = map[string]script{"deployment": three, "conformance": three}
	}},
	{name: "recipe-without-a-snapshot", set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}})
		w.run.Spec.Snapshot = nil
	}},
	{name: "recipe-not-met", set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.99")}, Phases: []recipe.Phase{section("deployment", "one")}})
		w.scripts = map[string]script{"deployment": three}
	}},
	{name: "recipe-not-to-be-told", set: func(w *world) {
		c := server(">= 1.30")
		c.Name = "OS.release.ID"
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30"), c}, Phases: []recipe.Phase{section("deployment", "one")}})
		w.scripts = map[string]script{"deployment": three}
	}},
	{name: "recipe-with-an-unknown-check", set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}, Phases: []recipe.Phase{section("deployment", "one", "onne")}})
		w.scripts = map[string]script{"deployment": three}
	}},
	{name: "recipe-without-anything", set: func(w *world) { w.reads(recipe.Recipe{}) }},
	{name: "recipe-without-anything-but-a-capture", set: func(w *world) {
		w.reads(recipe.Recipe{})
		w.run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}}
		w.scripts = map[string]script{"snapshot": runs("pass TestCapture")}
	}},
	{name: "recipe-deleted", set: func(w *world) {
		w.reads(recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one"), section("conformance", "three")}})
		w.scripts = map[string]script{"deployment": runs("hang TestOne"), "conformance": three}
		w.after(20, func() { w.forgetRecipe() })
	}},
	{name: "recipe-deleted-among-checks", phases: []v1alpha1.Phase{{Name: "deployment", Isolation: v1alpha1.IsolationCheck}}, set: func(w *world) {
		w.reads(recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one", "two")}})
		w.scripts = map[string]script{"deployment": runs("fail TestOne", "hang TestTwo")}
		w.after(24, func() { w.forgetRecipe() })
	}},
	{name: "recipe-deleted-in-the-preflight", set: func(w *world) {
		w.reads(recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one")}})
		w.scripts = map[string]script{"deployment": three}
		w.after(3, func() { w.forgetRecipe() })
	}},
	{name: "constraints-beside-tests", phases: []v1alpha1.Phase{goPhase("readiness", tries(1))}, set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}})
		w.scripts = map[string]script{"readiness": evictedAt(6), "readiness+1": runs("pass TestA")}
	}},
	{name: "capture", set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}, Phases: []recipe.Phase{section("deployment", "one")}})
		w.run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{Nodes: &v1alpha1.NodeSelection{}}}
		w.has("n1", "n2")
		w.scripts = map[string]script{"snapshot": runs("pass TestCapture"), "deployment": three}
	}},
	{name: "capture-not-whole", set: func(w *world) {
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{server(">= 1.30")}})
		w.run.Spec.Snapshot = &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}}
		w.scripts = map[string]script{"snapshot": runs("pass TestCapture")}
		w.refuse = func(what string) *Block {
			if what == "capture" {
				return &Block{Reason: v1alpha1.ReasonSnapshotIncomplete, Message: "of 2 parts 1 arrived", Final: true}
			}
			return nil
		}
	}},
	{name: "depends-on", phases: []v1alpha1.Phase{
		goPhase("a"), goPhase("b", after()), goPhase("c", after("a")), goPhase("d", after("b")), goPhase("e", after("c", "d")),
	}, set: func(w *world) {
		w.scripts = map[string]script{}
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			w.scripts[name] = runs(fmt.Sprintf("pass Test%d", i))
		}
		w.scripts["a"] = waits(unbound(corev1.PodReasonUnschedulable, "no node"), 20)
	}},
	{name: "depends-on-one-that-fails", phases: []v1alpha1.Phase{
		goPhase("a"), goPhase("b", after()), goPhase("c", after("a")), goPhase("d", after("b")), goPhase("e", after("c", "d")),
	}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA"), "b": runs("pass TestB"), "d": runs("pass TestD")}
	}},
	{name: "exclusive", phases: []v1alpha1.Phase{
		goPhase("a"), goPhase("b", after(), alone), goPhase("c", after()),
	}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB"), "c": runs("pass TestC", "pass TestD")}
	}},
	{name: "exclusive-and-superseded-by-other-phases", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		hangs := runs("hang TestA")
		hangs.immortal = true
		w.scripts = map[string]script{"a": hangs, "b": runs("pass TestB")}
		w.run.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		w.after(8, func() {
			w.edit(func(s *v1alpha1.ValidationRunSpec) {
				s.Phases = []v1alpha1.Phase{goPhase("b", alone), goPhase("c", after())}
			})
		})
	}},
	{name: "exclusive-from-the-start", phases: []v1alpha1.Phase{goPhase("a", alone), goPhase("b", after())}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB")}
	}},
	{name: "exclusive-and-the-pod-before-it-does-not-go", phases: []v1alpha1.Phase{
		goPhase("a", within(minutes(1), minutes(1)), goesOn), {Name: "b", Container: &v1alpha1.Container{}, Exclusive: true},
	}, set: func(w *world) {
		w.run.Spec.Timeout = &metav1.Duration{Duration: 10 * time.Minute}
		hangs := runs("hang TestA")
		hangs.immortal = true
		w.scripts = map[string]script{"a": hangs, "b": {}}
	}},
	{name: "exclusive-and-a-container-goes-on", phases: []v1alpha1.Phase{
		containerPhase("a"), {Name: "b", Container: &v1alpha1.Container{}, Exclusive: true},
	}, set: func(w *world) {
		s := script{}.and(5, func(w *world, job *simJob) { injected(runningSince(2))(job.pods[0]) })
		w.scripts = map[string]script{"a": s, "b": {}}
	}},
	{name: "parallel-suspended", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b", after())}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("fail TestB", "hang TestC"), "b+1": runs("pass TestB")}
		w.after(7, func() { w.suspend(true) })
		w.after(60, func() { w.suspend(false) })
	}},
	{name: "parallel-cancelled", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b", after()), goPhase("c")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB"), "b": runs("pass TestB")}
		w.after(30, func() { w.cancel(true) })
	}},
}

// forgetRecipe has somebody delete the frozen recipe.
func (w *world) forgetRecipe() {
	delete(w.configMaps, workload.InputName(w.run, w.run.Status.Attempt, workload.InputRecipe))
	w.book.excused[workload.InputName(w.run, w.run.Status.Attempt, workload.InputRecipe)] = true
	w.say("         somebody deletes the frozen recipe")
}
