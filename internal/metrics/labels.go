package metrics

import "github.com/validation-operator/validation-operator/api/v1alpha1"

// Other stands for a value that is not in its label's set.
const Other = "Other"

// set is what a label can say.
type set map[string]bool

func setOf[T ~string](values ...T) set {
	out := set{}
	for _, v := range values {
		out[string(v)] = true
	}
	return out
}

// close is the value, or Other.
func (s set) close(value string) string {
	if s[value] {
		return value
	}
	return Other
}

// The causes of an attempt.
const (
	causeFirst       = "First"
	causeSpecChanged = "SpecChanged"
	causeRerun       = "Rerun"
)

var causes = setOf(causeFirst, causeSpecChanged, causeRerun)

// The states of a run that is not complete.
const (
	statePending   = "Pending"
	stateRunning   = "Running"
	stateSuspended = "Suspended"
	stateDeleting  = "Deleting"
)

var runStates = append([]string{statePending, stateRunning, stateSuspended, stateDeleting, Other}, verdictNames...)

var verdictNames = []string{
	string(v1alpha1.VerdictPassed), string(v1alpha1.VerdictFailed), string(v1alpha1.VerdictError),
	string(v1alpha1.VerdictSkipped), string(v1alpha1.VerdictCancelled),
}

var verdicts = setOf(verdictNames...)

var phaseStates = setOf(
	v1alpha1.PhasePending, v1alpha1.PhaseRunning, v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseError, v1alpha1.PhaseSkipped,
	v1alpha1.PhaseNotRun,
)

// progress are the reasons of a phase that runs and meets no trouble.
var progress = setOf(v1alpha1.ReasonPending, v1alpha1.ReasonRunning, v1alpha1.ReasonStarting, v1alpha1.ReasonStopping, v1alpha1.ReasonSuspended)

// troubles are the reasons of a phase that waits for something, or that has ended for want of proof.
var troubles = setOf(
	v1alpha1.ReasonPanicked, v1alpha1.ReasonTestIncomplete, v1alpha1.ReasonTestMissing, v1alpha1.ReasonNoTests,
	v1alpha1.ReasonUnexpectedTestCount, v1alpha1.ReasonRequiredCheckSkipped, v1alpha1.ReasonExitCodeMismatch,
	v1alpha1.ReasonEvidenceIncomplete, v1alpha1.ReasonUnexpectedExitCode,
	v1alpha1.ReasonStartFailed, v1alpha1.ReasonListFailed, v1alpha1.ReasonDeadlineExceeded, v1alpha1.ReasonRunTimeout, v1alpha1.ReasonStartTimeout,
	v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonInvalidRecipe, v1alpha1.ReasonCheckNotFound, v1alpha1.ReasonConstraintNotEvaluated,
	v1alpha1.ReasonSnapshotIncomplete,
	v1alpha1.ReasonNoNodes, v1alpha1.ReasonNodeUnschedulable, v1alpha1.ReasonNodeNotReady,
	v1alpha1.ReasonInvalidImage, v1alpha1.ReasonForbidden, v1alpha1.ReasonNameConflict, v1alpha1.ReasonInputMissing,
	v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonUnschedulable, v1alpha1.ReasonQuotaExceeded,
	v1alpha1.ReasonPodNotCreated, v1alpha1.ReasonContainerNotCreated,
	v1alpha1.ReasonOOMKilled, v1alpha1.ReasonEvicted, v1alpha1.ReasonPreempted, v1alpha1.ReasonNodeShutdown, v1alpha1.ReasonNodeLost,
	v1alpha1.ReasonPodDeleted, v1alpha1.ReasonJobDeleted, v1alpha1.ReasonPodRejected, v1alpha1.ReasonPodReplaced,
	v1alpha1.ReasonCancelled, v1alpha1.ReasonSuperseded,
)

// conclusions are the reasons of a phase that has ended in any other way.
var conclusions = setOf(v1alpha1.ReasonTestsFailed, v1alpha1.ReasonNothingApplicable, v1alpha1.ReasonEarlierPhase)

// reasons are all there are.
var reasons = join(progress, troubles, conclusions)

// phaseReasons are the reasons that a phase of a state is expected to have. Others of the reasons are counted as well, from the first time on
// that they occur.
var phaseReasons = map[string]set{
	string(v1alpha1.PhasePassed):  setOf(""),
	string(v1alpha1.PhaseFailed):  setOf(v1alpha1.ReasonTestsFailed),
	string(v1alpha1.PhaseError):   troubles,
	string(v1alpha1.PhaseSkipped): setOf(v1alpha1.ReasonNothingApplicable),
	string(v1alpha1.PhaseNotRun):  setOf(v1alpha1.ReasonEarlierPhase, v1alpha1.ReasonRunTimeout, v1alpha1.ReasonCancelled, v1alpha1.ReasonSuperseded),
}

// retryReasons are those of trouble with the infrastructure, which a retry can be for.
var retryReasons = setOf(
	v1alpha1.ReasonEvicted, v1alpha1.ReasonPreempted, v1alpha1.ReasonNodeShutdown, v1alpha1.ReasonNodeLost, v1alpha1.ReasonPodDeleted,
	v1alpha1.ReasonPodRejected, v1alpha1.ReasonOOMKilled, v1alpha1.ReasonImagePullFailed, v1alpha1.ReasonUnschedulable,
	v1alpha1.ReasonPodNotCreated, v1alpha1.ReasonContainerNotCreated, v1alpha1.ReasonEvidenceIncomplete,
)

// refusals are the reasons for which the API server does not take a result.
var refusals = setOf(
	v1alpha1.ReasonInvalidSpec, v1alpha1.ReasonQuotaExceeded, v1alpha1.ReasonForbidden, v1alpha1.ReasonNameConflict, v1alpha1.ReasonPodNotCreated,
)

// gaps are the kinds of loss in a log, as podlog names them.
var gaps = setOf("OverlapLost", "LinesMissed", "LineChanged", "RotatedAway", "Unstamped")

func join(sets ...set) set {
	out := set{}
	for _, s := range sets {
		for v := range s {
			out[v] = true
		}
	}
	return out
}
