package plan

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// setConditions sums the phases up and says in conditions where the attempt is, as the table in the API's reference has it.
func (s *step) setConditions() {
	if s.Status.Verdict != "" {
		s.concluded()
		return
	}
	s.count()
	reason, message := s.doing()
	s.Status.Message = report.Clip(message, report.MessageBytes)
	s.set(v1alpha1.ConditionComplete, metav1.ConditionFalse, reason)
	s.set(v1alpha1.ConditionReady, metav1.ConditionUnknown, reason)
	meta.RemoveStatusCondition(&s.Status.Conditions, v1alpha1.ConditionStalled)
	if reason == v1alpha1.ReasonSuspended {
		meta.RemoveStatusCondition(&s.Status.Conditions, v1alpha1.ConditionReconciling)
		return
	}
	s.set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason)
}

// count sums the phases up.
func (s *step) count() {
	sum := v1alpha1.Summary{}
	for _, p := range s.Status.Phases {
		sum = verdict.Add(sum, p.Summary)
	}
	s.Status.Summary = sum
	s.Status.Passed = fmt.Sprintf("%d/%d", sum.Passed, sum.Total)
}

// summarize says what came out. Only the step that completes the attempt knows all of it; what status then says stands.
func (s *step) summarize() {
	s.count()
	s.Status.Message = report.Clip(s.conclusion(), report.MessageBytes)
}

// concluded sets the conditions of a complete attempt.
func (s *step) concluded() {
	reason := string(s.Status.Verdict)
	if s.held {
		meta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionReconciling, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonCancelled,
			Message:            "the spec has changed, and no attempt starts while spec.cancel is true",
			ObservedGeneration: s.run.Generation, LastTransitionTime: *s.time(),
		})
	} else {
		meta.RemoveStatusCondition(&s.Status.Conditions, v1alpha1.ConditionReconciling)
	}
	s.set(v1alpha1.ConditionComplete, metav1.ConditionTrue, reason)
	if s.Status.Verdict.Succeeded(s.spec.AllSkipped) {
		s.set(v1alpha1.ConditionReady, metav1.ConditionTrue, reason)
		meta.RemoveStatusCondition(&s.Status.Conditions, v1alpha1.ConditionStalled)
		return
	}
	s.set(v1alpha1.ConditionReady, metav1.ConditionFalse, reason)
	s.set(v1alpha1.ConditionStalled, metav1.ConditionTrue, reason)
}

func (s *step) set(kind string, status metav1.ConditionStatus, reason string) {
	meta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: s.Status.Message,
		ObservedGeneration: s.Status.ObservedGeneration, LastTransitionTime: *s.time(),
	})
}

// doing is what an attempt does while it is not complete.
func (s *step) doing() (reason, message string) {
	i := s.current()
	if i < 0 {
		if s.waiting != nil {
			return s.waiting.Reason, s.waiting.Message
		}
		return v1alpha1.ReasonRunning, "storing the result"
	}
	p := s.Status.Phases[i]
	if s.waiting != nil && s.waiting.Reason == v1alpha1.ReasonSuspended {
		return s.waiting.Reason, fmt.Sprintf("%s; phase %s (%d of %d) is next", s.waiting.Message, p.Name, i+1, len(s.Status.Phases))
	}
	where := fmt.Sprintf("phase %s (%d of %d)", p.Name, i+1, len(s.Status.Phases))
	if s.waiting != nil {
		return s.waiting.Reason, where + ": " + s.waiting.Message
	}
	if p.Reason != "" && p.Message != "" {
		return p.Reason, where + ": " + p.Message
	}
	if p.FanOut != nil {
		return v1alpha1.ReasonRunning, where + ": " + progressOf(p.FanOut)
	}
	if len(p.Jobs) == 0 {
		return v1alpha1.ReasonPending, where + ": due"
	}
	ended := p.Summary.Passed + p.Summary.Failed + p.Summary.Skipped
	message = where
	if p.Summary.Total > 0 {
		message += fmt.Sprintf(": %d of %d tests ended", ended, p.Summary.Total)
	}
	if p.Summary.Failed > 0 {
		message += fmt.Sprintf(", %d failed", p.Summary.Failed)
	}
	if p.Running != "" {
		message += ", running " + p.Running
	}
	return v1alpha1.ReasonRunning, message
}

// progressOf is how far the items of a phase are.
func progressOf(f *v1alpha1.FanOutStatus) string {
	what := "Jobs"
	if f.Nodes > 0 && f.Nodes == f.Items {
		what = "nodes"
	}
	text := fmt.Sprintf("%d of %d %s ended, %d running", f.Passed+f.Failed+f.Skipped+f.Errored, f.Items, what, len(f.Active))
	if f.Failed > 0 {
		text += fmt.Sprintf(", %d failed", f.Failed)
	}
	if f.Errored > 0 {
		text += fmt.Sprintf(", %d in error", f.Errored)
	}
	return text
}

// conclusion is what came out, in one line: the counts, and then each phase that is to blame.
func (s *step) conclusion() string {
	phases := make([]report.Phase, 0, len(s.Status.Phases))
	for _, p := range s.Status.Phases {
		phases = append(phases, report.Phase{Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary})
	}
	parts := []string{report.Message(phases)}
	// What others have brought with them needs no words of its own.
	said := map[string]bool{v1alpha1.ReasonEarlierPhase: true, v1alpha1.ReasonCancelled: true, v1alpha1.ReasonSuperseded: true}
	for _, p := range s.Status.Phases {
		if p.State == v1alpha1.PhaseFailed || p.State == v1alpha1.PhaseNotRun && !said[p.Reason] {
			parts = append(parts, p.Name+": "+p.Message)
			said[p.Reason] = true
		}
	}
	if refused := s.seen.StoreRefused; refused != nil {
		parts = append(parts, "the result could not be stored: "+refused.Message)
	}
	return strings.Join(parts, "; ")
}
