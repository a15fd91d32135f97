package plan

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// mayCreate: nothing is created that depends on what is not yet in status, or beside what is to be gone first.
func (w *world) mayCreate(item workload.Item) {
	w.t.Helper()
	if w.run.DeletionTimestamp != nil {
		w.t.Errorf("%v is created for a run that is being deleted\n%s", item, w.said.String())
	}
	for _, p := range w.run.Status.Phases {
		if p.Name == item.Phase {
			break
		}
		if !p.State.Ended() {
			w.t.Errorf("%v is created and status has no outcome of phase %s\n%s", item, p.Name, w.said.String())
		}
	}
	for _, job := range w.jobs {
		switch {
		case job.item == item:
			w.t.Errorf("a second Job of %v is created\n%s", item, w.said.String())
		case job.item.Attempt != item.Attempt:
			w.t.Errorf("%v is created beside %v\n%s", item, job.item, w.said.String())
		}
	}
	if item.Unlisted && w.phase(item.Phase).GoTest.ExpectedTests == nil {
		w.t.Errorf("%v is created without a list and without a number\n%s", item, w.said.String())
	}
}

// mustNotJudgeUnread: before a log is read, no phase is judged by it.
func (w *world) mustNotJudgeUnread(d Decision) {
	w.t.Helper()
	i := slices.IndexFunc(w.run.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return !p.State.Ended() })
	if i >= 0 && d.Status.Phases[i].State.Ended() {
		w.t.Errorf("phase %s is %s and its log was not read\n%s", d.Status.Phases[i].Name, d.Status.Phases[i].State, w.said.String())
	}
}

// check holds a decision against what has to be true of every one.
func (w *world) check(before *v1alpha1.ValidationRunStatus, d *Decision) {
	w.t.Helper()
	now := &d.Status
	if now.ObservedGeneration > w.run.Generation || now.ObservedGeneration < before.ObservedGeneration {
		w.t.Errorf("observedGeneration goes from %d to %d at generation %d\n%s",
			before.ObservedGeneration, now.ObservedGeneration, w.run.Generation, w.said.String())
	}
	if now.Attempt < before.Attempt || now.Attempt > before.Attempt+1 {
		w.t.Errorf("attempt goes from %d to %d", before.Attempt, now.Attempt)
	}
	if now.Attempt == before.Attempt {
		w.checkRecorded(before, now)
		w.checkKept(before, d)
	}
	w.checkVerdict(now)
	w.checkConditions(now)
	if len(now.Message) > 1024 || len(now.Failures) > 20 {
		w.t.Errorf("status is over its bounds: message of %d bytes, %d failures", len(now.Message), len(now.Failures))
	}
	if limit := now.StartTime.Add(w.timeout() + catchUp + 2*time.Second); now.Verdict == "" && w.now.After(limit) {
		w.t.Errorf("the attempt goes on past its timeout\n%s", w.said.String())
	}
	if now.Verdict == "" && d.After == 0 && reflect.DeepEqual(before, now) {
		w.t.Errorf("the attempt is not complete, and nothing brings the next step\n%s", w.said.String())
	}
	if now.Verdict == "" && !d.Finalizer {
		w.t.Errorf("no finalizer while the attempt goes on\n%s", w.said.String())
	}
}

func (w *world) timeout() time.Duration {
	spec := w.run.Spec.DeepCopy()
	spec.SetDefaults()
	return spec.Timeout.Duration
}

// checkRecorded: what was recorded stays.
func (w *world) checkRecorded(before, now *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	for i, p := range before.Phases {
		if p.State.Ended() && !reflect.DeepEqual(p, now.Phases[i]) {
			w.t.Errorf("a recorded outcome changes:\n%+v\n%+v\n%s", p, now.Phases[i], w.said.String())
		}
	}
	if before.Verdict == "" {
		return
	}
	was, is := before.DeepCopy(), now.DeepCopy()
	for _, s := range []*v1alpha1.ValidationRunStatus{was, is} {
		s.ObservedGeneration = 0
		for i := range s.Conditions {
			s.Conditions[i].ObservedGeneration = 0
		}
	}
	if !reflect.DeepEqual(was, is) {
		w.t.Errorf("a complete attempt changes:\n%+v\n%+v\n%s", was, is, w.said.String())
	}
}

