package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// world is a run and all of a cluster that it meets, in memory: it does what a Decision asks for, lets pods live by their scripts, and
// writes down what happens.
type world struct {
	t   *testing.T
	run *v1alpha1.ValidationRun
	now time.Time
	// scripts are the lives of the pods, by phase, or by phase/unlisted, phase+restart or phase@attempt where that differs; write says it
	// for a Job where it is not nil.
	scripts map[string]script
	write   func(workload.Item) script
	// refuse is the API server's refusal of "freeze", "setup" or "create <phase>", missing what an input waits for, and absent are the
	// names of ConfigMaps that the spec names and that are not there.
	refuse  func(what string) *Block
	missing string
	absent  map[string]bool
	// refuseStore is why the result cannot be stored, or not yet.
	refuseStore func() *Block
	// restarts has the operator start anew before every step; dies says whether it is killed at the next point of a step.
	restarts bool
	dies     func() bool
	// outage is for how many seconds there is no operator after that.
	outage int

	jobs       []*simJob
	timers     []timer
	configMaps map[string]*simConfigMap
	recipe     recipe.Recipe   // what the frozen recipe says
	snapshot   recipe.Snapshot // what the frozen snapshot says, and what is captured
	nodes      []Node          // the cluster's, by name
	laidOut    laidOut
	follow     []types.UID
	followed   map[types.UID]time.Time // since when; a restart at every step takes no time
	memory     map[types.UID]Pod       // followed pods as they were seen last
	wrote      bool                    // something was written in this step, which brings the next one
	acted      bool                    // and it was not status alone
	finished   bool                    // deleted, and the finalizer is gone
	said       strings.Builder
	heard      string // what was followed, for the transcript
	book       book
}

type timer struct {
	at time.Time
	do func()
}

// simJob is a Job and its pod.
type simJob struct {
	name               string
	item               workload.Item
	phase              *v1alpha1.Phase
	script             script
	deleting, finished bool
	blocked            *Block
	pods               []*corev1.Pod
	log, listing       string
	logNeverEnds       bool
	sealed             bool // its log is not read, because what was read of it before cannot be had
	void               bool // what its validator comes to proves no pass
}

// simConfigMap is a ConfigMap of the run.
type simConfigMap struct {
	Child
	data []byte
}

func newWorld(t *testing.T, phases ...v1alpha1.Phase) *world {
	t.Helper()
	return &world{
		t: t, now: epoch, configMaps: map[string]*simConfigMap{}, scripts: map[string]script{}, memory: map[types.UID]Pod{},
		absent: map[string]bool{}, followed: map[types.UID]time.Time{}, book: newBook(),
		run: &v1alpha1.ValidationRun{
			ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "ns", UID: "run-uid", Generation: 1},
			Spec:       v1alpha1.ValidationRunSpec{Validator: v1alpha1.Validator{Image: "example.test/v:1"}, Phases: phases},
			Status:     v1alpha1.ValidationRunStatus{ObservedGeneration: -1},
		},
	}
}

// live goes on until nothing happens any more.
func (w *world) live() {
	w.t.Helper()
	for range 20000 {
		wait := w.pass()
		if w.finished || w.t.Failed() {
			return
		}
		if w.wrote {
			w.checkWrites(!w.acted)
			continue // what was written brings the next step
		}
		w.checkQuiet()
		next := w.now.Add(wait)
		if len(w.timers) > 0 && (wait == 0 || !w.timers[0].at.After(next)) {
			w.ring()
			continue
		}
		if wait == 0 {
			w.atRest()
			return
		}
		w.now = next
		w.book.event()
	}
	w.t.Fatalf("it does not come to rest\n%s", w.said.String())
}

// ring has the next thing happen that is going to.
func (w *world) ring() {
	due := w.timers[0]
	w.timers = w.timers[1:]
	if due.at.After(w.now) {
		w.now = due.at
	}
	due.do()
	w.book.event()
}

// listen follows the logs of pods, and of no others.
func (w *world) listen(pods []types.UID) {
	w.follow = pods
	for _, pod := range pods {
		if w.followed[pod].IsZero() {
			w.followed[pod] = w.now
		}
	}
}

// listensAnew says whether a decision asks for a log that is not followed.
func (w *world) listensAnew(d Decision) bool {
	return slices.ContainsFunc(d.Follow, func(pod types.UID) bool { return !slices.Contains(w.follow, pod) })
}

// touch is a write of anything but status.
func (w *world) touch() { w.wrote, w.acted = true, true }

