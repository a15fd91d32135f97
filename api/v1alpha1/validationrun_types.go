package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ValidationRun says what of a cluster is to be validated; its status is the
// verdict on exactly that.
//
// Its phases run one after the other unless dependsOn says otherwise, each as
// one Job, or as one for each of its checks or nodes. A change of the spec
// starts the next attempt; applying the same spec again does nothing. Wait for
// the end, whatever it is, with `kubectl wait --for=condition=Complete`; the
// condition Ready is True only for a cluster that was proven to work.
//
// Whoever may create a ValidationRun in a namespace can run any image there
// and use any ServiceAccount of that namespace, as with Jobs.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=vrun,categories=validation
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="The verdict, or what the run is doing or waiting for"
// +kubebuilder:printcolumn:name="Passed",type=string,JSONPath=`.status.passed`,description="Tests passed, of how many"
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phases[?(@.state=="Running")].name`,description="The phase that runs now"
// +kubebuilder:printcolumn:name="Attempt",type=integer,JSONPath=`.status.attempt`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.message`,priority=1
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label of at most 63 characters (a-z, 0-9 and -), because it labels what is made for the run"
type ValidationRun struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata. The name is a DNS label of at most
	// 63 characters.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is to be validated, and how.
	// +required
	Spec ValidationRunSpec `json:"spec,omitzero"`

	// status is what is known about the current attempt. Only the operator writes
	// it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ValidationRunStatus `json:"status,omitzero"`
}

