package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// world is a run and all of a cluster that it meets, in memory: it does what a Decision asks for, lets pods live by their scripts, and
// writes down what happens.
type world struct {
	t   *testing.T
	run *v1alpha1.ValidationRun
	now time.Time
	// scripts are the lives of the pods, by phase, and by phase/unlisted where that differs.
	scripts map[string]script
	// refuse is the API server's refusal of setup or of "create <phase>", missing what an input waits for.
	refuse  func(what string) *Block
	missing string
	// refuseStore is why the result cannot be stored, or not yet.
	refuseStore func() *Block
	// restarts has the operator start anew before every step; loses says whether it is killed before it has written status.
	restarts bool
	loses    func() bool
	// outage is for how many seconds there is no operator after that.
	outage int

	jobs     []*simJob
	timers   []timer
	specs    map[int64]string // frozen, by attempt
	highest  int64
	kept     map[string][]byte // evidence, by attempt and phase
	follow   types.UID
	memory   map[types.UID]Pod // followed pods as they were seen last
	finished bool              // deleted, and the finalizer is gone
	said     strings.Builder
	heard    string // what was followed, for the transcript
}

type timer struct {
	at time.Time
	do func()
}

// simJob is a Job and its pod.
type simJob struct {
	name               string
	item               workload.Item
	script             script
	deleting, finished bool
	blocked            *Block
	pods               []*corev1.Pod
	log, listing       string
	logNeverEnds       bool
}

func newWorld(t *testing.T, phases ...v1alpha1.Phase) *world {
	t.Helper()
	return &world{
		t: t, now: epoch, specs: map[int64]string{}, kept: map[string][]byte{}, scripts: map[string]script{}, memory: map[types.UID]Pod{},
		run: &v1alpha1.ValidationRun{
			ObjectMeta: metav1.ObjectMeta{Name: "run", Namespace: "ns", UID: "run-uid", Generation: 1},
			Spec:       v1alpha1.ValidationRunSpec{Validator: v1alpha1.Validator{Image: "example.test/v:1"}, Phases: phases},
			Status:     v1alpha1.ValidationRunStatus{ObservedGeneration: -1},
		},
	}
}

func (w *world) second() int { return int(w.now.Sub(epoch).Seconds()) }

// after has something happen so many seconds from now.
func (w *world) after(seconds int, do func()) {
	w.timers = append(w.timers, timer{at: w.now.Add(time.Duration(seconds) * time.Second), do: do})
	slices.SortStableFunc(w.timers, func(a, b timer) int { return a.at.Compare(b.at) })
}

func (w *world) edit(change func(*v1alpha1.ValidationRunSpec)) {
	change(&w.run.Spec)
	w.run.Generation++
	w.say("         the spec is edited")
}

func (w *world) delete() {
	if w.run.DeletionTimestamp == nil {
		w.run.DeletionTimestamp = new(metav1.NewTime(w.now))
		w.say("         the run is deleted")
	}
}

// live goes on until nothing happens any more.
func (w *world) live() {
	w.t.Helper()
	for range 5000 {
		before := w.snapshot()
		wait := w.pass()
		if w.finished || w.t.Failed() {
			return
		}
		if w.snapshot() != before {
			continue // what was written brings the next step
		}
		next := w.now.Add(wait)
		if len(w.timers) > 0 && (wait == 0 || !w.timers[0].at.After(next)) {
			due := w.timers[0]
			w.timers = w.timers[1:]
			w.now = due.at
			due.do()
			continue
		}
		if wait == 0 {
			w.atRest()
			return
		}
		w.now = next
	}
	w.t.Fatalf("it does not come to rest\n%s", w.said.String())
}

// pause lets the time of an outage go by.
func (w *world) pause() {
	end := w.now.Add(time.Duration(w.outage) * time.Second)
	for len(w.timers) > 0 && !w.timers[0].at.After(end) {
		due := w.timers[0]
		w.timers = w.timers[1:]
		w.now = due.at
		due.do()
	}
	w.now = end
}

// snapshot is everything whose change brings an event.
func (w *world) snapshot() string {
	data, err := json.Marshal(w.run)
	if err != nil {
		w.t.Fatal(err)
	}
	out := string(data)
	for _, job := range w.jobs {
		out += fmt.Sprint(job.name, job.deleting, job.finished, len(job.pods))
	}
	return out
}

// atRest: without anything to happen any more, the run has to be complete and to have let go of everything.
func (w *world) atRest() {
	if w.run.Status.Verdict == "" || w.run.DeletionTimestamp != nil {
		w.t.Errorf("dead: nothing will happen, and the run is not complete\n%s", w.said.String())
	}
	for _, job := range w.jobs {
		if !job.finished && !job.script.immortal {
			w.t.Errorf("Job of %v is left\n%s", job.item, w.said.String())
		}
	}
}

