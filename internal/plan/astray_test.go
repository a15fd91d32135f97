package plan

import (
	"strings"
	"testing"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/recipe"
)

// A pass counts of the one pod that was to run, where it was to run.
func TestAPassOfAnotherPodOrPlaceIsNone(t *testing.T) {
	pass, fail := runs("pass TestA"), runs("fail TestA")
	elsewhere := func(job *Job) { job.Pods[0].Node = "n7" }
	second := func(job *Job) {
		other := job.Pods[0]
		other.Name, other.UID, other.Log, other.Started = "other", "other", Log{}, other.Started.Add(1)
		job.Pods = append(job.Pods, other)
	}
	idle := func(job *Job) {
		second(job)
		job.Pods[1].Validator = Container{}
	}
	anew := func(job *Job) {
		job.Pods[0].Trouble = Look(newPod(validator(exited(0, "Completed", 4, 9)), restarted(1))).Trouble
	}
	nodes, container := goPhase("a", onNodes), containerPhase("a")
	onNodes(&container)
	tests := map[string]struct {
		phase  v1alpha1.Phase
		script script
		change func(*Job)
		want   string
	}{
		"on its node":                       {nodes, pass, func(*Job) {}, "[P]"},
		"on another node":                   {nodes, pass, elsewhere, "Error EvidenceIncomplete: pod run-a-"},
		"a skip on another node":            {nodes, runs("skip TestA"), elsewhere, "Error EvidenceIncomplete: pod run-a-"},
		"a failure on another node":         {nodes, fail, elsewhere, "Failed TestsFailed: "},
		"a container on another node":       {container, script{}, elsewhere, "Error EvidenceIncomplete: pod run-a-"},
		"anywhere":                          {goPhase("a"), pass, elsewhere, "Passed"},
		"beside a second pod":               {goPhase("a"), pass, second, "Error PodReplaced: Job run-a-"},
		"beside a second pod, and failed":   {goPhase("a"), fail, second, "Failed TestsFailed: "},
		"beside one that has run nothing":   {goPhase("a"), pass, idle, "Passed"},
		"by a container that was restarted": {goPhase("a"), pass, anew, "Error PodReplaced: the validator was restarted"},
		"a container that was restarted":    {containerPhase("a"), script{}, anew, "Error PodReplaced: the validator was restarted"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phase)
			w.has("n1")
			w.scripts = map[string]script{"a": test.script}
			seen, item := w.untilKept("a")
			seen.Kept = nil
			test.change(&seen.Jobs[0])
			d := w.decide(seen)
			got := endOf(&d, item)
			if f := d.Status.Phases[0].FanOut; got == items(f) && f != nil {
				got = "[" + f.Outcomes + "]"
			}
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// A binary that runs its tests where it is asked for their names, and is then stopped, has given no answer.
func TestPreflightTakesNoTestsForAnAnswer(t *testing.T) {
	w := newWorld(t, apart("a", 1))
	w.scripts = map[string]script{"a": three}
	seen, item := w.untilKept(v1alpha1.PhasePreflight)
	seen.Kept = nil
	pod := &seen.Jobs[0].Pods[0]
	pod.Log.Stream = streamOf(t, "pass TestOne", "pass TestTwo", "pass TestThree")
	pod.Trouble = disruption(newPod(disrupted(5, "EvictionByEvictionAPI", "Eviction API: evicting")))
	d := w.decide(seen)
	if got, want := endOf(&d, item), "Error Evicted: "; !strings.HasPrefix(got, want) {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

// streamOf is what a binary prints whose tests end so, each a word and a name.
func streamOf(t *testing.T, tests ...string) gotest.Result {
	t.Helper()
	stream := gotest.NewStream(gotest.DefaultLimits())
	text := ""
	for _, test := range tests {
		how, name, _ := strings.Cut(test, " ")
		text += "\x16=== RUN   " + name + "\n\x16--- " + strings.ToUpper(how) + ": " + name + " (0.00s)\n"
	}
	if _, err := stream.Write([]byte(text + "\x16PASS\n")); err != nil {
		t.Fatal(err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return stream.Result()
}

// A container that somebody has put before that of a container phase, by the name of the list of tests, says nothing of tests when it fails.
func TestAListOfAContainerPhaseIsNone(t *testing.T) {
	w := newWorld(t, containerPhase("a"))
	w.scripts = map[string]script{"a": {}}
	seen, item := w.untilKept("a")
	seen.Kept = nil
	pod := &seen.Jobs[0].Pods[0]
	pod.Validator, pod.Ended, pod.Listing.Failed = Container{}, false, "exit code 1"
	d := w.decide(seen)
	if got := d.Status.Phases[0]; got.State != v1alpha1.PhaseRunning || item.Phase != "a" {
		t.Errorf("it is %s %s: %s", got.State, got.Reason, got.Message)
	}
}

// Where the recipe is gone from which a phase that runs has what it must prove, nothing proves that it passed; a failure is one all the same.
func TestAPassIsNoneWhereTheRecipeIsGone(t *testing.T) {
	tests := map[string]struct {
		phases []v1alpha1.Phase
		script script
		want   string
	}{
		"a pass":          {nil, runs("pass TestOne"), "Error InputMissing: nothing says any more what phase deployment runs"},
		"a skip":          {nil, runs("skip TestOne"), "Error InputMissing: "},
		"a failure":       {nil, runs("fail TestOne"), "Failed TestsFailed: "},
		"a container":     {[]v1alpha1.Phase{containerPhase("deployment")}, script{}, "Error InputMissing: "},
		"one that failed": {[]v1alpha1.Phase{containerPhase("deployment")}, script{code: 1}, "Failed TestsFailed: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phases...)
			w.scripts = map[string]script{v1alpha1.PhasePreflight: runs("pass TestOne"), "deployment": test.script}
			w.reads(recipe.Recipe{Phases: []recipe.Phase{section("deployment", "one")}})
			seen, item := w.untilKept("deployment")
			seen.Kept, seen.Recipe = nil, nil
			d := w.decide(seen)
			if got := endOf(&d, item); !strings.HasPrefix(got, test.want) {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
