package gotest

import "time"

// Action says what an Event reports, in the words of go tool test2json.
type Action string

// The actions of Go 1.20 to 1.27. ActionName is ours: it says whose output follows, which test2json keeps to itself.
const (
	ActionStart       Action = "start"
	ActionRun         Action = "run"
	ActionPause       Action = "pause"
	ActionCont        Action = "cont"
	ActionName        Action = "name"
	ActionOutput      Action = "output"
	ActionBench       Action = "bench"
	ActionPass        Action = "pass"
	ActionFail        Action = "fail"
	ActionSkip        Action = "skip"
	ActionAttr        Action = "attr"
	ActionArtifacts   Action = "artifacts"
	ActionBuildOutput Action = "build-output"
	ActionBuildFail   Action = "build-fail"
)

// Framing is how a stream tells frames, which say what tests do, from what tests print.
type Framing string

// The framings, the weakest first.
const (
	// Unframed is a stream without a frame so far.
	Unframed Framing = ""
	// Unmarked is the output of plain -test.v: a frame looks like any line that a test may print.
	Unmarked Framing = "unmarked"
	// Marked is the output of -test.v=test2json: each frame begins with the byte 0x16.
	Marked Framing = "marked"
	// JSON is the output of go test -json.
	JSON Framing = "json"
)

// Event is one thing that a stream says. Its slices are valid only until the function that received it returns.
type Event struct {
	// Action is what happened.
	Action Action
	// Framing is how this event was framed; text outside of frames has the framing of the stream so far.
	Framing Framing
	// Package is the import path, empty in raw streams.
	Package []byte
	// Test is the test's full name; empty is the package, or the binary, as a whole.
	Test []byte
	// Elapsed is the duration that an end frame gives.
	Elapsed time.Duration
	// Output is the text of ActionOutput and ActionBuildOutput: a line with its newline, or a part of one.
	Output []byte
	// OutputType is Go 1.27's "frame", "error" or "error-continue".
	OutputType []byte
	// Key and Value are those of ActionAttr.
	Key, Value []byte
	// Path is the directory of ActionArtifacts.
	Path []byte
	// FailedBuild is the import path of what did not compile, where that is why the package failed.
	FailedBuild []byte
	// ImportPath is what the build actions are about.
	ImportPath []byte
}

// end tells whether the action ends a test or a package.
func (a Action) end() bool { return a == ActionPass || a == ActionFail || a == ActionSkip }

// actions are those of test2json.
var actions = [...]Action{
	ActionOutput, ActionRun, ActionPass, ActionFail, ActionSkip, ActionStart, ActionPause, ActionCont, ActionBench,
	ActionAttr, ActionArtifacts, ActionBuildOutput, ActionBuildFail,
}

// known returns the action that b names, or an empty one.
func known(b []byte) Action {
	for _, a := range actions {
		if string(b) == string(a) {
			return a
		}
	}
	return ""
}
