package v1alpha1

// The labels of everything that is made for a run.
const (
	// LabelRun is the run's name.
	LabelRun = "validation.aicr.dev/run"
	// LabelRunUID is the run's UID.
	LabelRunUID = "validation.aicr.dev/run-uid"
	// LabelAttempt is the attempt's number.
	LabelAttempt = "validation.aicr.dev/attempt"
	// LabelPhase is the phase's name, on what belongs to one phase.
	LabelPhase = "validation.aicr.dev/phase"
	// LabelCheck is the check that a Job runs, where its phase has one for each.
	LabelCheck = "validation.aicr.dev/item-check"
	// LabelComponent says what an object is for: access, input, evidence, result or validator.
	LabelComponent = "validation.aicr.dev/component"
)

// AnnotationNode is the node that a Job is for, where its phase runs on each of several, on what belongs to it: a node's name can be longer
// than a label's value.
const AnnotationNode = "validation.aicr.dev/node"

// AnnotationRestart is how often an item was begun anew before, on its evidence.
const AnnotationRestart = "validation.aicr.dev/restart"

// The phases that the operator adds to those of the spec and the recipe.
const (
	// PhasePreflight reads the recipe and finds the checks in the image.
	PhasePreflight = "preflight"
	// PhaseSnapshot takes the snapshot.
	PhaseSnapshot = "snapshot"
)

// LabelMetrics on a run, with the value "true", asks for metrics that name the run.
const LabelMetrics = "validation.aicr.dev/metrics"

// Finalizer is on a run only while an attempt of it may have pods: they are stopped before their identity goes.
const Finalizer = "validation.aicr.dev/pods"

// AnnotationRerun on a run asks for another attempt of the same spec: each new value that is not empty starts one, such as the time in
// `kubectl annotate validationrun/NAME --overwrite validation.aicr.dev/rerun-requested-at="$(date -Is)"`.
const AnnotationRerun = "validation.aicr.dev/rerun-requested-at"

// CheckClusterRole is the ClusterRole that a run's own ServiceAccount is bound to, in the run's namespace.
const CheckClusterRole = "validation-check"
