package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

func tries(n int32) func(*v1alpha1.Phase) {
	return func(p *v1alpha1.Phase) { p.Retries = new(n) }
}

// evictedAt is a life that an eviction ends.
func evictedAt(second int) script {
	return runs("pass TestA", "hang TestB").and(second, func(w *world, job *simJob) { w.evict(job) })
}

func (w *world) tidyUp(jobs v1alpha1.CleanupJobs, after time.Duration) {
	w.edit(func(s *v1alpha1.ValidationRunSpec) {
		s.Cleanup = &v1alpha1.Cleanup{Jobs: jobs, After: &metav1.Duration{Duration: after}}
	})
}

// attemptStories are lives of more than one attempt.
var attemptStories = []story{
	{name: "rerun", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA"), "a@2": runs("pass TestA"), "a@3": runs("skip TestA")}
		w.after(60, func() { w.annotate("one") })
		w.after(120, func() { w.annotate("one") })
		w.after(180, func() { w.annotate("") })
		w.after(240, func() { w.annotate("one") })
		w.after(300, func() { w.annotate(long) })
		w.after(360, func() { w.annotate(long) })
	}},
	{name: "rerun-while-running", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB", "hang TestC"), "b@2": runs("pass TestB")}
		w.after(20, func() { w.annotate("now") })
	}},
	{name: "rerun-in-the-first-apply", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.annotate("from the start")
	}},
	{name: "edit-and-back", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.after(60, func() { w.retrigger("B"); w.retrigger("") })
		w.after(120, func() { w.retrigger("B") })
		w.after(125, func() { w.retrigger("") })
	}},
	{name: "superseded-with-a-failure", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB"), "a@2": runs("pass TestA"), "b": runs("pass TestC")}
		w.after(8, func() { w.retrigger("v2") })
	}},
	{name: "superseded-while-its-log-is-read", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(7, endless), "a@2": runs("pass TestA"), "b": runs("pass TestC")}
		w.after(12, func() { w.retrigger("v2") })
	}},
	{name: "superseded-with-other-phases", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB"), "c": runs("pass TestC")}
		w.after(14, func() {
			w.edit(func(s *v1alpha1.ValidationRunSpec) { s.Phases = []v1alpha1.Phase{goPhase("c"), goPhase("b")} })
		})
	}},
	{name: "history", phases: []v1alpha1.Phase{containerPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": {}}
		w.run.Spec.HistoryLimit = new(int32(2))
		for i := range 5 {
			w.after(60+i*60, func() { w.annotate(string(rune('A' + i))) })
		}
		w.after(400, func() { w.edit(func(s *v1alpha1.ValidationRunSpec) { s.HistoryLimit = new(int32(0)) }) })
		w.after(460, func() { w.annotate("last") })
	}},
	{name: "status-wiped", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.annotate("once")
		w.after(60, w.wipe)
		w.after(66, w.wipe)
	}},
	{name: "status-restored-of-an-earlier-attempt", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		var first *v1alpha1.ValidationRunStatus
		w.after(60, func() { first = w.run.Status.DeepCopy(); w.retrigger("v2") })
		w.after(120, func() { w.restore(first) })
	}},
	{name: "status-restored-while-the-next-attempt-runs", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "a@2": runs("pass TestA", "hang TestB"), "b": runs("pass TestB")}
		w.after(12, func() { w.annotate("now") })
		w.after(30, func() {
			for _, b := range w.book.all {
				if s := b.status; s.Attempt == 1 && s.Phases[1].State == v1alpha1.PhaseRunning && len(s.Phases[1].Jobs) == 0 {
					w.annotate("")
					w.restore(s)
				}
			}
		})
	}},
	{name: "status-restored-after-a-resume", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "pass TestB"), "a+1": runs("pass TestA", "hang TestB")}
		w.after(5, func() { w.suspend(true) })
		w.after(20, func() { w.suspend(false) })
		w.after(30, func() { w.restore(w.book.all[0].status) })
	}},
	{name: "copy-of-the-spec-deleted", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB"), "a@2": runs("pass TestA")}
		w.after(8, func() { w.lose(workload.ComponentInput) })
		w.after(9, func() { w.suspend(true); w.suspend(false) })
	}},
	{name: "all-skipped-accepted", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("skip TestA")}
		w.run.Spec.AllSkipped = v1alpha1.AllSkippedAccept
	}},
	{name: "sources-appear", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.run.Spec.Recipe, w.run.Spec.Snapshot = fromConfigMap("r"), snapshotOf("s")
		w.absent["r"], w.absent["s"] = true, true
		w.after(20, func() { w.absent["r"] = false })
		w.after(40, func() { w.absent["s"] = false })
	}},
	{name: "cleaned-at-once", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA")}
		w.tidyUp(v1alpha1.CleanupAlways, 0)
	}},
	{name: "cleaned-after-a-week", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.tidyUp(v1alpha1.CleanupNever, time.Minute)
	}},
	{name: "cleaned-by-a-later-edit", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA")}
		w.after(600, func() { w.tidyUp(v1alpha1.CleanupAlways, time.Minute) })
	}},
}

