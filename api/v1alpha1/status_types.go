package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Verdict is the outcome of a whole attempt.
//
// +kubebuilder:validation:Enum=Passed;Failed;Error;Skipped;Cancelled
type Verdict string

// The verdicts.
const (
	// VerdictPassed is proof: every expected test ran to its end and passed, or
	// was permitted to skip and said so.
	VerdictPassed Verdict = "Passed"
	// VerdictFailed is a proven failure.
	VerdictFailed Verdict = "Failed"
	// VerdictError is where nothing is proven either way.
	VerdictError Verdict = "Error"
	// VerdictSkipped is where every test said that it was not applicable.
	VerdictSkipped Verdict = "Skipped"
	// VerdictCancelled is where the attempt was ended before its end, by
	// spec.cancel or by the next attempt, and no failure was proven until then.
	VerdictCancelled Verdict = "Cancelled"
)

// Succeeded says whether the verdict makes a run Ready.
func (v Verdict) Succeeded(allSkipped AllSkipped) bool {
	return v == VerdictPassed || v == VerdictSkipped && allSkipped == AllSkippedAccept
}

// PhaseState is where a phase is, or its outcome.
//
// +kubebuilder:validation:Enum=Pending;Running;Passed;Failed;Error;Skipped;NotRun
type PhaseState string

// The states of a phase. A phase is Running from when it is due, so that
// waiting for a node or an image is a part of it.
const (
	// PhasePending is a phase whose turn has not come.
	PhasePending PhaseState = "Pending"
	// PhaseRunning is a phase that is due: it runs or waits for what it needs.
	PhaseRunning PhaseState = "Running"
	// PhasePassed is proof, as in the verdict.
	PhasePassed PhaseState = "Passed"
	// PhaseFailed is a proven failure.
	PhaseFailed PhaseState = "Failed"
	// PhaseError is where nothing is proven either way.
	PhaseError PhaseState = "Error"
	// PhaseSkipped is where every test said that it was not applicable.
	PhaseSkipped PhaseState = "Skipped"
	// PhaseNotRun never was due: an earlier phase or the attempt's timeout ended
	// the attempt.
	PhaseNotRun PhaseState = "NotRun"
)

// Ended says whether the state is an outcome, which never changes again.
func (s PhaseState) Ended() bool {
	switch s {
	case PhasePassed, PhaseFailed, PhaseError, PhaseSkipped, PhaseNotRun:
		return true
	case PhasePending, PhaseRunning:
		return false
	}
	return false
}