// checkKept: evidence is kept before status announces an outcome.
func (w *world) checkKept(before *v1alpha1.ValidationRunStatus, d *Decision) {
	w.t.Helper()
	for i, p := range d.Status.Phases {
		if !p.State.Ended() || before.Phases[i].State.Ended() || p.State == v1alpha1.PhaseNotRun {
			continue
		}
		if !w.haveKept(d.Status.Attempt, p) {
			w.t.Errorf("phase %s ends as %s %s, and that is not what was kept\n%s", p.Name, p.State, p.Reason, w.said.String())
		}
		if d.Keep == nil || d.Keep.Name != p.Name || d.Keep.State != p.State || d.Keep.Reason != p.Reason {
			w.t.Errorf("phase %s ends, and what is kept is %+v\n%s", p.Name, d.Keep, w.said.String())
		}
	}
}

// haveKept says whether the evidence that was kept of a phase is what status says of it.
func (w *world) haveKept(attempt int64, p v1alpha1.PhaseStatus) bool {
	kept, err := report.DecodePhase(w.kept[fmt.Sprintf("%d/%s", attempt, p.Name)])
	return err == nil && kept.State == p.State && kept.Reason == p.Reason && kept.Message == p.Message && kept.Summary == p.Summary &&
		kept.CompletionTime.Equal(p.CompletionTime.Time)
}

func (w *world) checkVerdict(s *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	passed := 0
	for _, p := range s.Phases {
		switch {
		case p.State == v1alpha1.PhasePassed:
			passed++
		case s.Verdict == v1alpha1.VerdictPassed && p.State != v1alpha1.PhaseSkipped:
			w.t.Errorf("the verdict is Passed, and phase %s is %s", p.Name, p.State)
		case s.Verdict != "" && s.Verdict != v1alpha1.VerdictFailed && p.State == v1alpha1.PhaseFailed:
			w.t.Errorf("the verdict is %s, and phase %s is Failed", s.Verdict, p.Name)
		}
		if s.Verdict != "" && !p.State.Ended() {
			w.t.Errorf("the verdict is %s, and phase %s is %s", s.Verdict, p.Name, p.State)
		}
	}
	if s.Verdict == v1alpha1.VerdictPassed && passed == 0 {
		w.t.Error("the verdict is Passed, and no phase is")
	}
	if (s.Verdict == "") != (s.CompletionTime == nil) {
		w.t.Errorf("verdict %q, completionTime %v", s.Verdict, s.CompletionTime)
	}
}

// checkConditions: the table of states and conditions, which kstatus and kubectl wait rely on.
func (w *world) checkConditions(s *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	const absent = metav1.ConditionStatus("absent")
	want := [4]metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown, metav1.ConditionTrue, absent}
	switch s.Verdict {
	case "":
	case v1alpha1.VerdictPassed:
		want = [4]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionTrue, absent, absent}
	default:
		want = [4]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, absent, metav1.ConditionTrue}
	}
	for i, kind := range []string{v1alpha1.ConditionComplete, v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		got := absent
		if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
			got = c.Status
			if c.Reason == "" || c.ObservedGeneration != s.ObservedGeneration || c.Message != s.Message {
				w.t.Errorf("condition %+v of a status whose observedGeneration is %d and message %q", c, s.ObservedGeneration, s.Message)
			}
		}
		if got != want[i] {
			w.t.Errorf("%s is %s, want %s, at verdict %q\n%s", kind, got, want[i], s.Verdict, w.said.String())
		}
	}
}
