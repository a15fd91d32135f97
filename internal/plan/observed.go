// Package plan decides. Decide takes what was observed of a run and the time, and returns what its status should say and what should be
// done next: one step of the state machine, without any memory of its own, so that an operator that starts anew goes on where the
// last one stopped.
//
// How it goes: an attempt begins (its number, its phases, the first one due); what it needs is set up (identity, frozen inputs); then,
// phase by phase, a Job is created, its pod watched, its log followed, and once the validator has ended and its log is read, judged
// and kept. When the last phase has ended the result is stored, and then status says the verdict. Nothing is done that needs an
// outcome which status does not hold yet: every point is safe to be killed at, and safe to repeat.
//
// The package is pure: it imports the API's types and the packages that judge and report, and no client.
package plan

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// Observed is what was seen of a run's surroundings.
type Observed struct {
	// HighestAttempt is the highest number of an attempt on any child of the run.
	HighestAttempt int64
	// SpecChanged says that the spec means something else than the one which the current attempt froze.
	SpecChanged bool
	// Spec is what the current attempt froze, where SpecChanged says that it differs and it can be read.
	Spec *v1alpha1.ValidationRunSpec
	// Missing says what has to be there before the inputs can be frozen, and is not.
	Missing string
	// Frozen are the frozen inputs of the attempt that there are.
	Frozen []v1alpha1.Input
	// Refused is why the API server did not take what was to be frozen, RefusedNodes why the nodes of a phase could not be, by its name,
	// and RefusedJobs why it did not take a Job.
	Refused      *Block
	RefusedNodes map[string]*Block
	RefusedJobs  map[workload.Item]*Block
	// Recipe is the recipe that the current attempt froze, nil before it has, and InvalidRecipe why it is none. Snapshot and InvalidSnapshot
	// likewise.
	Recipe          *recipe.Recipe
	InvalidRecipe   string
	Snapshot        *recipe.Snapshot
	InvalidSnapshot string
	// Nodes are the nodes that phases run on, by the phase's name, once they are frozen.
	Nodes map[string]Nodes
	// Present are the nodes that there are now, by name; nil where no phase runs on each of several.
	Present map[string]Node
	// Captured is the captured snapshot, nil before it is frozen, and CaptureRefused why it cannot be.
	Captured       *v1alpha1.Input
	CaptureRefused *Block
	// Jobs are all Jobs of the run.
	Jobs []Job
	// Kept is the kept evidence of what ends in this step, or of a run of it that is retried. It may be that of an earlier step which was
	// cut off, and is then what the outcome is.
	Kept map[workload.Item]*report.Phase
	// Stored is the stored result, nil before it is; StoreRefused is why the API server does not take it.
	Stored       []v1alpha1.Result
	StoreRefused *Block
}

// Job is one Job of the run.
type Job struct {
	// Name is its name, and Item what it is for.
	Name string
	Item workload.Item
	// Finished says that it is Complete or Failed, Deleting that it is being deleted, Gone that status names it and it is not there.
	Finished, Deleting, Gone bool
	// Blocked is what keeps it from having a pod.
	Blocked *Block
	// Pods are its pods.
	Pods []Pod
}

// Pod is one pod of a Job.
type Pod struct {
	// Name, UID and Node identify it.
	Name, Node string
	UID        types.UID
	// Started is when the kubelet saw it first, from when activeDeadlineSeconds counts; Deadline is that number, 0 for none.
	Started  time.Time
	Deadline int64
	// Gone says that the pod is not there any more: what follows is what was seen last.
	Gone bool
	// Ended says that none of its containers runs or will run.
	Ended bool
	// List and Validator are the two containers that count.
	List, Validator Container
	// Framed says that the validator was told to mark the frames of its stream, by the operator's own command.
	Framed bool
	// Trouble is what befell it.
	Trouble *verdict.Trouble
	// Blocked is what keeps the validator from starting.
	Blocked *Block
	// Listing is the test binary's list of tests.
	Listing Listing
	// Log is what was read of the validator's log.
	Log Log
}

// Container is the state of one container.
type Container struct {
	// ID is the runtime's name for it, empty before it was created.
	ID string
	// ImageDigest is the digest of the image that runs.
	ImageDigest string
	// Started is zero before the container runs.
	Started time.Time
	// Exit is nil before it has ended, and Finished is then zero.
	Exit     *verdict.Exit
	Finished time.Time
	// StartFailed says that its command could not be executed.
	StartFailed bool
}

// Running says that the container runs.
func (c Container) Running() bool { return !c.Started.IsZero() && c.Exit == nil }

// Listing is what the container that lists the tests printed.
type Listing struct {
	// Read says that its log was read.
	Read bool
	// Tests are the names of all tests.
	Tests []string
	// Failed says why the binary gave none, and Lost why what it gave could not be read.
	Failed, Lost string
}

// Log is what was read of the validator's log.
type Log struct {
	// Since is when this process began to read it, zero before. Sought is since when it has tried to and could not, zero where it can.
	Since, Sought time.Time
	// Ended says that reading is over: no more will come.
	Ended bool
	// Missing says what of the log is missing or unproven, empty for nothing; Gaps are the places.
	Missing string
	Gaps    []string
	// Progress and Stream are what it says so far.
	Progress gotest.Progress
	Stream   gotest.Result
	// Witness is what the termination message says.
	Witness gotest.Result
}

// Block is what keeps something from happening.
type Block struct {
	// Reason is one of the API's reasons, and Message says it for people.
	Reason, Message string
	// Final says that it will not heal.
	Final bool
}

// Decision is what should be, after one step.
type Decision struct {
	// Status is what status should say.
	Status v1alpha1.ValidationRunStatus
	// Finalizer says whether the run should have one.
	Finalizer bool
	// Freeze asks for the run's identity and for the attempt's spec to be frozen, and Setup for its other inputs to be.
	Freeze, Setup bool
	// Capture asks for the captured snapshot to be frozen, and FreezeNodes for the nodes of a phase to be.
	Capture     bool
	FreezeNodes *NodesOf
	// Create asks for Jobs.
	Create []Creation
	// Stop are the names of Jobs to delete, with their pods.
	Stop []string
	// Shorten asks for pods' deadlines to be lowered.
	Shorten []Shorten
	// Follow are the pods whose validators' logs are to be followed; all others are let go.
	Follow []types.UID
	// Keep is the evidence of what has ended, or of a run of it that is retried, to be kept before status says so.
	Keep []Keeping
	// Store asks for the result of Status.Attempt to be stored, with Keep in it, before that is written. Where the attempt is superseded,
	// the step that follows is about the next one.
	Store bool
	// Prune asks for what is kept of attempts that status does not name any more to be deleted, once it is written.
	Prune bool
	// After is when to look again if nothing happens, 0 for never.
	After time.Duration
}

// NodesOf asks for the nodes that a phase runs on.
type NodesOf struct {
	Phase     string
	Selection v1alpha1.NodeSelection
}

// Creation asks for the Job of an item, by the phase that it is made of.
type Creation struct {
	Item  workload.Item
	Phase v1alpha1.Phase
}

// Keeping asks for evidence to be kept, and As says what it is of.
type Keeping struct {
	As    workload.Item
	Phase report.Phase
}

// Unkept is what a decision asks to be kept and is not.
func (d *Decision) Unkept(seen *Observed) (out []Keeping) {
	for _, k := range d.Keep {
		if seen.Kept[k.As] == nil {
			out = append(out, k)
		}
	}
	return out
}

// Shorten lowers a pod's activeDeadlineSeconds.
type Shorten struct {
	Pod     string
	UID     types.UID
	Seconds int64
}
