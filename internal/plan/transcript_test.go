package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func (w *world) say(format string, args ...any) {
	fmt.Fprintf(&w.said, format+"\n", args...)
}

// tell writes one line: when, what was done, and what it changed in status.
func (w *world) tell(before *v1alpha1.ValidationRunStatus, did []string, d Decision) {
	if follows := w.listensTo(d); follows != w.heard {
		if w.heard = follows; follows != "" {
			did = append(did, "follow "+follows)
		}
	}
	if w.finished {
		did = append(did, "let go")
	}
	changes := w.changes(before, &w.run.Status)
	if len(did) == 0 && len(changes) == 0 {
		return
	}
	line := fmt.Sprintf("%7s  %s", w.now.Sub(epoch).Truncate(100*time.Millisecond), strings.Join(append(did, ""), "; "))
	w.say("%s", strings.TrimSuffix(line+"| "+strings.Join(changes, "; "), "| "))
}

func (w *world) listensTo(d Decision) string {
	var out []string
	for _, job := range w.jobs {
		for _, pod := range job.pods {
			if slices.Contains(d.Follow, pod.UID) {
				out = append(out, label(job.item))
			}
		}
	}
	return strings.Join(out, ", ")
}

// changes are the differences of two statuses, in words.
func (w *world) changes(old, now *v1alpha1.ValidationRunStatus) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if old.Attempt != now.Attempt {
		add("attempt %d", now.Attempt)
		old = &v1alpha1.ValidationRunStatus{
			ObservedGeneration: old.ObservedGeneration, History: old.History, LastCompleted: old.LastCompleted,
		}
	}
	if old.ObservedGeneration != now.ObservedGeneration {
		add("generation %d", now.ObservedGeneration)
	}
	for i, p := range now.Phases {
		var was v1alpha1.PhaseStatus
		if i < len(old.Phases) {
			was = old.Phases[i]
		}
		if p.Restarts != was.Restarts {
			add("%s begins anew (%d)", p.Name, p.Restarts)
		}
		if text := items(p.FanOut); text != items(was.FanOut) {
			add("%s [%s]", p.Name, text)
		}
		if p.Flaky && !was.Flaky {
			add("%s is flaky", p.Name)
		}
		if p.State != was.State && p.State != v1alpha1.PhasePending {
			text := fmt.Sprintf("%s %s", p.Name, p.State)
			if p.State.Ended() && p.Reason != "" {
				text += " " + p.Reason
			}
			if p.State.Ended() {
				text += fmt.Sprintf(" %q", p.Message)
			}
			add("%s", text)
		}
		if len(p.Jobs) > len(was.Jobs) {
			add("%s has %d Jobs", p.Name, len(p.Jobs))
		}
	}
	if now.Passed != old.Passed {
		add("passed %s", now.Passed)
	}
	if reason := ready(now); reason != ready(old) {
		add("Ready %s", reason)
	}
	if held(now) && !held(old) {
		add("held")
	}
	if now.Message != old.Message {
		add("%q", now.Message)
	}
	if past := pastOf(now); past != pastOf(old) {
		add("history %s", past)
	}
	if c := now.LastCompleted; c != nil && !reflect.DeepEqual(c, old.LastCompleted) {
		add("last completed %d %s", c.Attempt, c.Verdict)
	}
	if len(now.Results) > len(old.Results) {
		add("result %s", now.Results[0].ConfigMap)
	}
	return out
}

// pastOf is history, in words.
func pastOf(s *v1alpha1.ValidationRunStatus) string {
	out := []string{}
	for _, past := range s.History {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s", past.Attempt, past.Verdict, past.Reason)))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// held says that the next attempt would begin if the run were not cancelled.
func held(s *v1alpha1.ValidationRunStatus) bool {
	return s.Verdict != "" && meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReconciling) != nil
}

func ready(s *v1alpha1.ValidationRunStatus) string {
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady); c != nil {
		return string(c.Status) + " " + c.Reason
	}
	return ""
}
