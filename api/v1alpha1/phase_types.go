package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Phase is one step of a validation: one Job, or one for each of its checks or
// nodes, whose tests give the phase its outcome.
//
// +kubebuilder:validation:XValidation:rule="has(self.goTest) || has(self.container) || self.name in ['readiness', 'deployment', 'performance', 'conformance']",message="a phase needs one of goTest and container; only readiness, deployment, performance and conformance can leave both out, with a recipe that says what they run"
// +kubebuilder:validation:XValidation:rule="!has(self.goTest) || !has(self.container)",message="a phase has one of goTest and container, not both: leave one out"
// +kubebuilder:validation:XValidation:rule="!has(self.isolation) || self.isolation != 'Check' || !has(self.container) && (!has(self.goTest) || has(self.goTest.checks))",message="isolation Check runs a Job for each of goTest.checks: name them, or leave isolation out",fieldPath=".isolation"
// +kubebuilder:validation:XValidation:rule="!has(self.isolation) || self.isolation != 'Check' || !has(self.goTest) || !has(self.goTest.checks) || !has(self.nodes) || !has(self.nodes.maxNodes) || self.goTest.checks.size() * self.nodes.maxNodes <= 2000",message="goTest.checks times nodes.maxNodes are more than 2000 Jobs: take fewer nodes, or leave isolation Check out",fieldPath=".nodes.maxNodes"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['preflight', 'snapshot'])",message="preflight and snapshot are the operator's own phases: choose another name",fieldPath=".name"
type Phase struct {
	// name identifies the phase: a DNS label, unique in the run. readiness,
	// deployment, performance and conformance are the usual ones.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be a DNS label: lower-case letters, digits and dashes, such as deployment"
	Name string `json:"name,omitempty"`

	// goTest runs Go tests and reads their results, test by test, from the go test
	// event stream that they print.
	// +optional
	GoTest *GoTest `json:"goTest,omitempty"`

	// container runs a command of any kind: exit code 0 is Passed, 1 is Failed; 2
	// is Skipped where its termination message begins with "SKIP:"; any other is
	// Error.
	// +optional
	Container *Container `json:"container,omitempty"`

	// validator replaces fields of the run's validator for this phase: a field
	// that is present here replaces the run's as a whole, and an empty one ({}, []
	// or "") clears it.
	// +optional
	Validator *PhaseValidator `json:"validator,omitempty"`

	// timeout bounds the tests, from the start of the validator's container. A
	// duration such as 90s or 1h30m, up to 168h. Default: 10m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s|ms|us|ns))+$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="must be a duration between 1s and 168h, such as 10m or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// startTimeout bounds the time from when the phase is due until the
	// validator's container runs: waiting for inputs, quota, a node and the image
	// counts, and all of these heal when mended in time. A fifth of it is what
	// the binary may take to list its tests. The operator's own phases, preflight
	// and snapshot, have the longest of all phases, those of the recipe among
	// them once it is read, and where the preflight asks a binary for its checks,
	// the longest of those that run it. Default: 15m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(h|m|s|ms|us|ns))+$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="must be a duration between 1s and 168h, such as 10m or 1h30m"
	StartTimeout *metav1.Duration `json:"startTimeout,omitempty"`

	// onFailure says whether the phases after this one run when it is Failed or
	// Error: Stop, or Continue. A Skipped phase stops nothing. Default: Stop.
	// +optional
	OnFailure OnFailure `json:"onFailure,omitempty"`

	// retries is how often the phase is run again, as a new Job, where
	// infrastructure kept it from an outcome: the pod was evicted, preempted,
	// deleted or rejected, its node shut down or was lost, the container was
	// killed for memory although it has no limit of its own, the image could not
	// be pulled, no node took the pod, the pod or its container could not be
	// created, or the log was lost. Failures, panics, timeouts and mistakes in the
	// spec are never retried. A phase that passes on a retry is marked flaky.
	// Default: 0.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Retries *int32 `json:"retries,omitempty"`

	// isolation says what a Job runs: Phase puts all tests of the phase into one,
	// Check gives each of goTest.checks, or of the recipe's checks, a Job of its
	// own, so that a panic or an OOM kill in one costs only that one. Default:
	// Phase.
	// +optional
	Isolation Isolation `json:"isolation,omitempty"`

	// nodes runs the phase, or each of its checks where isolation is Check, once
	// on each matching node: {} is every node. A matching node that is cordoned or
	// not ready counts as Error; exclude it to leave it out. Absent: once, on any
	// node that takes the pod, unless the recipe's nodeSelection says otherwise.
	// +optional
	Nodes *NodeSelection `json:"nodes,omitempty"`

	// parallelism is how many Jobs of the phase run at a time, where it has more
	// than one. Default: 1, and 10 with nodes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Parallelism *int32 `json:"parallelism,omitempty"`

	// exclusive makes the phase run alone: it starts when no other phase of the
	// run runs and the pods of all earlier ones have ended, and none starts beside
	// it. Default: false.
	// +optional
	Exclusive bool `json:"exclusive,omitempty"`

	// dependsOn names the phases that this one waits for. They come before it,
	// those of the recipe first. Phases that do not depend on each other run in
	// parallel. Absent: the phase before it. []: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=63
	DependsOn []string `json:"dependsOn,omitzero"`
}

