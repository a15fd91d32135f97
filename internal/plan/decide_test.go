package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// Status can be written by whoever may. One that is not about the spec's phases is no ground to go on from.
func TestAStatusThatDoesNotFitStartsTheNextAttempt(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.ValidationRunStatus){
		"no phases":       func(s *v1alpha1.ValidationRunStatus) { s.Phases = nil },
		"a phase less":    func(s *v1alpha1.ValidationRunStatus) { s.Phases = s.Phases[:1] },
		"another phase":   func(s *v1alpha1.ValidationRunStatus) { s.Phases[1].Name = "x" },
		"no start":        func(s *v1alpha1.ValidationRunStatus) { s.StartTime = nil },
		"nothing at all":  func(s *v1alpha1.ValidationRunStatus) { *s = v1alpha1.ValidationRunStatus{Attempt: s.Attempt} },
		"another verdict": func(s *v1alpha1.ValidationRunStatus) { s.Phases, s.Verdict = nil, v1alpha1.VerdictPassed },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, goPhase("a"), goPhase("b"))
			w.publish(w.decide(w.observe()))
			change(&w.run.Status)
			d := w.decide(w.observe())
			if d.Status.Attempt != 2 || d.Status.Verdict != "" || len(d.Status.Phases) != 2 {
				t.Errorf("status is %+v", d.Status)
			}
		})
	}
}

// A list with two entries of one key is no status that the API server takes.
func TestHistoryNamesEachAttemptOnce(t *testing.T) {
	w := newWorld(t, goPhase("a"))
	w.scripts = map[string]script{"a": runs("pass TestA")}
	w.live()
	w.run.Status.Attempt = 2
	w.run.Status.History = []v1alpha1.PastAttempt{{Attempt: 3, Verdict: "Error"}, {Attempt: 2, Verdict: "Failed"}, {Attempt: 1, Verdict: "Passed"}}
	w.annotate("again")
	got := pastOf(new(w.decide(w.observe()).Status))
	if want := "[2 Passed, 1 Passed]"; got != want {
		t.Errorf("history is %s, want %s", got, want)
	}
}

// The attempt's number is above that of every child there is, whatever status says.
func TestTheNextAttemptIsAboveAllThereWere(t *testing.T) {
	for _, test := range []struct{ status, children, want int64 }{{0, 0, 1}, {0, 4, 5}, {2, 1, 3}, {2, 7, 8}} {
		w := newWorld(t, goPhase("a"))
		w.run.Status.Attempt = test.status
		d := Decide(w.run, Observed{HighestAttempt: test.children, SpecChanged: test.status > 0}, w.now)
		if d.Status.Attempt != test.want {
			t.Errorf("after status %d and children %d comes %d, want %d", test.status, test.children, d.Status.Attempt, test.want)
		}
	}
}

// The first write of an attempt forgets the last one, but not since when its conditions have been what they are.
func TestBeginForgetsTheLastAttempt(t *testing.T) {
	w := newWorld(t, goPhase("a"))
	w.scripts = map[string]script{"a": runs("fail TestA")}
	w.live()
	w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Trigger = "v2" })
	s := w.decide(w.observe()).Status
	if s.Verdict != "" || s.Results != nil || s.Inputs != nil || s.Failures != nil || s.CompletionTime != nil || s.ObservedGeneration != 2 {
		t.Errorf("status is %+v", s)
	}
	if diff := cmp.Diff(v1alpha1.Summary{}, s.Summary); diff != "" {
		t.Errorf("summary\n%s", diff)
	}
	w.checkConditions(&s)
}

// What ended before the attempt's timeout counts, even if the operator was away and looks at it afterwards.
func TestAContainerThatEndedInTimePassesHoweverLateItIsSeen(t *testing.T) {
	w := newWorld(t, containerPhase("a"), containerPhase("b"))
	w.scripts = map[string]script{"a": {}, "b": {}}
	away := false
	w.dies = func() bool {
		lost := !away && len(w.jobs) == 1 && len(w.jobs[0].pods) == 1
		away = away || lost
		return lost
	}
	w.outage = 3 * 60 * 60
	w.live()
	got := map[string]string{}
	for _, p := range w.run.Status.Phases {
		got[p.Name] = string(p.State) + " " + p.Reason
	}
	if diff := cmp.Diff(map[string]string{"a": "Passed ", "b": "NotRun RunTimeout"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, w.said.String())
	}
}
