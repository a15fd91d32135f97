package plan

import (
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// The states of a run, as people tell them apart, and what can happen in each.

const (
	stateNew        = "new"
	stateWaiting    = "waiting for inputs"
	stateStarting   = "starting"
	stateRunning    = "running"
	stateReading    = "reading the log"
	stateRetrying   = "retrying"
	stateStoring    = "storing the result"
	stateSuspending = "suspending"
	stateSuspended  = "suspended"
	stateCancelling = "cancelling"
	stateCancelled  = "cancelled for now" // and spec.cancel is still true
	stateHeld       = "held by cancel"
	stateDeleting   = "deleting"
	stateGone       = "gone"
)

const (
	editEvent       = "semantic edit"
	otherEditEvent  = "other edit"
	sameApplyEvent  = "same apply"
	rerunEvent      = "rerun annotation"
	suspendEvent    = "suspend on"
	resumeEvent     = "suspend off"
	cancelEvent     = "cancel on"
	uncancelEvent   = "cancel off"
	deleteEvent     = "delete"
	wipeEvent       = "status wiped"
	restoreEvent    = "status restored"
	jobDeletedEvent = "Job deleted"
	podLostEvent    = "pod lost"
	phaseTimeEvent  = "timeout of the phase"
	runTimeEvent    = "timeout of the run"
	restartEvent    = "operator restart"
	refusedEvent    = "result refused"
)

// where is the state of a run.
func (w *world) where() string {
	s := &w.run.Status
	i := slices.IndexFunc(s.Phases, func(p v1alpha1.PhaseStatus) bool { return !p.State.Ended() })
	switch {
	case w.finished:
		return stateGone
	case w.run.DeletionTimestamp != nil:
		return stateDeleting
	case s.Verdict != "":
		return w.complete()
	case s.Attempt == 0 || len(s.Phases) == 0:
		return stateNew
	case w.run.Spec.Cancel, cutShort(s, v1alpha1.ReasonCancelled):
		return stateCancelling
	case i < 0:
		return stateStoring
	case w.suspended():
		return stateSuspended
	case w.run.Spec.Suspend:
		return stateSuspending
	case len(s.Inputs) == 0:
		return stateWaiting
	}
	return w.going(&s.Phases[i])
}

// complete is the state of a complete attempt.
func (w *world) complete() string {
	s := &w.run.Status
	switch {
	case meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReconciling) != nil:
		return stateHeld
	case s.Verdict == v1alpha1.VerdictCancelled && w.run.Spec.Cancel:
		return stateCancelled
	}
	return string(s.Verdict)
}

// going is the state of a run that goes on, by its phase.
func (w *world) going(p *v1alpha1.PhaseStatus) string {
	var latest *simJob
	for _, job := range w.jobs {
		if job.item.Attempt == w.run.Status.Attempt && job.item.Phase == p.Name && w.counts(p, job.item) {
			latest = job
		}
	}
	switch {
	case latest == nil && p.Retries > 0:
		return stateRetrying
	case latest == nil || len(latest.pods) == 0:
		return stateStarting
	}
	v := lookContainer(latest.pods[0].Status.ContainerStatuses, workload.ValidatorContainer)
	switch {
	case v.Exit != nil:
		return stateReading
	case !v.Started.IsZero():
		return stateRunning
	}
	return stateStarting
}

// coverage counts what has happened in which state.
type coverage map[[2]string]int

func (c coverage) count(w *world, event string) { c[[2]string{w.where(), event}]++ }

// check: whatever can happen has happened in every state.
func (c coverage) check(t *testing.T) {
	t.Helper()
	live := []string{stateStarting, stateRunning, stateReading, stateSuspending, stateCancelling, "Passed", "Failed", "Error"}
	states := slices.Concat(live, []string{stateNew, stateWaiting, stateRetrying, stateSuspended, "Skipped", "Cancelled", stateCancelled, stateHeld})
	want := map[string][]string{deleteEvent: states, restartEvent: states}
	for name := range users {
		want[name] = append([]string{stateDeleting}, states...)
	}
	for name := range disturbances {
		want[name] = live
	}
	for name, states := range want {
		for _, state := range states {
			if c[[2]string{state, name}] == 0 {
				t.Errorf("the lives are not varied enough: %q never happened to a run that is %q", name, state)
			}
		}
	}
}

// acts are what users do in random lives, in a fixed order.
var acts = []string{
	editEvent, editEvent, "edit back", otherEditEvent, sameApplyEvent, rerunEvent, rerunEvent, "same annotation", "annotation removed",
	"long annotation", suspendEvent, suspendEvent, resumeEvent, resumeEvent, cancelEvent, uncancelEvent, uncancelEvent, wipeEvent,
	restoreEvent, restoreEvent, "operator away", "operator away for long", "spec's copy deleted", "phases edited",
}

var users = map[string]func(*world, *rand.Rand){
	editEvent:    func(w *world, _ *rand.Rand) { w.retrigger(w.run.Spec.Trigger + "+") },
	"edit back":  func(w *world, _ *rand.Rand) { w.retrigger("") },
	suspendEvent: func(w *world, _ *rand.Rand) { w.suspend(true) },
	resumeEvent:  func(w *world, _ *rand.Rand) { w.suspend(false) },
	cancelEvent:  func(w *world, _ *rand.Rand) { w.cancel(true) },
	uncancelEvent: func(w *world, _ *rand.Rand) {
		w.cancel(false)
	},
	otherEditEvent: func(w *world, r *rand.Rand) {
		w.edit(func(s *v1alpha1.ValidationRunSpec) {
			s.HistoryLimit = new(int32(r.IntN(4)))
			s.Cleanup = &v1alpha1.Cleanup{Jobs: []v1alpha1.CleanupJobs{"", "Always", "OnSuccess", "Never"}[r.IntN(4)]}
			if r.IntN(2) == 0 {
				s.Cleanup.After = new(minutes(r.IntN(3)))
			}
		})
	},
	sameApplyEvent:       func(w *world, _ *rand.Rand) { w.edit(func(*v1alpha1.ValidationRunSpec) {}) },
	rerunEvent:           func(w *world, _ *rand.Rand) { w.annotate(w.now.String()) },
	"same annotation":    func(w *world, _ *rand.Rand) { w.annotate(w.book.begun.rerun) },
	"annotation removed": func(w *world, _ *rand.Rand) { w.annotate("") },
	"long annotation":    func(w *world, _ *rand.Rand) { w.annotate(long[:200]) },
	wipeEvent:            func(w *world, _ *rand.Rand) { w.wipe() },
	restoreEvent: func(w *world, r *rand.Rand) {
		if n := len(w.book.all); n > 0 {
			w.restore(w.book.all[r.IntN(n)].status)
		}
	},
	"operator away":          func(w *world, r *rand.Rand) { w.away(r.IntN(60)) },
	"operator away for long": func(w *world, r *rand.Rand) { w.away(r.IntN(6 * 60 * 60)) },
	"spec's copy deleted":    func(w *world, _ *rand.Rand) { w.lose(workload.ComponentInput) },
	"phases edited": func(w *world, r *rand.Rand) {
		w.edit(func(s *v1alpha1.ValidationRunSpec) {
			has := func(name string) bool {
				return slices.ContainsFunc(s.Phases, func(p v1alpha1.Phase) bool { return p.Name == name })
			}
			name := string(rune('p' + r.IntN(3)))
			switch {
			case !has(name) && len(s.Phases) < 4:
				s.Phases = append(slices.Clone(s.Phases), goPhase(name))
			case len(s.Phases) > 1:
				s.Phases = s.Phases[1:]
			}
		})
	},
}
