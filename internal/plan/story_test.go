package plan

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

func minutes(n int) metav1.Duration { return metav1.Duration{Duration: time.Duration(n) * time.Minute} }

// story is the whole life of a run. Its transcript is in testdata, under its name.
type story struct {
	name   string
	phases []v1alpha1.Phase
	set    func(*world)
	// remembers says that the story depends on what an operator has seen and then lost: it ends otherwise after a restart.
	remembers bool
}

var stories = []story{
	{name: "pass", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "pass TestB"), "b": runs("pass TestC")}
	}},
	{name: "fail-stop", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "fail TestB"), "b": runs("pass TestC")}
	}},
	{name: "fail-continue", phases: []v1alpha1.Phase{goPhase("a", goesOn), goPhase("b"), containerPhase("c")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA"), "b": runs("skip TestB"), "c": {}}
	}},
	{name: "skip", phases: []v1alpha1.Phase{goPhase("a"), containerPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("skip TestA"), "b": {code: 2, said: "SKIP: no GPU here"}}
	}},
	{name: "panic", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "panic TestB")}
	}},
	{name: "unschedulable-healed", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(unbound(corev1.PodReasonUnschedulable, "0/3 nodes are available"), 40)}
	}},
	{name: "unschedulable", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(unbound(corev1.PodReasonUnschedulable, "0/3 nodes are available"), 0)}
	}},
	{name: "image-not-pulled", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(list(waitingFor("ImagePullBackOff", `Back-off pulling image "v"`)), 0)}
	}},
	{name: "image-invalid", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(list(waitingFor("InvalidImageName", "couldn't parse image name")), 0)}
	}},
	{name: "secret-missing", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(list(waitingFor("CreateContainerConfigError", `secret "s" not found`)), 0)}
	}},
	{name: "quota-on-pods", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		quota := &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: q"}
		w.scripts = map[string]script{"a": {tests: []string{"pass TestA"}, blocked: quota, healed: 60}}
	}},
	{name: "pod-forbidden", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": {blocked: &Block{Reason: v1alpha1.ReasonForbidden, Message: "violates PodSecurity", Final: true}}}
	}},
	{name: "never-starts", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(5)))}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(list(waitingFor("ContainerCreating", "")), 0)}
	}},
	{name: "phase-timeout", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(1)))}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB")}
	}},
	{name: "run-timeout-running", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(60))), goPhase("b")}, set: func(w *world) {
		w.run.Spec.Timeout = &metav1.Duration{Duration: 2 * time.Minute}
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB")}
	}},
	{name: "run-timeout-waiting", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.run.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": waits(unbound(corev1.PodReasonUnschedulable, "no node"), 0)}
	}},
	{name: "list-fails", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": {tests: []string{"pass TestA"}, listCode: 2}}
	}},
	{name: "list-fails-counted", phases: []v1alpha1.Phase{goPhase("a", expects(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": {tests: []string{"pass TestA"}, listCode: 2}}
	}},
	{name: "list-hangs", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": {listHangs: true}}
	}},
	{name: "list-hangs-counted", phases: []v1alpha1.Phase{goPhase("a", expects(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": {tests: []string{"pass TestA"}, listHangs: true}}
	}},
	{name: "list-hangs-counted-refused", phases: []v1alpha1.Phase{goPhase("a", expects(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": {tests: []string{"pass TestA"}, listHangs: true}}
		w.refuse = func(what string) *Block {
			if what == "create a/unlisted" && w.second() < 90 {
				return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: jobs"}
			}
			return nil
		}
	}},
	{name: "job-deleted", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB").and(8, func(w *world, job *simJob) { w.stop(job) })}
	}},
	{name: "job-deleted-before-its-pod", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": {blocked: &Block{Reason: v1alpha1.ReasonPodNotCreated, Message: "webhook"}}}
		s := w.scripts["a"]
		w.scripts["a"] = s.and(8, func(w *world, job *simJob) { w.stop(job) })
	}},
	{name: "pod-deleted", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB").and(8, func(w *world, job *simJob) { w.terminate(job, job.pods[0]) })}
	}},
	{name: "pod-vanishes", remembers: true, phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB").and(8, func(w *world, job *simJob) { w.removePod(job) })}
	}},
	{name: "second-pod", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB").and(8, func(w *world, job *simJob) {
			w.bind(job)
		})}
	}},
	{name: "evicted", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB").and(8, func(w *world, job *simJob) {
			pod := job.pods[0]
			disrupted(w.second(), "EvictionByEvictionAPI", "Eviction API: evicting")(pod)
			w.terminate(job, pod)
		})}
	}},
	{name: "node-lost", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(1)))}, set: func(w *world) {
		s := runs("pass TestA", "hang TestB").and(8, func(w *world, job *simJob) {
			disrupted(w.second(), "DeletionByTaintManager", "Taint manager: deleting")(job.pods[0])
			deleted(w.second())(job.pods[0])
		})
		s.immortal = true
		w.scripts = map[string]script{"a": s}
	}},
	{name: "edit-supersedes", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "pass TestB"), "b": runs("pass TestC")}
		w.after(7, func() { w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger = "v2" }) })
	}},
	{name: "edit-of-a-run-whose-pod-does-not-go", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(5)))}, set: func(w *world) {
		s := runs("pass TestA", "hang TestB")
		s.immortal = true
		w.scripts = map[string]script{"a": s}
		w.after(7, func() { w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger = "v2" }) })
	}},
	{name: "edit-before-anything-is-frozen", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.missing = "recipe: ConfigMap r does not exist"
		w.after(7, func() { w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger = "v2" }) })
		w.after(9, func() { w.missing = "" })
	}},
	{name: "edit-when-complete", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA")}
		w.after(60, func() {
			w.scripts["a"] = runs("pass TestA")
			w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger = "v2" })
		})
	}},
	{name: "edit-that-means-the-same", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "pass TestB")}
		w.after(6, func() {
			w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Timeout = &metav1.Duration{Duration: 2 * time.Hour} })
		})
		w.after(60, func() { w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Phases[0].OnFailure = v1alpha1.Stop }) })
	}},
	{name: "deleted-at-once", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.missing = "recipe: ConfigMap r does not exist"
		w.after(2, func() { w.delete() })
	}},
	{name: "deleted-while-starting", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": waits(unbound(corev1.PodReasonUnschedulable, "no node"), 0)}
		w.after(8, func() { w.delete() })
	}},
	{name: "deleted-while-running", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB", "hang TestC")}
		w.after(20, func() { w.delete() })
	}},
	{name: "deleted-and-the-pod-does-not-go", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		s := runs("hang TestA")
		s.immortal = true
		w.scripts = map[string]script{"a": s}
		w.after(8, func() { w.delete() })
	}},
	{name: "result-not-stored", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.refuseStore = func() *Block {
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: configmaps"}
		}
		w.after(600, func() {
			w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Timeout = &metav1.Duration{Duration: 2 * time.Hour} })
		})
	}},
	{name: "result-stored-late", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.refuseStore = func() *Block {
			if w.second() >= 30 {
				return nil
			}
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: configmaps"}
		}
	}},
	{name: "result-too-large", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.refuseStore = func() *Block { return &Block{Reason: v1alpha1.ReasonInvalidSpec, Message: "too large", Final: true} }
	}},
	{name: "input-appears", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.missing = "recipe: ConfigMap r does not exist"
		w.after(42, func() { w.missing = "" })
	}},
	{name: "input-never-appears", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.missing = "recipe: ConfigMap r does not exist"
	}},
	{name: "name-conflict", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.refuse = func(string) *Block {
			return &Block{Reason: v1alpha1.ReasonNameConflict, Message: "ConfigMap x exists", Final: true}
		}
	}},
	{name: "quota-on-jobs-healed", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.refuse = func(what string) *Block {
			if what == "create a" && w.second() < 30 {
				return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: jobs"}
			}
			return nil
		}
	}},
	{name: "setup-forbidden", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(1)))}, set: func(w *world) {
		w.refuse = func(string) *Block { return &Block{Reason: v1alpha1.ReasonForbidden, Message: "the operator may not"} }
	}},
	{name: "log-without-end", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.run.Spec.Timeout = &metav1.Duration{Duration: 10 * time.Minute}
		w.scripts = map[string]script{"a": runs("pass TestA").and(2, func(_ *world, job *simJob) { job.logNeverEnds = true })}
	}},
	{name: "injected-container-goes-on", phases: []v1alpha1.Phase{containerPhase("a"), containerPhase("b")}, set: func(w *world) {
		s := script{}.and(5, func(w *world, job *simJob) {
			injected(runningSince(2))(job.pods[0])
		})
		w.scripts = map[string]script{"a": s, "b": {}}
	}},
}

func TestStories(t *testing.T) {
	for _, s := range slices.Concat(stories, attemptStories, wishStories, itemStories) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			golden(t, s.name+".txt", s.tell(t, false))
		})
	}
}

// Decide remembers nothing: an operator that starts anew before every single step does and says the same.
func TestStoriesWithARestartAtEveryStep(t *testing.T) {
	for _, s := range slices.Concat(stories, attemptStories, wishStories, itemStories) {
		if s.remembers {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(s.tell(t, false), s.tell(t, true)); diff != "" {
				t.Errorf("the story changes with restarts (-without +with)\n%s", diff)
			}
		})
	}
}

func (s story) tell(t *testing.T, restarts bool) string {
	var phases []v1alpha1.Phase
	for _, p := range s.phases {
		phases = append(phases, *p.DeepCopy())
	}
	w := newWorld(t, phases...)
	w.restarts = restarts
	s.set(w)
	w.live()
	return w.said.String()
}

// golden compares got with a file of testdata, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it\n%s", path, diff)
	}
}
