package verdict

import (
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// judgeContainer judges a phase that is one command. Trouble that ended the command comes before its exit code: a command that
// is told to stop and then exits 0 or 1 has proven nothing.
func judgeContainer(e Evidence) Outcome {
	out := Outcome{State: v1alpha1.PhaseError, Summary: v1alpha1.Summary{Total: 1, Errored: 1}}
	switch text := firstLine(exitMessage(e.Exit)); {
	case e.Trouble != nil:
		out.Reason, out.Message = e.Trouble.Reason, e.Trouble.Message
	case e.Exit == nil:
		out.Reason, out.Message = v1alpha1.ReasonEvidenceIncomplete, "nobody saw how the container ended"
	case e.Exit.Code == 0:
		out.State, out.Message = v1alpha1.PhasePassed, text
		out.Summary = v1alpha1.Summary{Total: 1, Passed: 1}
	case e.Exit.Code == 1:
		out.State, out.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
		out.Message = orElse(text, "the container ended with exit code 1")
		out.Summary = v1alpha1.Summary{Total: 1, Failed: 1}
	case e.Exit.Code == 2 && strings.HasPrefix(e.Exit.Message, skipPrefix):
		out.State, out.Reason = v1alpha1.PhaseSkipped, v1alpha1.ReasonNothingApplicable
		out.Message = orElse(strings.TrimSpace(strings.TrimPrefix(text, skipPrefix)), "the container skipped itself")
		out.Summary = v1alpha1.Summary{Total: 1, Skipped: 1}
	default:
		out.Reason = v1alpha1.ReasonUnexpectedExitCode
		out.Message = "the container ended with " + e.Exit.String()
		if text != "" {
			out.Message += ": " + text
		}
		if e.Exit.Code == 2 {
			out.Message += " (2 is Skipped where the termination message begins with " + skipPrefix + ")"
		}
	}
	return out
}

// skipPrefix begins the termination message of a container that says it is not applicable.
const skipPrefix = "SKIP:"
