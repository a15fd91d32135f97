package podlet

import "time"

// Script says how the containers of one image behave. The zero Script is an image that starts, prints nothing and exits
// with 0.
type Script struct {
	// Init is the behaviour as an init container, Main that as any other container.
	Init, Main Container
	// Unschedulable keeps the pod from being bound to a node.
	Unschedulable *Unschedulable
	// Digest is what the image's tag stands for, such as sha256:…; it is made of the image's name by default.
	Digest string
}

// Container is the behaviour of one container.
type Container struct {
	// Waiting holds the container back before it starts.
	Waiting *Waiting
	// StartError is the runtime's message when the container cannot be started at all, for instance because its
	// executable is missing: exit code 128, reason StartError, a start time in 1970.
	StartError string
	// Run is the program; it exits with 0 at its end unless it exits before. Nil prints nothing.
	Run Step
	// Logs are faults of the log endpoint. They are used up in order, each by as many requests as it says.
	Logs []LogFault
}

// Runs is the Script of an image whose containers run the steps, one after the other. It has nothing for init containers.
func Runs(steps ...Step) Script {
	return Script{Main: Container{Run: Steps(steps...)}}
}

// Waiting is the waiting state of a container that does not start.
type Waiting struct {
	// Reason is the kubelet's, such as ErrImagePull, InvalidImageName, ErrImageNeverPull or CreateContainerError.
	// ErrImagePull turns into ImagePullBackOff, as it does on a node.
	Reason  string
	Message string
	// Until is closed when the container may start; nil is never.
	Until <-chan struct{}
}

// Unschedulable is the scheduler's finding that the pod fits no node.
type Unschedulable struct {
	// Message defaults to one about insufficient memory.
	Message string
	// Until is closed when the pod may be bound; nil is never.
	Until <-chan struct{}
}

// LogFault is a fault of the log endpoint. Its parts can be combined; one without any is a request that is answered as it
// should be.
type LogFault struct {
	// Times is how many requests meet the fault; 0 is every one from here on.
	Times int

	// Status, when it is not 0, is the answer, with Body and without any of the log. With 200 this is an error text in
	// place of the log, or an empty one.
	Status int
	Body   string

	// Prefix is text that stands before the log, without a line break between them.
	Prefix string
	// Edit changes each of the log's lines, or what a runtime made of one, before it is sent.
	Edit func(line []byte) []byte

	// CutAfter, when it is not 0, ends the stream after as many bytes, in order, as if the log were over.
	CutAfter int64
	// Abort tears the connection instead: after CutAfter bytes, or at once.
	Abort bool
	// StallAfter, when it is not 0, sends as many bytes and then nothing until Until is closed; a nil Until is never.
	StallAfter int64
	Until      <-chan struct{}
	// LineInterval is waited for before each line.
	LineInterval time.Duration
	// NeverEnd keeps a following stream open after the container's end.
	NeverEnd bool
}
