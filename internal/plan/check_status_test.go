package plan

import (
	"encoding/json"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// checkVerdict: the verdict is what the phases are.
func (w *world) checkVerdict(s *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	passed := 0
	for _, p := range s.Phases {
		switch {
		case p.State == v1alpha1.PhasePassed:
			passed++
		case s.Verdict == v1alpha1.VerdictPassed && p.State != v1alpha1.PhaseSkipped:
			w.wrong("the verdict is Passed, and phase %s is %s", p.Name, p.State)
		case s.Verdict != "" && s.Verdict != v1alpha1.VerdictFailed && p.State == v1alpha1.PhaseFailed:
			w.wrong("the verdict is %s, and phase %s is Failed", s.Verdict, p.Name)
		}
		if s.Verdict != "" && !p.State.Ended() {
			w.wrong("the verdict is %s, and phase %s is %s", s.Verdict, p.Name, p.State)
		}
	}
	if s.Verdict == v1alpha1.VerdictPassed && passed == 0 {
		w.wrong("the verdict is Passed, and no phase is")
	}
	if (s.Verdict == "") != (s.CompletionTime == nil) {
		w.wrong("verdict %q, completionTime %v", s.Verdict, s.CompletionTime)
	}
	if s.Verdict != "" && s.SuspendedSince != nil {
		w.wrong("the attempt is complete and suspended")
	}
}

// checkConditions: the table of states and conditions, which kstatus and kubectl wait rely on.
func (w *world) checkConditions(s *v1alpha1.ValidationRunStatus) {
	w.t.Helper()
	const absent = metav1.ConditionStatus("absent")
	want := [4]metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown, metav1.ConditionTrue, absent}
	held := s.Verdict != "" && w.run.Spec.Cancel && s.ObservedGeneration != w.run.Generation
	spec := w.run.Spec.DeepCopy()
	spec.SetDefaults()
	switch {
	case s.Verdict == "" && w.isSuspended(s) && meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReconciling) == nil:
		want[2] = absent
	case s.Verdict == "":
	case s.Verdict == v1alpha1.VerdictPassed, s.Verdict == v1alpha1.VerdictSkipped && w.accepts(s):
		want = [4]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionTrue, absent, absent}
	default:
		want = [4]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, absent, metav1.ConditionTrue}
	}
	if held {
		want[2] = metav1.ConditionTrue
	}
	for i, kind := range []string{v1alpha1.ConditionComplete, v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		got := absent
		if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
			got = c.Status
			says := c.ObservedGeneration == s.ObservedGeneration && c.Message == s.Message
			if held && kind == v1alpha1.ConditionReconciling {
				says = c.ObservedGeneration == w.run.Generation && c.Reason == v1alpha1.ReasonCancelled
			}
			if c.Reason == "" || !says {
				w.wrong("condition %+v of a status whose observedGeneration is %d and message %q", c, s.ObservedGeneration, s.Message)
			}
		}
		if got != want[i] {
			w.wrong("%s is %s, want %s, at verdict %q", kind, got, want[i], s.Verdict)
		}
	}
}

// isSuspended says whether nothing of an attempt runs, or is going to while the run is suspended.
func (w *world) isSuspended(s *v1alpha1.ValidationRunStatus) bool {
	started := slices.ContainsFunc(s.Phases, func(p v1alpha1.PhaseStatus) bool { return p.State == v1alpha1.PhaseRunning })
	pending := slices.ContainsFunc(s.Phases, func(p v1alpha1.PhaseStatus) bool { return p.State == v1alpha1.PhasePending })
	live := slices.ContainsFunc(w.jobs, func(j *simJob) bool { return !j.finished })
	return w.run.Spec.Suspend && !w.run.Spec.Cancel && pending && !started && !live
}

// accepts says whether the attempt's spec takes nothing but skips for success.
func (w *world) accepts(s *v1alpha1.ValidationRunStatus) bool {
	spec := w.run.Spec
	if frozen := w.configMaps[workload.InputName(w.run, s.Attempt, workload.InputSpec)]; frozen != nil {
		spec = v1alpha1.ValidationRunSpec{}
		if err := json.Unmarshal(frozen.data, &spec); err != nil {
			w.t.Fatal(err)
		}
	}
	return spec.AllSkipped == v1alpha1.AllSkippedAccept
}
