// Package podlog follows one container's log to its end and delivers every byte of it once, in order, to an io.Writer,
// together with what can be said about the delivery: whether the end is proven, and what is known to be missing.
//
// The API server's pods/log is no stream to be trusted. It answers 200 with nothing, 200 with an error text, and a broken
// connection looks like a clean end; it serves the newest file of a rotated log only. So a log is followed from the container's
// start, every line is asked for with its time stamp, a reading that ends is taken up again where it was, and the end is
// believed only when the container is known to have terminated and two readings after that brought nothing new.
//
// Time stamps repeat and step back. They only make a reading shorter (see position); what was delivered already is
// recognised by counting lines and by what stood in the last of them.
//
// The package knows nothing of what a log means: it must not import gotest, verdict, plan or workload.
package podlog

import (
	"context"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Source opens the log of a container, each line with its time stamp in front.
type Source interface {
	// Open ends with an error, or returns a body that ends when ctx does.
	Open(ctx context.Context, r Request) (io.ReadCloser, error)
}

// Request says which part of which log.
type Request struct {
	Namespace, Pod, Container string
	// Follow keeps the log open for what is yet to come.
	Follow bool
	// Since leaves out lines stamped before it; the zero time leaves out none. It has whole seconds.
	Since time.Time
	// TailLines leaves out all but the last of the runtime's lines, of which a long line is several; 0 leaves out none.
	TailLines int64
	// LimitBytes ends the log after so many bytes, stamps included; 0 does not.
	LimitBytes int64
}

// Target is one life of one container.
type Target struct {
	Namespace, Pod string
	// UID is the pod's. The log endpoint goes by name: whoever sees another pod under the name calls Set.Forget.
	UID         types.UID
	Container   string
	ContainerID string
	// Node counts against Options.MaxPerNode.
	Node string
}

// State is what reading a log has shown so far.
type State struct {
	// Lines and Bytes were delivered; a last line without newline counts.
	Lines, Bytes int64
	// Reads counts requests that brought a part of the log, 1 where nothing went wrong before the end.
	Reads int64
	// Unstamped counts texts without a time stamp, which are not the container's and are not delivered.
	Unstamped int64
	// FirstStamp and LastStamp are those of the first and the last line delivered.
	FirstStamp, LastStamp time.Time
	// Drained says that the end is proven.
	Drained bool
	// Ended says that nothing more will be read: the log is drained, or was given up for the reason in Failure.
	Ended bool
	// Failure is why the log could not be read at the last try, empty when it could.
	Failure string
	// Gaps is what is known to be missing or damaged, the first 16 of them that were found.
	Gaps []Gap
}

// Complete says that the whole log from the first line that was seen has been delivered. Whether lines were lost before the first
// reading can be told from the log alone by its content.
func (s State) Complete() bool { return s.Drained && len(s.Gaps) == 0 }

// Gap is a place at which the delivered text is not the container's.
type Gap struct {
	// After is how many lines had been delivered.
	After  int64
	Reason GapReason
}

// GapReason says what kind of loss a gap is.
type GapReason string

// The reasons.
const (
	// GapOverlapLost: no reading holds the lines delivered last any more, so lines between may be lost.
	GapOverlapLost GapReason = "OverlapLost"
	// GapLinesMissed: the log holds, somewhere before, lines that were not delivered or are not what was delivered. It happens
	// when a clock is set back while a broken reading is taken up again.
	GapLinesMissed GapReason = "LinesMissed"
	// GapLineChanged: the rest of a long line that was delivered in part could not be had.
	GapLineChanged GapReason = "LineChanged"
	// GapRotatedAway: the follow has passed over a file of the log that was begun and rotated away while it was behind. That one was
	// begun was seen meanwhile; the follow itself goes on with the next file without a word.
	GapRotatedAway GapReason = "RotatedAway"
	// GapUnstamped: a line without a time stamp stood between others and was left out.
	GapUnstamped GapReason = "Unstamped"
)

const maxGaps = 16
