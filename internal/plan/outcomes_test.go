package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What the cells of the table say.
const (
	nothing       = "nothing"
	noted         = "nothing but `observedGeneration`"
	firstAttempt  = "part of the first attempt"
	superseded    = "superseded; the next attempt begins"
	judgedThen    = "judged first, then superseded; the next attempt begins"
	nextSuspended = "superseded; the next attempt begins suspended"
	nextAttempt   = "the next attempt begins"
	heldBack      = "held: it begins when cancel is off"
	suspendedNow  = "its Job is stopped; suspended"
	suspendedBare = "suspended"
	suspendedNew  = "the first attempt begins suspended"
	suspendedNext = "judged first; suspended before the next phase"
	beginsAnew    = "the phase begins anew"
	neverBegins   = "Cancelled, without an attempt"
	allNotRun     = "Cancelled; its phases NotRun"
	cutOff        = "Cancelled once its pods are gone; the phase Error"
	judgedThenEnd = "judged first, then Cancelled"
	goneNow       = "gone at once"
	goneLater     = "gone once its Jobs are"
	another       = "another attempt, without history"
	anotherRest   = "another attempt, suspended, without history"
	leftAlone     = "goes on from what there is"
	judgedAgain   = "judged again, by what is left"
	doesNotCount  = "does not count"
	readAtLast    = "the phase is judged by what was read; the rest NotRun (RunTimeout)"
	noResult      = "the verdict without a result, which the message says"
	becomesError  = "Error: " // and the phase's reason
)

// row is what an event does: the same to every state, but for those that it does otherwise to.
type row struct {
	event, all string
	but        map[string]string
}

// to gives the same answer for several states.
func to(says string, states ...string) map[string]string {
	out := map[string]string{}
	for _, state := range states {
		out[state] = says
	}
	return out
}

