package controller

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// transition is an event about what a write of status changed.
type transition struct{ kind, reason, action, note string }

// noteBytes is what the API server takes as an event's note.
const noteBytes = 1024

// transitions are the events between two statuses.
func transitions(old, now *v1alpha1.ValidationRunStatus) []transition {
	var out []transition
	add := func(kind, reason, action, format string, args ...any) {
		out = append(out, transition{kind: kind, reason: reason, action: action, note: report.Clip(fmt.Sprintf(format, args...), noteBytes)})
	}
	if old.Attempt != now.Attempt {
		if old.Attempt > 0 && old.Verdict == "" {
			add(corev1.EventTypeWarning, "Superseded", "Stop", "Attempt %d was superseded before it was complete", old.Attempt)
		}
		add(corev1.EventTypeNormal, "AttemptStarted", "Start", "Started attempt %d", now.Attempt)
		old = &v1alpha1.ValidationRunStatus{}
	}
	for i := range now.Phases {
		before := v1alpha1.PhaseStatus{}
		if i < len(old.Phases) {
			before = old.Phases[i]
		}
		phaseTransition(before, now.Phases[i], add)
	}
	switch {
	case old.SuspendedSince == nil && now.SuspendedSince != nil:
		add(corev1.EventTypeNormal, v1alpha1.ReasonSuspended, "Suspend", "Attempt %d is suspended", now.Attempt)
	case old.SuspendedSince != nil && now.SuspendedSince == nil && now.Verdict == "":
		add(corev1.EventTypeNormal, "Resumed", "Resume", "Attempt %d goes on", now.Attempt)
	}
	if old.Verdict == "" && now.Verdict != "" {
		kind := corev1.EventTypeNormal
		if now.Verdict == v1alpha1.VerdictFailed || now.Verdict == v1alpha1.VerdictError {
			kind = corev1.EventTypeWarning
		}
		what := fmt.Sprintf("Attempt %d", now.Attempt)
		if now.Attempt == 0 {
			what = "The run"
		}
		add(kind, string(now.Verdict), "Complete", "%s is %s: %s", what, now.Verdict, now.Message)
		if now.Attempt > 0 && len(now.Results) == 0 {
			add(corev1.EventTypeWarning, "ResultNotStored", "Store", "Attempt %d has no result: %s", now.Attempt, now.Message)
		}
	}
	return out
}

func phaseTransition(before, p v1alpha1.PhaseStatus, add func(kind, reason, action, format string, args ...any)) {
	switch {
	case p.State.Ended() && !before.State.Ended():
		kind := corev1.EventTypeNormal
		if verdict.Stops(p.State) {
			kind = corev1.EventTypeWarning
		}
		note := fmt.Sprintf("Phase %s is %s", p.Name, p.State)
		if p.Reason != "" {
			note += " (" + p.Reason + ")"
		}
		if p.Message != "" {
			note += ": " + p.Message
		}
		add(kind, "Phase"+string(p.State), "Judge", "%s", note)
	case p.Retries > before.Retries:
		add(corev1.EventTypeWarning, "PhaseRetried", "Retry", "Phase %s: %s", p.Name, p.Message)
	case newJob(before, p):
		add(corev1.EventTypeNormal, "JobCreated", "Create", "Created Job %s for phase %s", p.Jobs[len(p.Jobs)-1], p.Name)
	case p.State == v1alpha1.PhaseRunning && p.Reason != before.Reason && waits(p.Reason):
		add(corev1.EventTypeWarning, p.Reason, "Wait", "Phase %s waits: %s", p.Name, p.Message)
	}
}

func newJob(before, p v1alpha1.PhaseStatus) bool {
	return len(p.Jobs) > 0 && (len(before.Jobs) == 0 || before.Jobs[len(before.Jobs)-1] != p.Jobs[len(p.Jobs)-1])
}

// waits says whether a reason is about something amiss.
func waits(reason string) bool {
	switch reason {
	case "", v1alpha1.ReasonStarting, v1alpha1.ReasonRunning, v1alpha1.ReasonStopping, v1alpha1.ReasonPending, v1alpha1.ReasonSuspended:
		return false
	}
	return true
}
