package plan

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What has to be true once a step is over.

// checkPublished holds what status says now against the rest of the cluster, and takes it down.
func (w *world) checkPublished(before *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	s := &w.run.Status
	for _, name := range namesOf(s) {
		if w.configMaps[name] == nil && !w.book.excused[name] {
			w.wrong("status names ConfigMap %s, and it is not there", name)
		}
	}
	if s.Verdict != "" && before.Verdict == "" && before.Attempt == s.Attempt {
		w.checkResult(s)
	}
	for _, p := range s.Phases {
		w.checkProof(p)
		w.checkItemProof(p)
	}
	if !reflect.DeepEqual(before, s) && w.wrote {
		w.book.published(w)
	}
}

// checkResult: what the result says is what status says.
func (w *world) checkResult(s *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	if len(s.Results) == 0 {
		return
	}
	want, err := json.Marshal(resultOf(s))
	if err != nil {
		w.t.Fatal(err)
	}
	if cm := w.configMaps[s.Results[0].ConfigMap]; cm != nil && string(cm.data) != string(want) {
		w.wrong("the result says\n%s\nand status\n%s", cm.data, want)
	}
}

// checkProof: no phase is Passed whose validator did not run to its good end, and none is Failed in which nothing failed.
func (w *world) checkProof(p v1alpha1.PhaseStatus) {
	w.t.Helper()
	if p.State != v1alpha1.PhasePassed && p.State != v1alpha1.PhaseFailed || len(p.Jobs) == 0 {
		return
	}
	item := workload.Item{Attempt: w.run.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
	for _, item.Unlisted = range []bool{false, true} {
		name := workload.JobName(w.run, item)
		life, ok := w.book.lives[name]
		code, ended := w.book.exits[name]
		switch {
		case !ok || !slices.Contains(p.Jobs, name):
		case p.State == v1alpha1.PhasePassed && ended && code == 0 && !life.void && life.script.proves(life.phase):
			return
		case p.State == v1alpha1.PhaseFailed && life.script.fails(life.phase):
			return
		}
	}
	w.wrong("phase %s is %s, and no Job of it proves that: %+v", p.Name, p.State, p)
}

// checkWorld: whoever may run has a finalizer that keeps its identity. Jobs that have ended go with the run, by garbage collection.
func (w *world) checkWorld() {
	w.t.Helper()
	w.book.steps++
	overdue := w.run.DeletionTimestamp != nil && w.now.Sub(w.run.DeletionTimestamp.Time) >= stopWait
	for _, job := range w.jobs {
		if !job.finished && len(w.run.Finalizers) == 0 && !overdue {
			w.wrong("there is no finalizer, and Job %v may run", job.item)
		}
	}
}

// checkWrites: what happens is written down in few writes, after which it is quiet.
func (w *world) checkWrites(status bool) {
	w.t.Helper()
	again := 0
	if w.book.forged {
		again = 2 * len(w.run.Status.Phases) // what a status that was set back has lost is written once more
	}
	if w.book.writes++; w.book.writes > maxWrites+again {
		w.wrong("it writes and writes: the %d. time without an event", w.book.writes)
	}
	if !status {
		return
	}
	if w.book.statuses++; w.book.statuses > maxStatuses+again {
		w.wrong("it writes status and nothing else, the %d. time without an event", w.book.statuses)
	}
}

const (
	// maxWrites is how many steps write something before it is quiet: a superseded attempt is closed, the next one begins, its inputs are
	// frozen, what is left of the old one is stopped.
	maxWrites = 8
	// maxStatuses is how many of them in a row write status and nothing else.
	maxStatuses = 2
)

// checkQuiet: once there is nothing to do, status is about the run as it is.
func (w *world) checkQuiet() {
	w.t.Helper()
	s := &w.run.Status
	if w.run.DeletionTimestamp != nil {
		return
	}
	w.book.highestLimit = max(w.book.highestLimit, int(*w.historyLimit()))
	closing := s.Verdict == "" && w.book.begun.attempt == s.Attempt && (w.book.begun.spec != w.encodedSpec() || w.rerunAsked())
	switch {
	case w.run.Spec.Cancel || closing:
	case s.ObservedGeneration != w.run.Generation:
		w.wrong("it is quiet, and status is about generation %d of %d", s.ObservedGeneration, w.run.Generation)
	case w.book.begun.attempt == s.Attempt && (w.frozen() && w.book.begun.spec != w.encodedSpec() || w.rerunAsked()):
		w.wrong("it is quiet, and attempt %d is not about the run as it is", s.Attempt)
	}
	if s.Verdict == "" && w.isSuspended(s) != w.suspended() {
		w.wrong("it is quiet, and nothing runs of a run that is suspended: %t; its conditions say %t", w.isSuspended(s), w.suspended())
	}
	if limit := int(*w.historyLimit()); len(s.History) > limit && s.Attempt > 0 && !w.run.Spec.Cancel && !closing {
		w.wrong("history has %d attempts of %d", len(s.History), limit)
	}
	w.checkBounds()
}

// frozen says whether the current attempt has come to what it validates.
func (w *world) frozen() bool {
	return w.configMaps[workload.InputName(w.run, w.run.Status.Attempt, workload.InputSpec)] != nil
}

func (w *world) rerunAsked() bool {
	value := w.run.Annotations[v1alpha1.AnnotationRerun]
	return value != "" && value != w.book.begun.rerun
}

// checkBounds: what is kept of a run is bounded by its historyLimit.
func (w *world) checkBounds() {
	w.t.Helper()
	if len(w.run.Status.Inputs) == 0 {
		return // what is superfluous goes when the attempt is set up
	}
	results, inputs := map[int64]bool{}, map[int64]bool{}
	for _, cm := range w.configMaps {
		switch cm.Component {
		case workload.ComponentResult:
			results[cm.Attempt] = true
		case workload.ComponentInput:
			inputs[cm.Attempt] = true
		}
	}
	// The current attempt's, those in history, the last one that was complete, and as many of the latest if a status was lost.
	if limit := 2*max(w.book.highestLimit, int(*w.historyLimit())) + 2; len(results) > limit {
		w.wrong("there are results of %d attempts, which is more than %d", len(results), limit)
	}
	if len(inputs) > 1 && !w.book.forged {
		w.wrong("there are inputs of %d attempts", len(inputs))
	}
}