// Isolation is what a Job of a phase runs.
//
// +kubebuilder:validation:Enum=Phase;Check
type Isolation string

// What a Job of a phase runs.
const (
	// IsolationPhase puts all tests of the phase into one Job.
	IsolationPhase Isolation = "Phase"
	// IsolationCheck gives each check a Job of its own.
	IsolationCheck Isolation = "Check"
)

// NodeSelection says on which nodes something runs.
type NodeSelection struct {
	// selector are the labels that a node needs. Absent or {}: any node.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="must have the keys of labels, such as nvidia.com/gpu.present"
	Selector map[string]LabelValue `json:"selector,omitempty"`

	// maxNodes is how many of the matching nodes are taken at most: healthy ones
	// first, in the order of their names. Absent: all of them.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2000
	MaxNodes *int32 `json:"maxNodes,omitempty"`

	// exclude are the names of nodes that are left out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a node: lower-case letters, digits, dashes and dots"
	Exclude []string `json:"exclude,omitempty"`
}

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')",message="must be the value of a label: letters, digits, dashes, underscores and dots, beginning and ending with a letter or a digit"
type LabelValue string

// OnFailure is what a phase that is Failed or Error means for the phases after
// it.
//
// +kubebuilder:validation:Enum=Stop;Continue
type OnFailure string

// What a phase that is Failed or Error means for the phases after it.
const (
	// Stop leaves them NotRun.
	Stop OnFailure = "Stop"
	// Continue runs them.
	Continue OnFailure = "Continue"
)

