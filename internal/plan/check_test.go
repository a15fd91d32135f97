package plan

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What has to be true of every step of every life.

func (w *world) wrong(format string, args ...any) {
	w.t.Helper()
	w.t.Errorf(format+"\n%s", append(args, w.said.String())...)
}

// check holds a decision against what has to be true of every one.
func (w *world) check(before *v1alpha1.ValidationRunStatus, d *Decision) {
	w.t.Helper()
	now := &d.Status
	if now.ObservedGeneration > w.run.Generation || now.ObservedGeneration < before.ObservedGeneration {
		w.wrong("observedGeneration goes from %d to %d at generation %d", before.ObservedGeneration, now.ObservedGeneration, w.run.Generation)
	}
	if now.Attempt != before.Attempt {
		w.mayBegin(before, now)
	} else {
		w.checkKept(before, d)
		w.checkKeptItems(before, d)
		w.checkRetries(before, now)
		w.checkItemRetries(before, now)
	}
	w.checkItems(now)
	w.checkRecorded(now)
	w.checkVerdict(now)
	w.checkConditions(now)
	if len(now.Message) > 1024 || len(now.Failures) > 20 || len(now.LastHandledRerun) > 256 || len(now.History) > 20 {
		w.wrong("status is over its bounds: %+v", now)
	}
	w.checkDeadline(now)
	if now.Verdict == "" && d.After == 0 && !w.run.Spec.Suspend && reflect.DeepEqual(before, now) {
		w.wrong("the attempt is not complete, and nothing brings the next step")
	}
}

// mayBegin: an attempt has a new number, and a reason to be.
func (w *world) mayBegin(before, now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	highest := max(before.Attempt, w.highest())
	if !w.book.forged {
		highest = max(highest, w.book.highest)
	}
	if now.Attempt <= highest || w.run.Spec.Cancel {
		w.wrong("attempt %d begins; there was %d already, and cancel is %t", now.Attempt, highest, w.run.Spec.Cancel)
	}
	rerun := w.run.Annotations[v1alpha1.AnnotationRerun]
	b := w.book.begun
	frozen := w.configMaps[workload.InputName(w.run, before.Attempt, workload.InputSpec)] != nil
	if w.book.forged {
		delete(w.book.outcomes, now.Attempt) // of an attempt of that number that nothing bears witness to any more
		delete(w.book.verdicts, now.Attempt)
		delete(w.book.letters, now.Attempt)
	}
	if b.attempt > 0 && frozen && isOf(before, &w.run.Spec) && b.spec == w.encodedSpec() && (rerun == "" || rerun == b.rerun) {
		w.wrong("attempt %d begins, and there is no reason for it", now.Attempt)
	}
	if rerun != "" && len(rerun) <= 128 && now.LastHandledRerun != rerun || now.LastHandledRerun == "" && rerun != "" {
		w.wrong("the attempt answers %q, and status says %q", rerun, now.LastHandledRerun)
	}
	if before.Attempt > 0 && *w.historyLimit() > 0 && (len(now.History) == 0 || now.History[0].Attempt != before.Attempt) {
		w.wrong("attempt %d is not in history: %+v", before.Attempt, now.History)
	}
	for i := 1; i < len(now.History); i++ {
		if now.History[i].Attempt >= now.History[i-1].Attempt {
			w.wrong("history is not in order: %+v", now.History)
		}
	}
}

func (w *world) historyLimit() *int32 {
	spec := w.run.Spec.DeepCopy()
	spec.SetDefaults()
	return spec.HistoryLimit
}

// checkDeadline: every attempt ends in time, but for what an operator that was away could not do. Where a phase or the run had to be
// stopped, or the result waited for, that has a bound of its own.
func (w *world) checkDeadline(now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	if now.Verdict != "" || now.Attempt != w.book.begun.attempt {
		return
	}
	limit := now.StartTime.Add(w.book.begun.timeout + w.book.away + w.book.idleFor(w) + catchUp + 2*time.Second)
	if !slices.ContainsFunc(now.Phases, func(p v1alpha1.PhaseStatus) bool { return !p.State.Ended() }) {
		limit = limit.Add(stopWait + storeWait)
	}
	if slices.ContainsFunc(w.jobs, func(j *simJob) bool { return j.sealed }) {
		limit = limit.Add(overdue)
	}
	if w.now.After(limit) {
		w.wrong("the attempt goes on past its timeout")
	}
}

func (w *world) timeout() time.Duration {
	spec := w.run.Spec.DeepCopy()
	spec.SetDefaults()
	return spec.Timeout.Duration
}

