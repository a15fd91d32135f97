package plan

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// scene is a run in a state that something happens to.
type scene struct {
	*world
	// quiet is the same run to which nothing happens.
	quiet *world
	// was is the status that it happened to.
	was *v1alpha1.ValidationRunStatus
	// early is the status of the attempt's beginning.
	early *v1alpha1.ValidationRunStatus
}

// kind is how a scene's validators live: to their end, or for ever; and whether the run's timeout comes before the phase's.
type kind struct{ hangs, short bool }

// stage sets a run of phases a and b up that is on its way to a state, in which it is after some seconds.
type staging struct {
	state string
	// set makes the run and gives the second at which it is in the state.
	set func(w *world, k kind) (second int)
}

// stagings are the states of the table, in its order.
var stagings = []staging{
	{stateNew, func(*world, kind) int { return -1 }},
	{stateWaiting, func(w *world, k kind) int {
		w.run.Spec.Snapshot = snapshotOf("s")
		w.absent["s"] = true
		if !k.hangs {
			w.after(9, func() { w.absent["s"] = false })
		}
		return 5
	}},
	{stateStarting, func(w *world, k kind) int {
		if k.hangs {
			w.scripts["a"] = waits(list(waitingFor("ContainerCreating", "")), 0)
		}
		return 2
	}},
	{stateRunning, func(*world, kind) int { return 6 }},
	{stateReading, func(w *world, k kind) int {
		stuck := func(_ *world, job *simJob) { job.logNeverEnds = true }
		read := func(_ *world, job *simJob) { job.logNeverEnds = k.hangs }
		w.scripts["a"] = runs("pass TestA").and(7, stuck).and(12, read)
		return 9
	}},
	{stateRetrying, func(w *world, k kind) int {
		w.run.Spec.Phases[0].Retries = new(int32(2))
		s := runs("hang TestA").and(6, func(w *world, job *simJob) { w.evict(job) })
		w.scripts["a"], w.scripts["a+1"] = s, runs("pass TestA", "pass TestB")
		w.refuse = func(what string) *Block {
			if what != "create a+1" || !k.hangs && w.second() > 12 {
				return nil
			}
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: jobs"}
		}
		return 10
	}},
	{stateSuspending, func(w *world, _ kind) int {
		w.after(6, func() { w.suspend(true) })
		return 7
	}},
	{stateSuspended, func(w *world, _ kind) int {
		w.after(6, func() { w.suspend(true) })
		return 20
	}},
	{stateCancelling, func(w *world, _ kind) int {
		w.after(6, func() { w.cancel(true) })
		return 7
	}},
	{stateCancelled, func(w *world, _ kind) int {
		w.after(6, func() { w.cancel(true) })
		return 60
	}},
	{stateHeld, func(w *world, _ kind) int {
		w.after(6, func() { w.cancel(true) })
		w.after(30, func() { w.retrigger("v2") })
		return 60
	}},
	{stateDeleting, func(w *world, _ kind) int {
		w.after(6, w.delete)
		return 7
	}},
	{"Passed", func(w *world, _ kind) int {
		w.scripts["a"] = runs("pass TestA", "pass TestB")
		return 60
	}},
	{"Failed", func(w *world, _ kind) int {
		w.scripts["a"] = runs("fail TestA")
		return 60
	}},
	{"Error", func(w *world, _ kind) int {
		w.scripts["a"] = runs("panic TestA")
		return 60
	}},
	{"Skipped", func(w *world, _ kind) int {
		w.scripts["a"], w.scripts["b"] = runs("skip TestA"), runs("skip TestA")
		return 60
	}},
	{"Cancelled", func(w *world, _ kind) int {
		w.after(6, func() { w.cancel(true) })
		w.after(30, func() { w.cancel(false) })
		return 60
	}},
}

// happenings are the events of the table, in its order.
var happenings = []struct {
	event string
	kind  kind
	do    func(*scene)
}{
	{event: editEvent, do: func(s *scene) { s.retrigger("v3") }},
	{event: otherEditEvent, do: func(s *scene) {
		s.edit(func(spec *v1alpha1.ValidationRunSpec) { spec.HistoryLimit = new(int32(7)) })
	}},
	{event: sameApplyEvent, do: func(s *scene) { s.edit(func(*v1alpha1.ValidationRunSpec) {}) }},
	{event: rerunEvent, do: func(s *scene) { s.annotate("now") }},
	{event: suspendEvent, do: func(s *scene) { s.suspend(true) }},
	{event: resumeEvent, do: func(s *scene) { s.suspend(false) }},
	{event: cancelEvent, do: func(s *scene) { s.cancel(true) }},
	{event: uncancelEvent, do: func(s *scene) { s.cancel(false) }},
	{event: deleteEvent, do: func(s *scene) { s.delete() }},
	{event: wipeEvent, do: func(s *scene) { s.wipe() }},
	{event: restoreEvent, do: func(s *scene) {
		if s.early != nil {
			s.restore(s.early)
		}
	}},
	{event: jobDeletedEvent, do: func(s *scene) {
		if job := s.theJob("a"); job != nil {
			s.stop(job)
		}
	}},
	{event: podLostEvent, do: func(s *scene) {
		if job := s.theJob("a"); job != nil {
			s.loseNode(job)
		}
	}},
	{event: phaseTimeEvent, kind: kind{hangs: true}, do: longTime},
	{event: runTimeEvent, kind: kind{hangs: true, short: true}, do: longTime},
	{event: restartEvent, do: func(s *scene) { s.die() }},
	{event: refusedEvent, do: func(s *scene) {
		s.refuseStore = func() *Block {
			return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: configmaps"}
		}
	}},
}