// wishStories are lives that are suspended, cancelled or retried.
var wishStories = []story{
	{name: "suspended-and-resumed", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB", "hang TestC"), "b+1": runs("pass TestB", "pass TestC")}
		w.run.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
		w.after(16, func() { w.suspend(true) })
		w.after(3600, func() { w.suspend(false) })
	}},
	{name: "suspended-from-the-start", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.suspend(true)
		w.after(60, func() { w.tidyUp(v1alpha1.CleanupAlways, time.Minute) })
		w.after(120, func() { w.suspend(false) })
	}},
	{name: "suspended-with-a-failure", phases: []v1alpha1.Phase{goPhase("a", goesOn), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB"), "b": runs("pass TestC")}
		w.after(8, func() { w.suspend(true) })
		w.after(60, func() { w.suspend(false) })
	}},
	{name: "suspended-while-its-log-never-ends", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(7, endless), "a+1": runs("pass TestA")}
		w.after(12, func() { w.suspend(true) })
		w.after(600, func() { w.suspend(false) })
	}},
	{name: "suspended-past-the-timeout-while-its-log-is-read", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		read := func(_ *world, job *simJob) { job.logNeverEnds = false }
		w.scripts = map[string]script{"a": runs("pass TestA").and(7, endless).and(60, read), "b": runs("pass TestB")}
		w.run.Spec.Timeout = &metav1.Duration{Duration: 30 * time.Second}
		w.after(12, func() { w.suspend(true) })
		w.after(600, func() { w.suspend(false) })
	}},
	{name: "suspended-and-refused", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.refuse = func(what string) *Block {
			if what == "freeze" && w.second() < 100 {
				return &Block{Reason: v1alpha1.ReasonQuotaExceeded, Message: "exceeded quota: configmaps"}
			}
			return nil
		}
		w.suspend(true)
		w.after(120, func() { w.suspend(false) })
	}},
	{name: "suspended-resumed-and-suspended", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("hang TestA"), "a+2": runs("pass TestA")}
		w.after(6, func() { w.suspend(true) })
		w.after(7, func() { w.suspend(false) })
		w.after(16, func() { w.suspend(true) })
		w.after(30, func() { w.suspend(false) })
	}},
	{name: "cancelled", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB", "hang TestC")}
		w.after(16, func() { w.cancel(true) })
		w.after(17, func() { w.cancel(false) })
	}},
	{name: "cancelled-with-a-failure", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB")}
		w.after(8, func() { w.cancel(true) })
	}},
	{name: "cancelled-before-it-began", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.cancel(true)
		w.after(60, func() { w.retrigger("v2") })
		w.after(120, func() { w.cancel(false) })
	}},
	{name: "cancelled-and-edited", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA", "hang TestB"), "a@2": runs("pass TestA")}
		w.after(7, func() { w.cancel(true) })
		w.after(60, func() { w.retrigger("v2") })
		w.after(120, func() { w.cancel(false) })
	}},
	{name: "cancelled-and-edited-before-anything-ran", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.missing = "recipe: ConfigMap r does not exist"
		w.after(7, func() { w.cancel(true); w.retrigger("v2") })
		w.after(60, func() { w.missing = ""; w.cancel(false) })
	}},
	{name: "cancelled-and-the-pod-does-not-go", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		s := runs("pass TestA", "hang TestB")
		s.immortal = true
		w.scripts = map[string]script{"a": s}
		w.after(7, func() { w.cancel(true) })
	}},
	{name: "cancelled-while-suspended", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA")}
		w.after(5, func() { w.suspend(true) })
		w.after(60, func() { w.cancel(true) })
	}},
	{name: "retried", phases: []v1alpha1.Phase{goPhase("a", tries(2))}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7), "a+1": evictedAt(7), "a+2": runs("pass TestA", "pass TestB")}
	}},
	{name: "retries-used-up", phases: []v1alpha1.Phase{goPhase("a", tries(1)), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7)}
	}},
	{name: "evicted-while-nobody-looks-and-superseded", phases: []v1alpha1.Phase{goPhase("a", tries(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7), "a@2": runs("pass TestA")}
		w.after(10, func() { w.retrigger("v2") })
		w.after(8, func() { w.away(4) })
	}},
	{name: "evicted-while-nobody-looks-and-suspended", phases: []v1alpha1.Phase{goPhase("a", tries(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7), "a+1": runs("pass TestA", "pass TestB")}
		w.after(10, func() { w.suspend(true) })
		w.after(8, func() { w.away(4) })
		w.after(60, func() { w.suspend(false) })
	}},
	{name: "evicted-while-nobody-looks-until-the-timeout", phases: []v1alpha1.Phase{goPhase("a", tries(1))}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7)}
		w.after(8, func() { w.away(3 * 60 * 60) })
	}},
	{name: "no-retry-of-a-panic", phases: []v1alpha1.Phase{goPhase("a", tries(2))}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("panic TestA")}
	}},
	{name: "retry-fails", phases: []v1alpha1.Phase{goPhase("a", tries(2))}, set: func(w *world) {
		w.scripts = map[string]script{"a": evictedAt(7), "a+1": runs("fail TestA")}
	}},
	{name: "operator-away-for-long", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA"), "b": runs("pass TestB")}
		w.after(5, func() { w.away(5 * 60) })
		w.after(310, func() { w.away(3 * 60 * 60) })
	}},
	{name: "log-sealed-until-the-timeout", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(2, sealed), "b": runs("pass TestB")}
		w.run.Spec.Timeout = &metav1.Duration{Duration: 30 * time.Minute}
	}},
	{name: "log-sealed-of-a-validator-that-runs", phases: []v1alpha1.Phase{goPhase("a", within(minutes(1), minutes(1)))}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB").and(2, sealed)}
		w.run.Spec.Timeout = &metav1.Duration{Duration: 30 * time.Minute}
	}},
	{name: "log-sealed-and-healed", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		healed := func(_ *world, job *simJob) { job.sealed = false }
		w.scripts = map[string]script{"a": runs("fail TestA").and(2, sealed).and(900, healed)}
	}},
	{name: "log-sealed-and-cancelled", phases: []v1alpha1.Phase{goPhase("a"), goPhase("b")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(2, sealed)}
		w.after(20, func() { w.cancel(true) })
	}},
	{name: "log-sealed-and-cancelled-while-it-runs", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB").and(2, sealed)}
		w.after(20, func() { w.cancel(true) })
	}},
	{name: "log-sealed-until-after-the-cancel", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		healed := func(_ *world, job *simJob) { job.sealed = false }
		w.scripts = map[string]script{"a": runs("fail TestA", "hang TestB").and(2, sealed).and(60, healed)}
		w.after(20, func() { w.cancel(true) })
	}},
	{name: "log-sealed-and-superseded", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(2, sealed), "a@2": runs("pass TestA")}
		w.after(20, func() { w.retrigger("v2") })
	}},
	{name: "log-sealed-and-suspended", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("pass TestA").and(2, sealed)}
		w.after(20, func() { w.suspend(true) })
		w.after(600, func() { w.cancel(true) })
	}},
	{name: "deleted-while-suspended", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("hang TestA")}
		w.after(6, func() { w.suspend(true) })
		w.after(7, w.delete)
	}},
	{name: "deleted-while-cancelling", phases: []v1alpha1.Phase{goPhase("a")}, set: func(w *world) {
		w.scripts = map[string]script{"a": runs("hang TestA")}
		w.after(6, func() { w.cancel(true) })
		w.after(7, w.delete)
	}},
}

// sealed is a log that cannot be read on, because what was read of it before cannot be had.
func sealed(_ *world, job *simJob) { job.sealed = true }

// endless is a log whose end is never read.
func endless(_ *world, job *simJob) { job.logNeverEnds = true }
