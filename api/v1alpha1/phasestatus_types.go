package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PhaseStatus is what is known about one phase.
type PhaseStatus struct {
	// name is the phase's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// state is where the phase is, or its outcome.
	// +required
	State PhaseState `json:"state,omitempty"`

	// reason is why, in one CamelCase word; absent where the state says it all.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message says why, for people.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// restarts is how often the phase was begun anew, after a suspension or for a
	// retry.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Restarts int32 `json:"restarts,omitempty"`

	// retries is how many of these were retries.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Retries int32 `json:"retries,omitempty"`

	// flaky says that the phase passed on a retry.
	// +optional
	Flaky bool `json:"flaky,omitempty"`

	// jobs are the names of the phase's Jobs, the last 16 of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=63
	Jobs []string `json:"jobs,omitempty"`

	// startTime is when the phase was due.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when its outcome was known.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// summary counts the phase's tests.
	// +optional
	Summary Summary `json:"summary,omitzero"`

	// running is the test that runs now.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Running string `json:"running,omitempty"`

	// fanOut is what is known of the phase's items, where it has one Job for each
	// check or node. Absent otherwise.
	// +optional
	FanOut *FanOutStatus `json:"fanOut,omitempty"`
}

// FanOutStatus is what is known of the items of a phase: the checks or nodes
// that have a Job each.
type FanOutStatus struct {
	// items is how many there are.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Items int32 `json:"items,omitzero"`

	// passed is how many of them passed.
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

	// errored is how many have no proven outcome, those on cordoned nodes and on
	// nodes that are not ready among them.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Errored int32 `json:"errored,omitzero"`

	// nodes is how many nodes the phase runs on. Absent where spec does not ask
	// for each of several.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Nodes int32 `json:"nodes,omitempty"`

	// nodesPassed is on how many of these nodes all of it passed.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NodesPassed int32 `json:"nodesPassed,omitempty"`

	// matchingNodes is how many nodes matched, of which nodes.maxNodes in spec
	// were taken at most.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MatchingNodes int32 `json:"matchingNodes,omitempty"`

	// outcomes has one letter for each item, in the order of checks and then of
	// nodes' names: P passed, F failed, E error, S skipped, N not run, and a dot
	// for one that has not ended.
	// +optional
	// +kubebuilder:validation:MaxLength=2000
	Outcomes string `json:"outcomes,omitempty"`

	// active are the items whose Jobs run now, at most 64 in all phases together.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Active []ItemStatus `json:"active,omitempty"`

	// failing are the items that are failed or errored, the first 20 of all phases
	// together; the result has all of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Failing []ItemFailure `json:"failing,omitempty"`
}

// ItemStatus is what is known of an item that has not ended.
type ItemStatus struct {
	// check is the check that its Job runs, absent where it runs all of the
	// phase's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Check string `json:"check,omitempty"`

	// node is the node that it runs on, absent where any will do.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node,omitempty"`

	// state is Running, or Pending while the run is suspended.
	// +optional
	State PhaseState `json:"state,omitempty"`

	// reason is what it waits for, in one CamelCase word.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Reason string `json:"reason,omitempty"`

	// message says so for people.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Message string `json:"message,omitempty"`

	// restarts is how often it was begun anew.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Restarts int32 `json:"restarts,omitempty"`

	// retries is how many of these were retries.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Retries int32 `json:"retries,omitempty"`

	// jobs are the names of its Jobs, the last two of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:MaxLength=63
	Jobs []string `json:"jobs,omitempty"`

	// startTime is when it was due.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// summary counts its tests.
	// +optional
	Summary Summary `json:"summary,omitzero"`

	// running is the test that runs now.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Running string `json:"running,omitempty"`
}

// ItemFailure is an item that did not pass.
type ItemFailure struct {
	// check is the check that its Job ran, absent where it ran all of the phase's.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Check string `json:"check,omitempty"`

	// node is the node that it ran on, absent where any would do.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Node string `json:"node,omitempty"`

	// state is Failed or Error.
	// +required
	State PhaseState `json:"state,omitempty"`

	// reason is why, in one CamelCase word.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Reason string `json:"reason,omitempty"`

	// message says why, for people.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	Message string `json:"message,omitempty"`
}