// ValidationRunStatus is what is known about the current attempt.
//
// +kubebuilder:validation:XValidation:rule="!has(self.phases) || self.phases.map(p, has(p.fanOut) && has(p.fanOut.active) ? p.fanOut.active.size() : 0).sum() <= 64",message="all phases together have at most 64 active items",fieldPath=".phases"
// +kubebuilder:validation:XValidation:rule="!has(self.phases) || self.phases.map(p, has(p.fanOut) && has(p.fanOut.failing) ? p.fanOut.failing.size() : 0).sum() <= 20",message="all phases together have at most 20 failing items",fieldPath=".phases"
type ValidationRunStatus struct {
	// observedGeneration is the generation of the spec that the current attempt
	// validates, -1 before the operator has seen the run.
	// +optional
	// +kubebuilder:default=-1
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitzero"`

	// attempt is the number of the current attempt, from 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempt int64 `json:"attempt,omitempty"`

	// verdict is the outcome of the attempt, absent until it is complete.
	// +optional
	Verdict Verdict `json:"verdict,omitempty"`

	// message says for people what happens now, or what came out.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// startTime is when the attempt started.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the attempt was complete.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// suspendedSince is since when the attempt has been suspended, absent while it
	// is not.
	// +optional
	SuspendedSince *metav1.Time `json:"suspendedSince,omitempty"`

	// suspendedSeconds is for how long it was suspended before, which does not
	// count for the run's timeout.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SuspendedSeconds int64 `json:"suspendedSeconds,omitempty"`

	// passed is how many tests have passed of how many there are, such as 13/14.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Passed string `json:"passed,omitempty"`

	// summary counts the tests of all phases.
	// +optional
	Summary Summary `json:"summary,omitzero"`

	// phases are the phases of the attempt.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=22
	Phases []PhaseStatus `json:"phases,omitempty"`

	// failures are the first 20 tests that did not pass, with the end of their
	// output.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Failures []TestFailure `json:"failures,omitempty"`

	// results are the ConfigMaps that hold the whole result. Where there is more
	// than one, the first is the index of the others.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Results []Result `json:"results,omitempty"`

	// inputs are the copies that the attempt works on; an edit of the originals
	// changes nothing in it.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=24
	Inputs []Input `json:"inputs,omitempty"`

	// lastHandledRerun is the value of the annotation
	// validation.aicr.dev/rerun-requested-at that was seen last, or its digest if
	// it is long.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	LastHandledRerun string `json:"lastHandledRerun,omitempty"`

	// lastCompleted is the last attempt that came to its own end; it stays while
	// the next one runs.
	// +optional
	LastCompleted *CompletedAttempt `json:"lastCompleted,omitempty"`

	// history are the attempts before the current one, the latest first, as many
	// as spec.historyLimit says.
	// +optional
	// +listType=map
	// +listMapKey=attempt
	// +kubebuilder:validation:MaxItems=20
	History []PastAttempt `json:"history,omitempty"`

	// conditions are Complete, Ready, Reconciling and Stalled, as kstatus reads
	// them.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(c, c.type.size() <= 64 && c.reason.size() <= 64 && c.message.size() <= 1024)",message="a condition has a type and a reason of at most 64 characters, and a message of at most 1024"
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// CompletedAttempt is an attempt that came to its own end.
type CompletedAttempt struct {
	// attempt is its number.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int64 `json:"attempt,omitempty"`

	// verdict is its outcome.
	// +required
	Verdict Verdict `json:"verdict,omitempty"`

	// completionTime is when it was complete.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// configMap holds its result, or the index of it. Absent where the result
	// could not be stored.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`
}

// PastAttempt is an attempt before the current one.
type PastAttempt struct {
	// attempt is its number.
	// +required
	// +kubebuilder:validation:Minimum=1
	Attempt int64 `json:"attempt,omitempty"`

	// verdict is its outcome.
	// +required
	Verdict Verdict `json:"verdict,omitempty"`

	// reason is Superseded where the next attempt ended it.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// startTime is when it started.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when it was complete.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// summary counts its tests.
	// +optional
	Summary Summary `json:"summary,omitzero"`

	// configMap holds its result, or the index of it. Absent where there is none.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`
}

// Summary counts top-level tests.
type Summary struct {
	// total is how many there are, as far as is known.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Total int32 `json:"total,omitzero"`

	// passed is how many passed.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Passed int32 `json:"passed,omitzero"`

	// failed is how many failed.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Failed int32 `json:"failed,omitzero"`

	// skipped is how many were skipped.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Skipped int32 `json:"skipped,omitzero"`

	// errored is how many have no proven outcome.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Errored int32 `json:"errored,omitzero"`
}

// TestFailure is a test that did not pass.
type TestFailure struct {
	// phase is the test's phase.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Phase string `json:"phase,omitempty"`

	// test is the test's name, absent where the phase as a whole is meant.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Test string `json:"test,omitempty"`

	// node is the node that the test ran on, where the phase runs on each of
	// several.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node,omitempty"`

	// message is the end of the test's output.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// Result is one ConfigMap of the result.
type Result struct {
	// configMap is its name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`

	// bytes is the size of its data.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Bytes int64 `json:"bytes,omitempty"`

	// sha256 is a digest in hexadecimal: of result.yaml, uncompressed, where it
	// holds that whole; otherwise of its values, joined in the order of their
	// keys.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`
}

// Input is one frozen input.
type Input struct {
	// name is spec, recipe or snapshot.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=69
	Name string `json:"name,omitempty"`

	// configMap is the immutable ConfigMap that holds the copy.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ConfigMap string `json:"configMap,omitempty"`

	// sha256 is the digest of its content, in hexadecimal.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`
}