// ValidationRunList is a list of ValidationRuns.
//
// +kubebuilder:object:root=true
type ValidationRunList struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`

	// items are the ValidationRuns.
	Items []ValidationRun `json:"items"`
}

// ValidationRunSpec is what is to be validated, and how.
//
// +kubebuilder:validation:XValidation:rule="has(self.validator) && has(self.validator.image) || !has(self.recipe) && !(has(self.snapshot) && has(self.snapshot.capture)) && has(self.phases) && self.phases.all(p, has(p.validator) && has(p.validator.image))",message="every phase needs an image: give validator.image, or, with neither recipe nor snapshot.capture, validator.image in each phase",fieldPath=".validator"
// +kubebuilder:validation:XValidation:rule="!has(self.phases) || self.phases.all(p, (has(p.validator) && has(p.validator.volumeMounts) ? p.validator.volumeMounts.map(v, v.name) : has(self.validator) && has(self.validator.volumeMounts) ? self.validator.volumeMounts.map(v, v.name) : []).all(m, m in (has(p.validator) && has(p.validator.volumes) ? p.validator.volumes.map(v, v.name) : has(self.validator) && has(self.validator.volumes) ? self.validator.volumes.map(v, v.name) : [])))",message="every volumeMount needs a volume of its name: a phase has those of validator.volumes, or its own where it has any"
// +kubebuilder:validation:XValidation:rule="!(has(self.recipe) || has(self.snapshot) && has(self.snapshot.capture)) || !has(self.validator) || !has(self.validator.volumeMounts) || self.validator.volumeMounts.all(m, has(self.validator.volumes) && self.validator.volumes.exists(v, v.name == m.name))",message="every volumeMount needs a volume of its name in validator.volumes: phases of the recipe and the capture of the snapshot have no others",fieldPath=".validator.volumeMounts"
// +kubebuilder:validation:XValidation:rule="has(self.recipe) || has(self.phases) && self.phases.size() > 0",message="give phases, or a recipe whose validation section says what they are",fieldPath=".phases"
// +kubebuilder:validation:XValidation:rule="has(self.recipe) || !has(self.phases) || self.phases.all(p, has(p.goTest) || has(p.container))",message="without a recipe every phase needs one of goTest and container",fieldPath=".phases"
// +kubebuilder:validation:XValidation:rule="!has(self.phases) || [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].all(i, i >= self.phases.size() || !has(self.phases[i].dependsOn) || self.phases[i].dependsOn.all(d, has(self.recipe) && self.phases[i].name in ['readiness', 'deployment', 'performance', 'conformance'] ? d in {'readiness': [' '], 'deployment': ['readiness'], 'performance': ['readiness', 'deployment'], 'conformance': ['readiness', 'deployment', 'performance']}[self.phases[i].name] : has(self.recipe) && d in ['readiness', 'deployment', 'performance', 'conformance'] || [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].exists(j, j < i && self.phases[j].name == d)))",message="dependsOn can name only phases that come before: those of a recipe in the order readiness, deployment, performance, conformance, and after them the others in the order given here",fieldPath=".phases"
type ValidationRunSpec struct {
	// trigger is free text that tells one reason for a run from another, such as
	// the git commit under test. A new value starts a new attempt, and that is all
	// it does.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Trigger string `json:"trigger,omitempty"`

	// snapshot is what was measured on the cluster. A copy of it, taken when the
	// attempt starts, or the snapshot that the attempt takes itself, is mounted
	// into the validators at /data/snapshot/snapshot.yaml, which
	// AICR_SNAPSHOT_PATH names. The recipe's constraints are held against it.
	// +optional
	Snapshot *SnapshotSource `json:"snapshot,omitempty"`

	// recipe is the description of how the cluster should be. Its constraints are
	// evaluated against the snapshot, and its validation section gives the phases.
	// A copy of it, taken when the attempt starts, is mounted into the validators
	// at /data/recipe/recipe.yaml, which AICR_RECIPE_PATH names.
	// +optional
	Recipe *InputSource `json:"recipe,omitempty"`

	// validator is how the validators' pods look. A phase can replace single
	// fields of it.
	// +optional
	Validator Validator `json:"validator,omitzero"`

	// serviceAccountName is the existing ServiceAccount that the validators run
	// as. When it is empty, one is made for the run and bound to the ClusterRole
	// validation-check in the run's namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == '' || self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a ServiceAccount: lower-case letters, digits, dashes and dots"
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// phases are the steps of the validation, run in this order unless dependsOn
	// says otherwise. With a recipe, those of its validation section come first:
	// readiness, deployment, performance, conformance. A phase of the same name
	// here replaces the recipe's; where it has neither goTest nor container it
	// runs the recipe's checks, with what is given here in place of what the
	// recipe says. Required without a recipe.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Phases []Phase `json:"phases,omitempty"`

	// timeout bounds the whole attempt, from its start. What has not ended by then
	// is Error with reason RunTimeout. A duration such as 90m or 1h30m, up to
	// 168h. Default: 2h.
	// +optional
	// +kubebuilder:default="2h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s|ms|us|ns))+$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="must be a duration between 1s and 168h, such as 10m or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// allSkipped says what it means when every test of the run said that it was
	// not applicable: Reject leaves the run not Ready, Accept makes it Ready. The
	// verdict is Skipped either way. Default: Reject.
	// +optional
	// +kubebuilder:default=Reject
	AllSkipped AllSkipped `json:"allSkipped,omitempty"`

	// suspend stops what runs and starts nothing new while it is true. The phase
	// that was running begins anew when it is taken back, unless a failure in it
	// was already read; the run's timeout does not go on meanwhile. Changing it
	// starts no attempt.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// cancel ends the current attempt for good: taking it back does not continue
	// it. While it is true no attempt starts. Changing it starts no attempt.
	// +optional
	Cancel bool `json:"cancel,omitempty"`

	// cleanup says when the Jobs of an attempt that is complete are deleted.
	// Changing it starts no attempt.
	// +optional
	// +kubebuilder:default={}
	Cleanup *Cleanup `json:"cleanup,omitempty"`

	// historyLimit is how many earlier attempts status.history names, and how many
	// of their results are kept. Changing it starts no attempt. Default: 5.
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
}

// AllSkipped is what a run means in which every test said that it was not
// applicable.
//
// +kubebuilder:validation:Enum=Reject;Accept
type AllSkipped string

// What a run means in which nothing was applicable.
const (
	// AllSkippedReject leaves it not Ready: nothing was proven.
	AllSkippedReject AllSkipped = "Reject"
	// AllSkippedAccept makes it Ready.
	AllSkippedAccept AllSkipped = "Accept"
)

// Cleanup says when the Jobs of a complete attempt are deleted, their pods and
// logs with them. The result stays.
type Cleanup struct {
	// jobs says after which outcomes they are: Always, OnSuccess (Passed, or
	// Skipped where allSkipped is Accept) or Never. Jobs that stay by this are
	// deleted after 7 days, and those of an attempt when the next one starts.
	// Default: OnSuccess.
	// +optional
	// +kubebuilder:default=OnSuccess
	Jobs CleanupJobs `json:"jobs,omitempty"`

	// after is how long they stay, from the attempt's end. A duration such as 10m
	// or 24h, up to 168h. Default: 1h.
	// +optional
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s|ms|us|ns))+$') && duration(self) >= duration('0s') && duration(self) <= duration('168h')",message="must be a duration of at most 168h, such as 30m or 1h30m"
	After *metav1.Duration `json:"after,omitempty"`
}

// CleanupJobs says after which outcomes Jobs are deleted.
//
// +kubebuilder:validation:Enum=Always;OnSuccess;Never
type CleanupJobs string

// After which outcomes Jobs are deleted.
const (
	// CleanupAlways deletes them whatever the outcome.
	CleanupAlways CleanupJobs = "Always"
	// CleanupOnSuccess keeps those of an attempt that has something to look at.
	CleanupOnSuccess CleanupJobs = "OnSuccess"
	// CleanupNever keeps them, for 7 days.
	CleanupNever CleanupJobs = "Never"
)

// InputSource is where an input of the run comes from.
type InputSource struct {
	// configMap is the key of a ConfigMap in the run's namespace. While it does
	// not exist the run waits for it, up to the first phase's startTimeout, or the
	// longest of the spec's phases where the preflight comes first.
	// +required
	ConfigMap ConfigMapKey `json:"configMap,omitzero"`
}

// SnapshotSource is where the snapshot comes from.
//
// +kubebuilder:validation:XValidation:rule="has(self.configMap) != has(self.capture)",message="a snapshot comes from exactly one of configMap and capture; capture: {} takes it once, on any node"
type SnapshotSource struct {
	// configMap is the key of a ConfigMap in the run's namespace. While it does
	// not exist the run waits for it, up to the first phase's startTimeout, or the
	// longest of the spec's phases where the preflight comes first.
	// +optional
	ConfigMap *ConfigMapKey `json:"configMap,omitempty"`

	// capture takes the snapshot at the beginning of the attempt, in a phase of
	// its own, by the check "capture" of the validator's image, and keeps it in a
	// ConfigMap with the run.
	// +optional
	Capture *Capture `json:"capture,omitempty"`
}

// Capture says how a snapshot is taken.
type Capture struct {
	// package is the Go package of the check that takes it. Default:
	// ./checks/snapshot, which is the test binary snapshot.test.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([.]/|/)?[a-zA-Z0-9_~.-]*[a-zA-Z0-9_~-]+[a-zA-Z0-9_~.-]*(/[a-zA-Z0-9_~.-]*[a-zA-Z0-9_~-]+[a-zA-Z0-9_~.-]*)*$')",message="must be the path of one Go package, such as ./checks/snapshot: its last element names the test binary"
	Package string `json:"package,omitempty"`

	// nodes takes it once on each matching node: {} is every node. Absent: once,
	// on any node; what it says of operating system and GPUs is then that one
	// node's, and by default one without GPUs.
	// +optional
	Nodes *NodeSelection `json:"nodes,omitempty"`
}

// ConfigMapKey is one key of a ConfigMap.
type ConfigMapKey struct {
	// name is the ConfigMap's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a ConfigMap: lower-case letters, digits, dashes and dots"
	Name string `json:"name,omitempty"`

	// key is the key in the ConfigMap's data or binaryData.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key: letters, digits, dashes, underscores and dots, such as recipe.yaml"
	Key string `json:"key,omitempty"`
}