// checkRecorded: what was recorded stays.
func (w *world) checkRecorded(now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	recorded := w.book.outcomes[now.Attempt]
	frozen := w.configMaps[workload.InputName(w.run, now.Attempt, workload.InputSpec)] != nil
	for _, p := range now.Phases {
		if !frozen && p.State == v1alpha1.PhaseNotRun && recorded[p.Name].State == p.State {
			continue // of an attempt that never came to anything
		}
		if was, ok := recorded[p.Name]; ok && !reflect.DeepEqual(was, p) && !equalJSON(statusOf(was), statusOf(p)) {
			w.wrong("a recorded outcome changes:\n%+v\n%+v", was, p)
		}
	}
	if verdict, ok := w.book.verdicts[now.Attempt]; ok && verdict != now.Verdict {
		w.wrong("the verdict of attempt %d was %s and is %s", now.Attempt, verdict, now.Verdict)
	}
	for _, past := range now.History {
		if verdict, ok := w.book.verdicts[past.Attempt]; ok && verdict != past.Verdict {
			w.wrong("the verdict of attempt %d was %s, and history says %s", past.Attempt, verdict, past.Verdict)
		}
	}
}

func statusOf(p v1alpha1.PhaseStatus) *v1alpha1.ValidationRunStatus {
	return &v1alpha1.ValidationRunStatus{Phases: []v1alpha1.PhaseStatus{p}}
}

// checkKept: evidence is kept before status announces an outcome.
func (w *world) checkKept(before *v1alpha1.ValidationRunStatus, d *Decision) {
	w.t.Helper()
	blind := w.configMaps[workload.InputName(w.run, before.Attempt, workload.InputSpec)] == nil
	if len(before.Phases) != len(d.Status.Phases) || blind {
		return // what the attempt validated is not known any more: it ends by what status says
	}
	for i, p := range d.Status.Phases {
		if !p.State.Ended() || before.Phases[i].State.Ended() || p.State == v1alpha1.PhaseNotRun || p.FanOut != nil {
			continue
		}
		item := workload.Item{Attempt: d.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
		if w.forged(item) && p.State != v1alpha1.PhasePassed {
			continue // what somebody has put there is not what the phase came to
		}
		kept := w.evidence(item)
		if kept == nil || kept.State != p.State || kept.Reason != p.Reason || kept.Message != p.Message || kept.Summary != p.Summary {
			w.wrong("phase %s ends as %s %s, and that is not what was kept", p.Name, p.State, p.Reason)
		}
		if !slices.ContainsFunc(d.Keep, func(k Keeping) bool {
			return k.Phase.Name == p.Name && k.Phase.State == p.State && k.Phase.Reason == p.Reason
		}) {
			w.wrong("phase %s ends, and what is kept is %+v", p.Name, d.Keep)
		}
	}
}

// forged says whether somebody else wrote the evidence of a run of a phase.
func (w *world) forged(item workload.Item) bool {
	return w.book.forgeries[workload.EvidenceName(w.run, item)]
}

// evidence is what was kept of a run of a phase.
func (w *world) evidence(item workload.Item) *report.Phase {
	cm := w.configMaps[workload.EvidenceName(w.run, item)]
	if cm == nil {
		return nil
	}
	kept, err := report.DecodePhase(cm.data)
	if err != nil {
		w.t.Fatal(err)
	}
	return &kept
}

// infrastructure are the reasons for a retry.
var infrastructure = strings.Fields(`Evicted Preempted NodeShutdown NodeLost PodDeleted PodRejected ImagePullFailed Unschedulable PodNotCreated
	ContainerNotCreated EvidenceIncomplete OOMKilled`)

// checkRetries: a phase is run again as often as its spec says, and for infrastructure alone.
func (w *world) checkRetries(before, now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	for i, p := range now.Phases {
		if p.FanOut != nil || w.stage(p.Name) == nil {
			continue
		}
		if p.Flaky != (p.Retries > 0 && p.State == v1alpha1.PhasePassed) {
			w.wrong("phase %s is %s after %d retries, and flaky is %t", p.Name, p.State, p.Retries, p.Flaky)
		}
		if i >= len(before.Phases) || p.Retries == before.Phases[i].Retries {
			continue
		}
		item := workload.Item{Attempt: now.Attempt, Phase: p.Name, Restart: p.Restarts - 1}
		kept := w.evidence(item)
		if !w.forged(item) && (kept == nil || kept.State != v1alpha1.PhaseError || !slices.Contains(infrastructure, kept.Reason)) {
			w.wrong("phase %s is retried, after %+v", p.Name, kept)
		}
		if retries := w.phase(p.Name).Retries; retries == nil || p.Retries > *retries || p.Retries != before.Phases[i].Retries+1 {
			w.wrong("phase %s is retried for the %d. time", p.Name, p.Retries)
		}
	}
}
