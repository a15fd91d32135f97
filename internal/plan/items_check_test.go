package plan

import (
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What has to be true of every step of every life, for each Job of a phase as for one.

// mayCreate: nothing is created that depends on what is not yet in status, or beside what is to be gone first.
func (w *world) mayCreate(c Creation) {
	w.t.Helper()
	item := c.Item
	if w.run.DeletionTimestamp != nil || w.run.Spec.Suspend || w.run.Spec.Cancel {
		w.wrong("%v is created for a run that is being deleted, suspended or cancelled", item)
	}
	w.mayBeDue(item.Phase)
	for _, job := range w.jobs {
		same := job.item.Phase == item.Phase && job.item.Check == item.Check && job.item.Node == item.Node
		switch {
		case job.item == item:
			w.wrong("a second Job of %v is created", item)
		case job.item.Attempt != item.Attempt, same && job.item.Restart != item.Restart && !job.finished:
			w.wrong("%v is created beside %v", item, job.item)
		}
	}
	if item.Unlisted && c.Phase.GoTest.ExpectedTests == nil {
		w.wrong("%v is created without a list and without a number", item)
	}
	for _, source := range workload.Sources(&w.run.Spec) {
		if !w.haveInput(source.Input) {
			w.wrong("%v is created and %s is not frozen", item, source.Input)
		}
	}
}

// mayBeDue: a phase is due when those that it needs have ended by status, and beside no phase that is exclusive.
func (w *world) mayBeDue(name string) {
	w.t.Helper()
	st := w.stage(name)
	before := ""
	for _, p := range w.run.Status.Phases {
		if p.Name == name {
			break
		}
		needed := p.Name == v1alpha1.PhasePreflight || p.Name == v1alpha1.PhaseSnapshot || slices.Contains(st.DependsOn, p.Name)
		if needed && !p.State.Ended() {
			w.wrong("a Job of phase %s is created and status has no outcome of phase %s", name, p.Name)
		}
		before = p.Name
	}
	for _, p := range w.run.Status.Phases {
		switch {
		case p.Name == before && st.DependsOn == nil && !p.State.Ended():
			w.wrong("a Job of phase %s is created and status has no outcome of phase %s before it", name, p.Name)
		case p.Name != name && p.State == v1alpha1.PhaseRunning && (st.Exclusive || w.stage(p.Name).Exclusive):
			w.wrong("a Job of phase %s is created beside phase %s, and one of them is exclusive", name, p.Name)
		}
	}
}

// mayStop: a Job is stopped only when nothing that status is to say hangs on it. One that could not list its tests has a successor.
func (w *world) mayStop(job *simJob) {
	w.t.Helper()
	s := &w.run.Status
	if w.run.DeletionTimestamp != nil || job.item.Attempt != s.Attempt || !w.legible() {
		return
	}
	successor := job.item
	successor.Unlisted = true
	for _, p := range s.Phases {
		if p.Name == job.item.Phase && !p.State.Ended() && w.counts(&p, job.item) && w.book.created[successor] == 0 {
			w.wrong("Job %v is stopped, and status says that phase %s is %s [%s]", job.item, p.Name, p.State, items(p.FanOut))
		}
	}
}

// mustNotJudgeUnread: before a log is read, nothing is judged by it.
func (w *world) mustNotJudgeUnread(d Decision) {
	w.t.Helper()
	for _, k := range d.Keep {
		for _, job := range w.jobs {
			item := job.item
			item.Unlisted = false
			if item != k.As || job.phase.GoTest == nil {
				continue
			}
			seen := w.look(job)
			if len(seen.Pods) == 0 {
				continue
			}
			if pod := seen.first(); !pod.Validator.Started.IsZero() && !slices.Contains(w.follow, pod.UID) {
				w.wrong("%v is %s and its log was not read", k.As, k.Phase.State)
			}
		}
	}
}

// checkItems: items keep to their bounds, and to what was recorded of them.
func (w *world) checkItems(now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	total := 0
	for _, p := range now.Phases {
		f := p.FanOut
		if f == nil {
			continue
		}
		total += len(f.Active)
		if len(f.Outcomes) != int(f.Items) || len(f.Failing) > maxFailing {
			w.wrong("phase %s has %d items, outcomes %q and names %d", p.Name, f.Items, f.Outcomes, len(f.Failing))
		}
		seen := map[key]bool{}
		for _, a := range f.Active {
			if k := (key{a.Check, a.Node}); seen[k] {
				w.wrong("item %v of phase %s runs twice", k, p.Name)
			} else {
				seen[k] = true
			}
			if len(a.Jobs) > 2 || len(a.Message) > itemBytes || len(a.Running) > 256 || a.State == v1alpha1.PhaseRunning && a.StartTime == nil {
				w.wrong("item of phase %s is over its bounds: %+v", p.Name, a)
			}
		}
		was := w.book.letters[now.Attempt][p.Name]
		for n := range min(len(was), len(f.Outcomes)) {
			if was[n] != letterPending && was[n] != f.Outcomes[n] {
				w.wrong("the outcomes of phase %s were %q and are %q", p.Name, was, f.Outcomes)
			}
		}
		if p.State.Ended() && (len(f.Active) > 0 || strings.Contains(f.Outcomes, ".")) && w.legible() {
			w.wrong("phase %s is %s, and its items are %s", p.Name, p.State, items(f))
		}
		if strings.Contains(f.Outcomes, "F") && p.State.Ended() && p.State != v1alpha1.PhaseFailed {
			w.wrong("phase %s is %s, and its items are %s", p.Name, p.State, items(f))
		}
		if st := w.stage(p.Name); w.legible() && st != nil && len(f.Active) > int(*st.Parallelism) {
			w.wrong("phase %s runs %d items at a time", p.Name, len(f.Active))
		}
	}
	if total > maxActive {
		w.wrong("%d items run at a time", total)
	}
}

// legible says whether what the attempt validates can be read: somebody may have deleted what it froze.
func (w *world) legible() bool {
	name := func(input string) string { return workload.InputName(w.run, w.run.Status.Attempt, input) }
	if w.configMaps[name(workload.InputSpec)] == nil {
		return false
	}
	return w.run.Spec.Recipe == nil || w.configMaps[name(workload.InputRecipe)] != nil
}

// checkItemProof: no item counts as passed whose validator did not run to its good end, and none as failed in which nothing failed.
func (w *world) checkItemProof(p v1alpha1.PhaseStatus) {
	w.t.Helper()
	f := p.FanOut
	if f == nil || !w.legible() {
		return
	}
	passed := strings.Count(f.Outcomes, "P")
	switch {
	case p.State != v1alpha1.PhasePassed:
	case strings.Trim(f.Outcomes, "PS") != "", passed == 0 && (f.Items > 0 || p.Name != v1alpha1.PhasePreflight):
		w.wrong("phase %s is Passed, and its items are %q", p.Name, f.Outcomes)
	}
	all := w.itemsOf(w.run.Status.Attempt, p.Name)
	for n, letter := range []byte(f.Outcomes) {
		if letter != letterPassed && letter != letterFailed || n >= len(all) {
			continue
		}
		if was := w.book.letters[w.run.Status.Attempt][p.Name]; n < len(was) && was[n] == letter {
			continue // it was held against its proof when it ended
		}
		if !w.proven(p.Name, all[n], letter) {
			w.wrong("item %v of phase %s is %c, and nothing proves that", all[n], p.Name, letter)
		}
	}
}

// proven says whether something proves an item's outcome.
func (w *world) proven(phase string, k key, letter byte) bool {
	st := w.stage(phase)
	if k.check == constraintsItem {
		failed := false
		for _, c := range st.constraints {
			failed = failed || recipe.Evaluate(c, &w.snapshot).State != recipe.StatePassed && c.Severity != recipe.SeverityWarning
		}
		return failed == (letter == letterFailed)
	}
	for name, life := range w.book.lives {
		i := life.item
		if i.Attempt != w.run.Status.Attempt || i.Phase != phase || i.Check != k.check || i.Node != k.node {
			continue
		}
		code, ended := w.book.exits[name]
		switch {
		case letter == letterFailed && life.script.fails(life.phase):
			return true
		case letter != letterPassed || !ended || code != 0 || life.void:
		case isAsk(life.phase):
			return w.answers(st, k.check, life.script)
		case life.script.proves(life.phase):
			return true
		}
	}
	return false
}

// answers says whether a test binary has all checks that it is asked for.
func (w *world) answers(st *stage, name string, s script) bool {
	var tests []string
	for _, test := range s.tests {
		_, test, _ = strings.Cut(test, " ")
		tests = append(tests, test)
	}
	for _, a := range st.asks {
		if a.name != name {
			continue
		}
		return !slices.ContainsFunc(a.checks, func(check string) bool { return len(gotest.MatchCheck(check, tests)) != 1 })
	}
	return false
}

// checkKeptItems: evidence of an item is kept before status announces its outcome.
func (w *world) checkKeptItems(before *v1alpha1.ValidationRunStatus, d *Decision) {
	w.t.Helper()
	for i, p := range d.Status.Phases {
		if i >= len(before.Phases) || p.FanOut == nil || !w.legible() {
			continue
		}
		was := strings.Repeat(".", len(p.FanOut.Outcomes))
		if f := before.Phases[i].FanOut; f != nil {
			was = f.Outcomes
		}
		all := w.itemsOf(d.Status.Attempt, p.Name)
		for n, letter := range []byte(p.FanOut.Outcomes) {
			if n >= len(was) || n >= len(all) || was[n] == letter || letter == letterNotRun {
				continue
			}
			k := slices.IndexFunc(d.Keep, func(k Keeping) bool {
				return k.As.Phase == p.Name && k.As.Check == all[n].check && k.As.Node == all[n].node
			})
			if k < 0 {
				w.wrong("item %v of phase %s is %c, and nothing of it is kept", all[n], p.Name, letter)
				continue
			}
			if kept := w.evidence(d.Keep[k].As); !w.forged(d.Keep[k].As) && (kept == nil || letterOf(kept.State) != letter || kept.Check != all[n].check) {
				w.wrong("item %v of phase %s is %c, and that is not what was kept", all[n], p.Name, letter)
			}
		}
	}
}

// checkItemRetries: an item is run again as often as its phase says, and for infrastructure alone.
func (w *world) checkItemRetries(before, now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	for i, p := range now.Phases {
		if p.FanOut == nil || i >= len(before.Phases) {
			continue
		}
		if p.Flaky && (p.State.Ended() && p.State != v1alpha1.PhasePassed || p.Retries == 0) {
			w.wrong("phase %s is %s after %d retries, and flaky", p.Name, p.State, p.Retries)
		}
		if before.Phases[i].FanOut == nil {
			continue
		}
		for _, a := range p.FanOut.Active {
			for _, b := range before.Phases[i].FanOut.Active {
				if b.Check != a.Check || b.Node != a.Node || b.Retries == a.Retries {
					continue
				}
				item := workload.Item{Attempt: now.Attempt, Phase: p.Name, Check: a.Check, Node: a.Node, Restart: b.Restarts}
				kept := w.evidence(item)
				if !w.forged(item) && (kept == nil || kept.State != v1alpha1.PhaseError || !slices.Contains(infrastructure, kept.Reason)) {
					w.wrong("%v is retried, after %+v", item, kept)
				}
				if retries := w.phase(p.Name).Retries; a.Retries > *retries || a.Retries != b.Retries+1 {
					w.wrong("%v is retried for the %d. time", item, a.Retries)
				}
			}
		}
	}
}
