package metrics

import (
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// Transition counts what a write of status has changed. It is called once after each write that succeeded, with the status that the
// write replaced and the one that it left.
func (m *Metrics) Transition(old, now *v1alpha1.ValidationRunStatus) {
	if m == nil || now.Attempt == 0 { // a run that was cancelled before its first attempt has a verdict and no attempt
		return
	}
	if old.Attempt != now.Attempt {
		if old.Attempt > 0 && old.Verdict == "" {
			m.superseded(old, now)
		}
		m.attemptsStarted.WithLabelValues(cause(old, now)).Inc()
		old = &v1alpha1.ValidationRunStatus{}
	}
	for i := range now.Phases {
		before := v1alpha1.PhaseStatus{}
		if i < len(old.Phases) {
			before = old.Phases[i]
		}
		m.phase(&before, &now.Phases[i])
	}
	if old.Verdict == "" && now.Verdict != "" {
		m.completed(now)
	}
}

func cause(old, now *v1alpha1.ValidationRunStatus) string {
	switch {
	case old.Attempt == 0:
		return causeFirst
	case old.LastHandledRerun != now.LastHandledRerun && now.LastHandledRerun != "":
		return causeRerun
	}
	return causeSpecChanged
}

// superseded counts an attempt that ended in the write that began the next one. History tells how, where it is kept; its last phase's
// outcome was in no status, and is not counted.
func (m *Metrics) superseded(old, now *v1alpha1.ValidationRunStatus) {
	status := *old
	status.Verdict, status.CompletionTime = v1alpha1.VerdictCancelled, now.StartTime
	for i := range old.Phases {
		if old.Phases[i].State == v1alpha1.PhaseFailed {
			status.Verdict = v1alpha1.VerdictFailed
		}
	}
	reason := v1alpha1.ReasonSuperseded
	for i := range now.History {
		if past := &now.History[i]; past.Attempt == old.Attempt {
			status.Verdict, status.CompletionTime, reason = past.Verdict, past.CompletionTime, past.Reason
		}
	}
	if reason == v1alpha1.ReasonSuperseded {
		m.attemptsSuperseded.Inc()
	}
	m.ended(&status)
}

func (m *Metrics) completed(now *v1alpha1.ValidationRunStatus) {
	m.ended(now)
	for i := range now.Phases {
		if now.Verdict == v1alpha1.VerdictCancelled && now.Phases[i].Reason == v1alpha1.ReasonSuperseded {
			m.attemptsSuperseded.Inc()
			break
		}
	}
	if len(now.Results) == 0 {
		return
	}
	var size int64
	for i := range now.Results {
		size += now.Results[i].Bytes
	}
	m.resultBytes.Observe(float64(size))
}

func (m *Metrics) ended(s *v1alpha1.ValidationRunStatus) {
	verdict := verdicts.close(string(s.Verdict))
	m.attemptsCompleted.WithLabelValues(verdict).Inc()
	if s.StartTime == nil || s.CompletionTime == nil {
		return
	}
	took := s.CompletionTime.Sub(s.StartTime.Time) - suspended(s, s.CompletionTime.Time)
	m.attemptSeconds.WithLabelValues(verdict).Observe(max(took, 0).Seconds())
}

// suspended is for how long an attempt was suspended until now.
func suspended(s *v1alpha1.ValidationRunStatus, now time.Time) time.Duration {
	d := time.Duration(s.SuspendedSeconds) * time.Second
	if s.SuspendedSince != nil {
		d += max(now.Sub(s.SuspendedSince.Time), 0)
	}
	return d
}

func (m *Metrics) phase(before, now *v1alpha1.PhaseStatus) {
	for range now.Retries - before.Retries {
		m.retries.WithLabelValues(retryReasons.close(now.Reason)).Inc()
	}
	if before.State.Ended() || !now.State.Ended() {
		return
	}
	state, reason := phaseStates.close(string(now.State)), now.Reason
	if reason != "" {
		reason = reasons.close(reason)
	}
	m.phasesCompleted.WithLabelValues(state, reason).Inc()
	if now.Flaky {
		m.phasesFlaky.Inc()
	}
	if now.StartTime != nil && now.CompletionTime != nil && now.State != v1alpha1.PhaseNotRun {
		m.phaseSeconds.WithLabelValues(state).Observe(max(now.CompletionTime.Sub(now.StartTime.Time), 0).Seconds())
	}
}