// longTime is longer than any timeout.
func longTime(s *scene) { s.after(3*60*60, func() {}) }

// arrive brings a run into a state.
func arrive(t *testing.T, st staging, k kind) *scene {
	t.Helper()
	w := newWorld(t, goPhase("a", within(minutes(1), minutes(1))), goPhase("b", within(minutes(1), minutes(1))))
	if k.short {
		w.run.Spec.Timeout = &metav1.Duration{Duration: 40 * time.Second}
	} else if k.hangs {
		w.run.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Minute}
	}
	w.scripts["a"], w.scripts["b"] = runs("pass TestA", "pass TestB"), runs("pass TestC")
	if k.hangs {
		w.scripts["a"] = runs("pass TestA", "hang TestB")
	}
	s := &scene{world: w}
	second := st.set(w, k)
	there := second < 0
	w.after(max(second, 0), func() { there = true })
	for !there {
		w.step()
	}
	if second >= 0 {
		w.settle()
	}
	if got := w.where(); got != st.state {
		t.Fatalf("the run is %q, want %q\n%s", got, st.state, w.said.String())
	}
	for _, b := range w.book.all {
		if s.early == nil && b.attempt == w.run.Status.Attempt {
			s.early = b.status
		}
	}
	s.was = w.run.Status.DeepCopy()
	return s
}

// TestTransitions holds every cell of the table against a run in that state to which that happens.
func TestTransitions(t *testing.T) {
	table := readTransitions()
	for _, st := range stagings {
		for _, h := range happenings {
			t.Run(st.state+"/"+h.event, func(t *testing.T) {
				t.Parallel()
				s := arrive(t, st, h.kind)
				s.quiet = arrive(t, st, h.kind).world
				s.quiet.live()
				h.do(s)
				s.book.event()
				s.live()
				says := table[st.state][h.event]
				if !s.holds(says) {
					t.Errorf("the table says %q; it was %s, it is %s, and undisturbed it would be %s\n%s",
						says, brief(s.was), fate(s.world), fate(s.quiet), s.said.String())
				}
			})
		}
	}
}

// fate is how a life ended, in a line.
func fate(w *world) string {
	if w.finished {
		return "gone"
	}
	out := brief(&w.run.Status)
	for item, n := range w.book.created {
		if n > 1 {
			out += fmt.Sprintf(", %v was created %d times", item, n)
		}
	}
	return out + fmt.Sprintf(", %d Jobs, is %s", len(w.book.created), w.where())
}

// brief is a status in a line.
func brief(s *v1alpha1.ValidationRunStatus) string {
	out := fmt.Sprintf("%s, attempt %d %s:", pastOf(s), s.Attempt, s.Verdict)
	for _, p := range s.Phases {
		out += strings.TrimRight(fmt.Sprintf(" %s %s %s", p.Name, p.State, p.Reason), " ")
	}
	if len(s.Results) == 0 {
		out += ", no result"
	}
	return out
}

// The table is in the documents, and this is where it comes from.
func TestTransitionsAreWrittenDown(t *testing.T) {
	const path, from, to = "../README.md", "<!-- transitions -->\n", "<!-- /transitions -->\n"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	before, rest, found := strings.Cut(text, from)
	_, after, closed := strings.Cut(rest, to)
	if !found || !closed {
		t.Fatalf("%s has no %s", path, from)
	}
	want := before + from + markdown() + to + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Errorf("%s does not show the table of the tests; -update writes it", path)
	}
}

// groups are the states that are shown side by side.
var groups = [][]string{
	{stateNew, stateWaiting, stateStarting}, {stateRunning, stateReading, stateRetrying}, {stateSuspending, stateSuspended, stateDeleting},
	{stateCancelling, stateCancelled, stateHeld}, {"Passed", "Failed", "Error", "Skipped", "Cancelled"},
}

func markdown() string {
	table := readTransitions()
	out := ""
	for _, states := range groups {
		out += "\n| | " + strings.Join(states, " | ") + " |\n|---" + strings.Repeat("|---", len(states)) + "|\n"
		for _, h := range happenings {
			cells := []string{}
			for _, state := range states {
				cells = append(cells, table[state][h.event])
			}
			out += "| **" + h.event + "** | " + strings.Join(cells, " | ") + " |\n"
		}
	}
	return out + "\n"
}

// step is one step of a life, and what happens before the next one.
func (w *world) step() {
	wait := w.pass()
	if w.wrote {
		return
	}
	next := w.now.Add(wait)
	if len(w.timers) > 0 && (wait == 0 || !w.timers[0].at.After(next)) {
		w.ring()
		return
	}
	if wait == 0 {
		w.t.Fatalf("nothing happens any more\n%s", w.said.String())
	}
	w.now = next
}

// settle does what there is to do at once.
func (w *world) settle() {
	for w.pass(); w.wrote; w.pass() {
	}
}

func (w *world) created(phase string) (n int) {
	for item := range w.book.created {
		if item.Phase == phase && item.Attempt == w.run.Status.Attempt {
			n++
		}
	}
	return n
}