// GoTest is a phase of Go tests, compiled with `go test -c` into the
// validator's image.
//
// +kubebuilder:validation:XValidation:rule="has(self.checks) || has(self.package) != has(self.command)",message="goTest needs exactly one of package (a compiled test binary in the image) and command (anything that prints the go test stream), or checks, with which package may be left out"
// +kubebuilder:validation:XValidation:rule="!has(self.checks) || !has(self.run) && !has(self.command) && !has(self.expectedTests)",message="checks say which tests run, and how many: leave out run, command and expectedTests"
// +kubebuilder:validation:XValidation:rule="!has(self.checks) || !has(self.manifest) || self.manifest != 'Never'",message="checks are looked up in the binary's list of tests, so manifest cannot be Never: leave it out",fieldPath=".manifest"
// +kubebuilder:validation:XValidation:rule="!has(self.command) || has(self.expectedTests) || has(self.checks)",message="expectedTests is required with command: there is no list of tests to hold the stream against"
// +kubebuilder:validation:XValidation:rule="!has(self.manifest) || self.manifest != 'Never' || has(self.expectedTests) || has(self.checks)",message="expectedTests is required with manifest Never: there is no list of tests to hold the stream against"
// +kubebuilder:validation:XValidation:rule="!has(self.command) || !has(self.run) || has(self.checks)",message="run selects tests of a package; with command, give -test.run in the command itself"
// +kubebuilder:validation:XValidation:rule="!has(self.command) || !has(self.testDir)",message="testDir is where the binary of a package is; with command, give the path in the command itself"
type GoTest struct {
	// package is the Go package of the tests, such as ./checks/deployment. Its
	// compiled test binary is named after the last element, deployment.test, and
	// is found in the image's PATH, or in testDir. Default: ./checks/ and the
	// phase's name, where checks are named.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^([.]/|/)?[a-zA-Z0-9_~.-]*[a-zA-Z0-9_~-]+[a-zA-Z0-9_~.-]*(/[a-zA-Z0-9_~.-]*[a-zA-Z0-9_~-]+[a-zA-Z0-9_~.-]*)*$')",message="must be the path of one Go package, such as ./checks/deployment: its last element names the test binary"
	Package string `json:"package,omitempty"`

	// testDir is the absolute folder of the test binary in the image, where it is
	// not in the PATH.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.startsWith('/')",message="must be an absolute path, such as /checks"
	TestDir string `json:"testDir,omitempty"`

	// run selects the tests, as `go test -run` does: by a regular expression,
	// such as ^(TestA|TestB)$, with slashes before those for subtests. Each test
	// that it selects some subtests of, and each of its alternatives, has to have
	// one, or to skip itself. Absent: all tests.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="''.matches(self) || !''.matches(self)",message="must be a regular expression as go test -run takes it, such as ^(TestA|TestB)$"
	Run string `json:"run,omitempty"`

	// checks are the names of tests that each have to run, such as
	// expected-resources for TestExpectedResources; no others run. A name that the
	// binary has no test for ends the run as Error before anything runs.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a check: lower-case letters, digits and dashes, such as expected-resources for TestExpectedResources"
	// +kubebuilder:validation:XValidation:rule="self.all(c, self.exists_one(d, d.replace('-', '') == c.replace('-', '')))",message="two of the checks are one test: dashes make no difference, so leave one out"
	Checks []string `json:"checks,omitempty"`

	// skips says what a test that skips itself means: Allow takes it as not
	// applicable, Deny makes the phase Error. Default: Allow, and Deny where
	// checks are named.
	// +optional
	Skips Skips `json:"skips,omitempty"`

	// manifest says whether the binary is asked for its list of tests before it
	// runs. With Auto each listed test that run selects must reach its own end, so
	// that nothing in the stream can hide one. Never is for a binary that cannot
	// list its tests. Default: Auto.
	// +optional
	Manifest Manifest `json:"manifest,omitempty"`

	// expectedTests is how many top-level tests there have to be, of those that
	// run selects. Any other number is Error. Required with command and with
	// manifest Never.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	ExpectedTests *int32 `json:"expectedTests,omitempty"`

	// command is run in place of a package's binary: anything that prints the go
	// test stream, either that of a test binary (-test.v=test2json) or that of `go
	// test -json`. It has to bring its own test timeout.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`
}

// Skips is what a test that skips itself means.
//
// +kubebuilder:validation:Enum=Allow;Deny
type Skips string

// What a test that skips itself means.
const (
	// SkipsAllow takes it as not applicable.
	SkipsAllow Skips = "Allow"
	// SkipsDeny takes it as missing proof: the phase is Error.
	SkipsDeny Skips = "Deny"
)

// Manifest says whether a test binary is asked for its list of tests.
//
// +kubebuilder:validation:Enum=Auto;Never
type Manifest string

// Whether a test binary is asked for its list of tests.
const (
	// ManifestAuto asks it, in an init container, before the tests run.
	ManifestAuto Manifest = "Auto"
	// ManifestNever does not: expectedTests has to do.
	ManifestNever Manifest = "Never"
)

// Container is a phase that is one command, judged by its exit code.
type Container struct {
	// command replaces the image's entrypoint. It is not run in a shell.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Command []string `json:"command,omitempty"`

	// args are the arguments to the command or to the image's entrypoint.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	Args []string `json:"args,omitempty"`
}
