package v1alpha1

// The conditions of a ValidationRun. They follow kstatus (sigs.k8s.io/cli-utils), with Complete beside them: True at every outcome, so
// that one `kubectl wait` covers them all.
const (
	// ConditionComplete is True when the attempt has ended, whatever its verdict.
	ConditionComplete = "Complete"
	// ConditionReady is True when the cluster was proven to work, False at any other outcome, Unknown before.
	ConditionReady = "Ready"
	// ConditionReconciling is True while the attempt runs or waits, and absent otherwise.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is True at every outcome that is not Ready, and absent otherwise.
	ConditionStalled = "Stalled"
)

// The reasons of conditions while an attempt runs. The verdicts are the reasons once it is complete.
const (
	// ReasonPending is the reason before the first phase is due.
	ReasonPending = "Pending"
	// ReasonRunning is the reason while a validator runs.
	ReasonRunning = "Running"
	// ReasonStarting is the reason while a phase's pod is being started and nothing is amiss.
	ReasonStarting = "Starting"
	// ReasonStopping is the reason while pods are being stopped: those of an earlier attempt, or of one that is suspended or cancelled.
	ReasonStopping = "Stopping"
	// ReasonSuspended is the reason while spec.suspend is true and nothing runs.
	ReasonSuspended = "Suspended"
)

// The reasons of phases, in the words of the table of verdicts.
const (
	// ReasonTestsFailed: a fail frame was read, or a container ended with exit code 1.
	ReasonTestsFailed = "TestsFailed"
	// ReasonPanicked: a panic ended the binary before all tests had ended.
	ReasonPanicked = "Panicked"
	// ReasonTestIncomplete: a test started and its end was never seen.
	ReasonTestIncomplete = "TestIncomplete"
	// ReasonTestMissing: a test of the binary's own list was never seen.
	ReasonTestMissing = "TestMissing"
	// ReasonNoTests: no test ran, or none of the subtests that run, or an alternative of it, selects.
	ReasonNoTests = "NoTests"
	// ReasonUnexpectedTestCount: another number of tests than expectedTests.
	ReasonUnexpectedTestCount = "UnexpectedTestCount"
	// ReasonCheckNotFound: a named check is no test of the binary, or more than one.
	ReasonCheckNotFound = "CheckNotFound"
	// ReasonConstraintNotEvaluated: a constraint of the recipe was evaluated by nobody, or what came of it cannot be told.
	ReasonConstraintNotEvaluated = "ConstraintNotEvaluated"
	// ReasonRequiredCheckSkipped: a skip that skips: Deny does not permit, or one of a check that could not run.
	ReasonRequiredCheckSkipped = "RequiredCheckSkipped"
	// ReasonNothingApplicable: every test skipped itself, or all of its subtests, as is permitted, or no constraint holds and each only warns.
	ReasonNothingApplicable = "NothingApplicable"
	// ReasonExitCodeMismatch: exit code and test results do not agree.
	ReasonExitCodeMismatch = "ExitCodeMismatch"
	// ReasonEvidenceIncomplete: parts of the log or of the list of tests are missing, or its end was never seen.
	ReasonEvidenceIncomplete = "EvidenceIncomplete"
	// ReasonUnexpectedExitCode: a container phase ended with an exit code other than 0, 1 or an explained 2.
	ReasonUnexpectedExitCode = "UnexpectedExitCode"

	// ReasonStartFailed: the validator's command could not be executed.
	ReasonStartFailed = "StartFailed"
	// ReasonListFailed: the binary could not list its tests.
	ReasonListFailed = "ListFailed"
	// ReasonDeadlineExceeded: the phase's timeout.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonRunTimeout: the attempt's timeout.
	ReasonRunTimeout = "RunTimeout"
	// ReasonStartTimeout: the validator did not start within startTimeout, for no reason that is known.
	ReasonStartTimeout = "StartTimeout"
	// ReasonEarlierPhase: an earlier phase was Failed or Error and said Stop.
	ReasonEarlierPhase = "EarlierPhase"

	// ReasonCancelled: spec.cancel ended the attempt.
	ReasonCancelled = "Cancelled"
	// ReasonSuperseded: the next attempt ended this one.
	ReasonSuperseded = "Superseded"

	// ReasonInvalidSpec: what the spec asks for cannot work: the API server refuses an object of it, its phases contradict each other or the
	// recipe, or what it runs prints a stream that any output can forge.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonInvalidImage: the image's name is none, or it may not be pulled and is not there.
	ReasonInvalidImage = "InvalidImage"
	// ReasonForbidden: admission refuses the pod for good, such as Pod Security.
	ReasonForbidden = "Forbidden"
	// ReasonInvalidRecipe: the recipe or the snapshot cannot be what it has to be.
	ReasonInvalidRecipe = "InvalidRecipe"
	// ReasonSnapshotIncomplete: the captured snapshot is not whole.
	ReasonSnapshotIncomplete = "SnapshotIncomplete"
	// ReasonNoNodes: no node matches.
	ReasonNoNodes = "NoNodes"
	// ReasonNodeUnschedulable: the node is cordoned.
	ReasonNodeUnschedulable = "NodeUnschedulable"
	// ReasonNodeNotReady: the node is not ready.
	ReasonNodeNotReady = "NodeNotReady"
	// ReasonNameConflict: an object of the needed name belongs to somebody else.
	ReasonNameConflict = "NameConflict"

	// ReasonInputMissing: a ConfigMap, a Secret, a key in them or a ServiceAccount is not there.
	ReasonInputMissing = "InputMissing"
	// ReasonImagePullFailed: the image cannot be pulled.
	ReasonImagePullFailed = "ImagePullFailed"
	// ReasonUnschedulable: no node takes the pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonQuotaExceeded: a quota refuses the pod.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonPodNotCreated: the pod cannot be created for now, such as while an admission webhook is down.
	ReasonPodNotCreated = "PodNotCreated"
	// ReasonContainerNotCreated: the kubelet cannot create the container for now.
	ReasonContainerNotCreated = "ContainerNotCreated"

	// ReasonOOMKilled: the kernel killed the validator for its memory.
	ReasonOOMKilled = "OOMKilled"
	// ReasonEvicted: the pod was evicted.
	ReasonEvicted = "Evicted"
	// ReasonPreempted: the pod made way for one of higher priority.
	ReasonPreempted = "Preempted"
	// ReasonNodeShutdown: the node shut down.
	ReasonNodeShutdown = "NodeShutdown"
	// ReasonNodeLost: the node is gone or does not answer.
	ReasonNodeLost = "NodeLost"
	// ReasonPodDeleted: somebody deleted the pod.
	ReasonPodDeleted = "PodDeleted"
	// ReasonJobDeleted: somebody deleted the Job.
	ReasonJobDeleted = "JobDeleted"
	// ReasonPodRejected: the kubelet refused the pod, such as when a device is not there.
	ReasonPodRejected = "PodRejected"
	// ReasonPodReplaced: a second pod or a restart appeared under one Job.
	ReasonPodReplaced = "PodReplaced"
)