func with(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// transitions is the table.
var transitions = []row{
	{editEvent, nextAttempt, with(
		to(firstAttempt, stateNew), to(superseded, stateWaiting, stateStarting, stateRunning, stateRetrying), to(judgedThen, stateReading),
		to(nextSuspended, stateSuspending, stateSuspended), to(heldBack, stateCancelling, stateCancelled, stateHeld), to(nothing, stateDeleting),
	)},
	{otherEditEvent, noted, with(to(firstAttempt, stateNew), to(nothing, stateHeld, stateDeleting))},
	{sameApplyEvent, nothing, nil},
	{rerunEvent, nextAttempt, with(
		to(firstAttempt, stateNew), to(superseded, stateWaiting, stateStarting, stateRunning, stateRetrying), to(judgedThen, stateReading),
		to(nextSuspended, stateSuspending, stateSuspended), to(heldBack, stateCancelling, stateCancelled, stateHeld), to(nothing, stateDeleting),
	)},
	{suspendEvent, noted, with(
		to(suspendedNew, stateNew), to(suspendedNow, stateStarting, stateRunning),
		to(suspendedBare, stateWaiting, stateRetrying), to(suspendedNext, stateReading),
		to(nothing, stateSuspending, stateSuspended, stateHeld, stateDeleting),
	)},
	{resumeEvent, nothing, to(beginsAnew, stateSuspending, stateSuspended)},
	{cancelEvent, noted, with(
		to(neverBegins, stateNew), to(allNotRun, stateWaiting, stateStarting, stateRetrying, stateSuspending, stateSuspended), to(cutOff, stateRunning),
		to(judgedThenEnd, stateReading), to(nothing, stateCancelling, stateCancelled, stateHeld, stateDeleting),
	)},
	{uncancelEvent, nothing, with(to(noted, stateCancelling, stateCancelled), to(nextAttempt, stateHeld))},
	{deleteEvent, goneNow, with(
		to(goneLater, stateStarting, stateRunning, stateReading, stateRetrying, stateSuspending, stateCancelling), to(nothing, stateDeleting),
	)},
	{wipeEvent, another, with(
		to(nothing, stateNew, stateDeleting), to(anotherRest, stateSuspending, stateSuspended),
		to(neverBegins, stateCancelling, stateCancelled, stateHeld),
	)},
	{restoreEvent, judgedAgain, with(
		to(nothing, stateNew, stateDeleting),
		to(leftAlone, stateWaiting, stateStarting, stateRunning, stateReading, stateRetrying, stateSuspending, stateSuspended, stateCancelling),
	)},
	{jobDeletedEvent, nothing, to(becomesError+"JobDeleted", stateStarting, stateRunning)},
	{podLostEvent, nothing, to(becomesError+"NodeLost", stateStarting, stateRunning)},
	{phaseTimeEvent, nothing, with(
		to(becomesError+"DeadlineExceeded", stateNew, stateRunning), to(becomesError+"InputMissing", stateWaiting),
		to(becomesError+"StartTimeout", stateStarting), to(becomesError+"QuotaExceeded", stateRetrying),
		to(doesNotCount, stateSuspending, stateSuspended), to("does not count any more; the run's does", stateReading),
	)},
	{runTimeEvent, nothing, with(
		to(becomesError+"RunTimeout", stateNew, stateWaiting, stateStarting, stateRunning, stateRetrying), to(readAtLast, stateReading),
		to(doesNotCount, stateSuspending, stateSuspended),
	)},
	{restartEvent, nothing, nil},
	{refusedEvent, nothing, to(noResult, stateNew, stateWaiting, stateStarting, stateRunning, stateReading, stateRetrying, stateCancelling)},
}

func readTransitions() map[string]map[string]string {
	table := map[string]map[string]string{}
	for _, st := range stagings {
		table[st.state] = map[string]string{}
		for _, r := range transitions {
			table[st.state][r.event] = r.all
			if says, ok := r.but[st.state]; ok {
				table[st.state][r.event] = says
			}
		}
	}
	return table
}

// holds says whether what a cell says is true.
func (s *scene) holds(says string) bool {
	if reason, ok := strings.CutPrefix(says, becomesError); ok {
		return s.ends(v1alpha1.VerdictError, "Error "+reason, "NotRun") && s.run.Status.Attempt == max(s.was.Attempt, 1)
	}
	holds, ok := outcomes[says]
	return ok && holds(s)
}

// outcomes are what the words mean.
var outcomes = map[string]func(*scene) bool{
	nothing:      func(s *scene) bool { return s.asQuiet() && s.where() == s.quiet.where() },
	noted:        func(s *scene) bool { return s.asQuiet() && s.observes() && s.run.Generation > s.was.ObservedGeneration },
	firstAttempt: func(s *scene) bool { return s.asQuiet() && s.run.Status.Attempt == 1 && s.observes() && s.answered() },
	superseded:   func(s *scene) bool { return s.next("Cancelled Superseded") && s.ended() },
	judgedThen: func(s *scene) bool {
		return s.next("Cancelled Superseded") && s.ended() && s.kept("a", v1alpha1.PhasePassed)
	},
	nextSuspended: func(s *scene) bool { return s.next("Cancelled Superseded") && s.rests("Pending") },
	nextAttempt:   func(s *scene) bool { return s.next(string(s.was.Verdict)) && s.ended() && s.observes() },
	heldBack:      func(s *scene) bool { return s.waitsForCancel() },
	suspendedNow:  func(s *scene) bool { return s.sameAttempt() && s.rests("Pending") && len(s.jobs) == 0 },
	suspendedBare: func(s *scene) bool { return s.sameAttempt() && s.rests("Pending") },
	suspendedNew: func(s *scene) bool {
		return s.run.Status.Attempt == 1 && s.rests("Pending") && len(s.book.created) == 0
	},
	suspendedNext: func(s *scene) bool { return s.sameAttempt() && s.rests("Passed") && s.created("b") == 0 },
	beginsAnew: func(s *scene) bool {
		return s.sameAttempt() && s.run.Status.Phases[0].Restarts > 0 && s.created("a") == 2 && s.ends("Passed", "Passed", "Passed")
	},
	neverBegins: func(s *scene) bool {
		return s.run.Status.Attempt == 0 && s.ends("Cancelled", "NotRun Cancelled", "NotRun Cancelled") && len(s.jobs) == 0 && s.observes()
	},
	allNotRun: func(s *scene) bool {
		return s.sameAttempt() && s.ends("Cancelled", "NotRun Cancelled", "NotRun Cancelled")
	},
	cutOff: func(s *scene) bool {
		return s.sameAttempt() && s.ends("Cancelled", "Error Cancelled", "NotRun Cancelled") && s.stopped()
	},
	judgedThenEnd: func(s *scene) bool { return s.sameAttempt() && s.ends("Cancelled", "Passed", "NotRun Cancelled") },
	goneNow:       func(s *scene) bool { return s.finished && s.now.Equal(s.run.DeletionTimestamp.Time) },
	goneLater: func(s *scene) bool {
		return s.finished && s.now.After(s.run.DeletionTimestamp.Time) && len(s.jobs) == 0
	},
	another: func(s *scene) bool { return s.run.Status.Attempt == 2 && len(s.run.Status.History) == 0 && s.ended() },
	anotherRest: func(s *scene) bool {
		return s.run.Status.Attempt == 2 && len(s.run.Status.History) == 0 && s.rests("Pending")
	},
	leftAlone: func(s *scene) bool { return s.asQuiet() },
	judgedAgain: func(s *scene) bool {
		return s.sameAttempt() && s.run.Status.Verdict != "" && (s.run.Status.Verdict == s.was.Verdict || s.run.Status.Verdict == "Error") &&
			len(s.book.created) == len(s.quiet.book.created)
	},
	doesNotCount: func(s *scene) bool {
		return s.sameAttempt() && s.rests("Pending") && s.now.Sub(epoch) > 3*s.book.begun.timeout
	},
	readAtLast: func(s *scene) bool { return s.sameAttempt() && s.ends("Error", "Passed", "NotRun RunTimeout") },
	noResult: func(s *scene) bool {
		was, is := s.quiet.run.Status.DeepCopy(), s.run.Status.DeepCopy()
		stored := len(was.Results) > 0 && len(is.Results) == 0
		was.Results = nil
		return stored && brief(was) == brief(is) && strings.Contains(is.Message, "the result could not be stored: exceeded quota")
	},
	"does not count any more; the run's does": func(s *scene) bool { return s.sameAttempt() && s.ends("Error", "Passed", "NotRun RunTimeout") },
}

// asQuiet: it ended as if nothing had happened.
func (s *scene) asQuiet() bool {
	if s.finished || s.quiet.finished {
		return s.finished == s.quiet.finished
	}
	return brief(&s.run.Status) == brief(&s.quiet.run.Status) && maps.Equal(s.book.created, s.quiet.book.created)
}

func (s *scene) observes() bool { return s.run.Status.ObservedGeneration == s.run.Generation }

func (s *scene) sameAttempt() bool {
	return s.run.Status.Attempt == s.was.Attempt && len(s.run.Status.History) == len(s.was.History)
}

func (s *scene) ended() bool { return s.run.Status.Verdict != "" && s.answered() }

// answered: no rerun is asked for that no attempt has answered.
func (s *scene) answered() bool {
	asked := s.run.Annotations[v1alpha1.AnnotationRerun]
	return asked == "" || asked == s.run.Status.LastHandledRerun
}

// next: it is the next attempt, and the one before is in history.
func (s *scene) next(past string) bool {
	return s.run.Status.Attempt == s.was.Attempt+1 && strings.HasPrefix(pastOf(&s.run.Status), fmt.Sprintf("[%d %s", s.was.Attempt, past))
}

// rests: it is suspended, phase a is in a state, and nothing runs.
func (s *scene) rests(a v1alpha1.PhaseState) bool {
	return s.suspended() && s.run.Status.Phases[0].State == a && s.stopped() && s.answered()
}

func (s *scene) stopped() bool {
	for _, job := range s.jobs {
		if !job.finished {
			return false
		}
	}
	return true
}

// ends: the verdict, and the beginnings of what the phases came to.
func (s *scene) ends(verdict v1alpha1.Verdict, a, b string) bool {
	for i, want := range []string{a, b} {
		p := s.run.Status.Phases[i]
		if !strings.HasPrefix(string(p.State)+" "+p.Reason, want) {
			return false
		}
	}
	return s.run.Status.Verdict == verdict
}

// kept: the result of the attempt that was superseded has a phase's own outcome.
func (s *scene) kept(phase string, state v1alpha1.PhaseState) bool {
	cm := s.configMaps[workload.ResultName(s.run, s.was.Attempt)]
	var result v1alpha1.ValidationRunStatus
	if cm == nil || json.Unmarshal(cm.data, &result) != nil {
		return false
	}
	return slices.ContainsFunc(result.Phases, func(p v1alpha1.PhaseStatus) bool { return p.Name == phase && p.State == state })
}

// waitsForCancel: nothing begins while cancel is on, and the next attempt does once it is off.
func (s *scene) waitsForCancel() bool {
	if s.run.Status.Attempt != s.was.Attempt || s.run.Status.Verdict != v1alpha1.VerdictCancelled {
		return false
	}
	if edited := s.book.begun.spec != s.encodedSpec(); edited != (s.where() == stateHeld) {
		return false
	}
	s.cancel(false)
	s.book.event()
	s.live()
	return s.next("Cancelled") && s.run.Status.Verdict == v1alpha1.VerdictPassed && s.answered()
}