// observe is what an operator sees of the run's surroundings.
func (w *world) observe() Observed {
	run := w.run
	seen := Observed{Missing: w.missing}
	for _, job := range w.jobs {
		seen.Jobs = append(seen.Jobs, w.look(job))
	}
	for _, p := range run.Status.Phases {
		for _, name := range p.Jobs {
			if p.State.Ended() || slices.ContainsFunc(seen.Jobs, func(j Job) bool { return j.Name == name }) {
				continue
			}
			item := workload.Item{Attempt: run.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
			if item.Unlisted = name != workload.JobName(run, item); item.Unlisted && name != workload.JobName(run, item) {
				continue // of an earlier run of the phase
			}
			seen.Jobs = append(seen.Jobs, Job{Name: name, Item: item, Gone: true, Pods: w.remembered(name, nil)})
		}
	}
	slices.SortFunc(seen.Jobs, func(a, b Job) int { return strings.Compare(a.Name, b.Name) })
	if run.Status.Attempt > 0 && run.Generation != run.Status.ObservedGeneration {
		seen.SpecChanged = w.specs[run.Status.Attempt] != w.encodedSpec()
		if frozen := w.specs[run.Status.Attempt]; seen.SpecChanged && frozen != "" {
			seen.Spec = &v1alpha1.ValidationRunSpec{}
			if err := json.Unmarshal([]byte(frozen), seen.Spec); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	seen.HighestAttempt = w.highest
	if _, ok := w.specs[run.Status.Attempt]; ok && !seen.SpecChanged && len(run.Status.Inputs) == 0 {
		seen.Frozen = w.inputs()
	}
	return seen
}

func (w *world) look(job *simJob) Job {
	out := Job{Name: job.name, Item: job.item, Finished: job.finished, Deleting: job.deleting, Blocked: job.blocked}
	for _, pod := range job.pods {
		p := Look(pod)
		if p.UID == w.follow {
			w.memory[p.UID] = p
			w.read(job, &p)
		}
		out.Pods = append(out.Pods, p)
	}
	out.Pods = append(out.Pods, w.remembered(job.name, out.Pods)...)
	return out
}

// remembered are followed pods of a Job that are gone.
func (w *world) remembered(job string, there []Pod) (out []Pod) {
	pod, ok := w.memory[w.follow]
	if !ok || !strings.HasPrefix(pod.Name, job+"-") || slices.ContainsFunc(there, func(p Pod) bool { return p.UID == pod.UID }) {
		return nil
	}
	pod.Gone = true
	return append(out, pod)
}

// read fills in what a follower of the pod has read by now.
func (w *world) read(job *simJob, pod *Pod) {
	if e := pod.List.Exit; e != nil && e.Code == 0 {
		pod.Listing = Listing{Read: true, Tests: gotest.ParseList([]byte(job.listing))}
	}
	stream := gotest.NewStream(gotest.DefaultLimits())
	_, _ = stream.Write([]byte(job.log))
	pod.Log.Since = w.now.Add(-catchUp) // there is no more of it than was read
	pod.Log.Ended = pod.Validator.Exit != nil && !job.logNeverEnds
	if pod.Log.Ended {
		_ = stream.Close()
	}
	pod.Log.Progress, pod.Log.Stream = stream.Progress(), stream.Result()
	w.memory[pod.UID] = *pod
}

func (w *world) encodedSpec() string {
	data, err := workload.EncodeSpec(&w.run.Spec)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

func (w *world) inputs() []v1alpha1.Input {
	return []v1alpha1.Input{{Name: workload.InputSpec, ConfigMap: workload.InputName(w.run, w.run.Status.Attempt, workload.InputSpec)}}
}

// pass is one pass of the operator, as the controller does it.
func (w *world) pass() time.Duration {
	w.t.Helper()
	if w.restarts {
		w.follow, w.memory = "", map[types.UID]Pod{}
	}
	seen := w.observe()
	d := w.decide(seen)
	if d.Follow != "" && d.Follow != w.follow && w.run.DeletionTimestamp == nil {
		// A follower starts; what it reads is there at once.
		w.mustNotJudgeUnread(d)
		w.follow = d.Follow
		seen = w.observe()
		d = w.decide(seen)
	}
	var made []string
	for n := 0; d.Freeze || d.Setup || d.Create != nil || d.Store || d.Keep != nil && seen.Kept == nil; n++ {
		if n > 7 {
			w.t.Fatalf("it asks for the same again and again: %+v\n%s", d, w.said.String())
		}
		made = append(made, w.make(d, &seen))
		d = w.decide(seen)
	}
	before := w.run.Status.DeepCopy()
	lost := w.loses != nil && w.loses()
	asked := w.act(d)
	if w.run.DeletionTimestamp != nil {
		w.release(d)
		w.tell(before, append(made, asked...), d)
		return d.After
	}
	w.check(before, &d)
	if lost {
		w.follow, w.memory = "", map[types.UID]Pod{}
		w.pause()
		return time.Nanosecond
	}
	w.publish(d)
	w.release(d)
	w.tell(before, append(made, asked...), d)
	return d.After
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

// publish writes status, by way of the encoding that it has in the API.
func (w *world) publish(d Decision) {
	data, err := json.Marshal(d.Status)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run.Status = v1alpha1.ValidationRunStatus{}
	if err := json.Unmarshal(data, &w.run.Status); err != nil {
		w.t.Fatal(err)
	}
}