// die is the end of an operator, and the time until the next one.
func (w *world) die() {
	clear(w.followed)
	w.follow, w.memory = nil, map[types.UID]Pod{}
	end := w.now.Add(time.Duration(w.outage) * time.Second)
	for len(w.timers) > 0 && !w.timers[0].at.After(end) {
		w.ring()
	}
	if end.After(w.now) {
		w.now = end
	}
	w.book.away += time.Duration(w.outage) * time.Second
	w.book.event()
	w.touch()
}

// atRest: without anything to happen any more, the run has to be complete or suspended, and to have let go of everything.
func (w *world) atRest() {
	w.t.Helper()
	stuck := slices.ContainsFunc(w.jobs, func(j *simJob) bool { return j.script.immortal })
	if w.run.Status.Verdict == "" && !w.suspended() && (!w.run.Spec.Suspend || !stuck) || w.run.DeletionTimestamp != nil {
		w.t.Errorf("dead: nothing will happen, and the run is not complete\n%s", w.said.String())
	}
	for _, job := range w.jobs {
		if !job.finished && !job.script.immortal {
			w.t.Errorf("Job of %v is left\n%s", job.item, w.said.String())
		}
	}
}

func (w *world) suspended() bool {
	return w.run.Spec.Suspend && meta.FindStatusCondition(w.run.Status.Conditions, v1alpha1.ConditionReconciling) == nil
}

// pass is one pass of the operator, as the controller does it.
func (w *world) pass() time.Duration {
	w.t.Helper()
	w.wrote, w.acted = false, false
	if w.restarts {
		w.follow, w.memory = nil, map[types.UID]Pod{}
	}
	seen := w.observe()
	d := w.decide(seen)
	if w.listensAnew(d) && w.run.DeletionTimestamp == nil {
		// A follower starts; what it reads is there at once.
		w.mustNotJudgeUnread(d)
		w.listen(d.Follow)
		seen = w.observe()
		d = w.decide(seen)
	}
	var did []string
	for n := 0; asks(d, &seen); n++ {
		if n > 10 {
			w.t.Fatalf("it asks for the same again and again: %+v\n%s", d, w.said.String())
		}
		what, again := w.make(d, &seen)
		if did = append(did, what); again || w.killed() {
			return time.Nanosecond
		}
		d = w.decide(seen)
	}
	if w.killed() {
		return time.Nanosecond
	}
	before := w.run.Status.DeepCopy()
	did = append(did, w.act(d)...)
	if w.run.DeletionTimestamp == nil {
		w.check(before, &d)
		if w.killed() {
			return time.Nanosecond
		}
		w.publish(d)
		w.checkPublished(before)
		if w.killed() {
			return time.Nanosecond
		}
		if d.Prune {
			did = append(did, w.prune(&d.Status)...)
		}
	}
	w.release(d)
	w.tell(before, did, d)
	w.checkWorld()
	return d.After
}

// asks says whether a decision asks for something to be made, after which it is taken again.
func asks(d Decision, seen *Observed) bool {
	return d.Freeze || d.Setup || d.Capture || d.FreezeNodes != nil || len(d.Create) > 0 || d.Store || len(d.Unkept(seen)) > 0
}

// killed says whether the operator dies at this point of a step, and if so has it.
func (w *world) killed() bool {
	if w.dies == nil || w.t.Failed() || !w.dies() {
		return false
	}
	w.checkWorld()
	w.die()
	return true
}

// decide asks twice: a decision depends on nothing but its arguments, and changes none of them.
func (w *world) decide(seen Observed) Decision {
	w.t.Helper()
	run := w.run.DeepCopy()
	d, again := Decide(w.run, seen, w.now), Decide(w.run, seen, w.now)
	if !reflect.DeepEqual(d, again) {
		w.t.Errorf("two decisions about the same differ:\n%+v\n%+v", d, again)
	}
	if !reflect.DeepEqual(run, w.run) {
		w.t.Error("a decision changed the run that it was about")
	}
	return d
}

// publish writes status if it differs, by way of the encoding that it has in the API.
func (w *world) publish(d Decision) {
	if equality.Semantic.DeepEqual(w.run.Status, d.Status) {
		return
	}
	data, err := json.Marshal(d.Status)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run.Status = v1alpha1.ValidationRunStatus{}
	if err := json.Unmarshal(data, &w.run.Status); err != nil {
		w.t.Fatal(err)
	}
	w.wrote = true
}
