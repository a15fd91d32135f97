package gotest

import (
	"bytes"
	"slices"
)

// panicScan looks for the panic that ended the binary in what it printed. Text that begins like one is taken for it only when a
// stack follows, or nothing at all; if the binary goes on with another test or ends well, it was no panic that ended it.
type panicScan struct {
	state   panicState
	pkg     string // whose output the panic is in
	found   Panic
	creator string // the test that started the panicking goroutine
	partial bool   // the previous output did not end its line
	// early is a panic, stack and all, after which the stream went on. A container's runtime brings stderr, where panics are printed,
	// and stdout, where frames are, by two ways: a panic can overtake the last frames before it. It counts unless the binary ends well.
	early *Panic
}

type panicState int

const (
	noPanic      panicState = iota
	panicMessage            // the first line was seen
	panicRunning            // in testing's list of running tests
	panicStack              // in the stack of the panicking goroutine
	panicDone               // behind it
)

const (
	maxRunning      = 1_000 // tests listed as running that are kept
	maxRunningName  = 512   // bytes kept of the name of each
	maxPanicMessage = 1_024 // bytes kept of the first line
)

var (
	panicPrefix    = []byte("panic: ")
	timeoutPrefix  = []byte("test timed out after ")
	fatalPrefixes  = [][]byte{[]byte("fatal error: "), []byte("SIGQUIT: "), []byte("SIGABRT: "), []byte("SIGSEGV: ")}
	runningPrefix  = []byte("running tests:")
	stackPrefix    = []byte("goroutine ")
	creatorPrefix  = []byte("created by ")
	testPrefixes   = []string{"Test", "Fuzz", "Example", "Benchmark"}
	panicFirstByte = [256]bool{'p': true, 'f': true, 'S': true}
)

// text looks at the output of an event.
func (s *panicScan) text(ev *Event) {
	b := ev.Output
	begins := !s.partial
	s.partial = len(b) > 0 && b[len(b)-1] != '\n'
	if !begins || len(b) == 0 || s.state == noPanic && !panicFirstByte[b[0]] || s.state == panicDone {
		return
	}
	line := trimEOL(b)
	if s.state == noPanic {
		s.begin(ev, line)
		return
	}
	if s.pkg != string(ev.Package) {
		return
	}
	switch s.state {
	case panicMessage, panicRunning:
		switch {
		case bytes.HasPrefix(line, stackPrefix):
			s.state = panicStack
		case bytes.Equal(bytes.TrimSpace(line), runningPrefix) && s.found.Timeout:
			s.state = panicRunning
		case s.state == panicRunning && bytes.HasPrefix(line, []byte("\t")):
			s.addRunning(line)
		}
	case panicStack:
		s.frame(line)
	}
}

// begin takes the first line of a panic.
func (s *panicScan) begin(ev *Event, line []byte) {
	message, ok := bytes.CutPrefix(line, panicPrefix)
	if !ok && !slices.ContainsFunc(fatalPrefixes, func(p []byte) bool { return bytes.HasPrefix(line, p) }) {
		return
	}
	*s = panicScan{state: panicMessage, pkg: string(ev.Package), partial: s.partial, early: s.early}
	s.found.Timeout = ok && bytes.HasPrefix(message, timeoutPrefix)
	if len(message) > maxPanicMessage {
		message = message[:maxPanicMessage]
		message = message[:len(message)-partialRune(message)]
	}
	s.found.Message = valid(message)
}

// addRunning takes "\t\tTestName (3s)" of the list of running tests.
func (s *panicScan) addRunning(line []byte) {
	name, _, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" ("))
	if ok && len(s.found.Running) < maxRunning {
		s.found.Running = append(s.found.Running, clip(name, maxRunningName))
	}
}

// frame takes one line of the stack of the panicking goroutine: the outermost test function is the test that runs on it.
func (s *panicScan) frame(line []byte) {
	if len(line) == 0 {
		s.state = panicDone
		return
	}
	if by, ok := bytes.CutPrefix(line, creatorPrefix); ok {
		s.creator = testFunction(by)
	} else if name := testFunction(line); name != "" {
		s.found.Test = name
	}
}

// testFunction returns the test function that a line of a stack is in: TestX of "example.com/p.TestX.func1(0xc0000)".
func testFunction(line []byte) string {
	line, _, _ = bytes.Cut(line, []byte("("))
	line, _, _ = bytes.Cut(line, []byte(" "))
	line = line[bytes.LastIndexByte(line, '/')+1:]
	_, function, ok := bytes.Cut(line, []byte("."))
	if !ok {
		return ""
	}
	function, _, _ = bytes.Cut(function, []byte("."))
	for _, prefix := range testPrefixes {
		if isNamed(function, prefix) {
			return valid(function)
		}
	}
	return ""
}

// testStarted says that the binary went on with another test, or that the panic has overtaken the frame of an earlier one.
func (s *panicScan) testStarted(ev *Event) {
	if s.state == noPanic || s.pkg != string(ev.Package) {
		return
	}
	early := s.early
	if s.state == panicStack || s.state == panicDone {
		early = s.result()
	}
	*s = panicScan{pkg: s.pkg, partial: s.partial, early: early}
}

// testEnded says that a test ended well, so that a panic on its goroutine was recovered.
func (s *panicScan) testEnded(ev *Event) {
	if s.state == noPanic && s.early == nil || ev.Action == ActionFail || s.pkg != string(ev.Package) {
		return
	}
	if p := s.result(); p.Test == string(ev.Test) {
		*s = panicScan{partial: s.partial}
	}
}

// packageEnded says that the binary printed its last line, which it does not after a panic. Unmarked and in JSON it may be go test
// that says fail.
func (s *panicScan) packageEnded(ev *Event) {
	if (s.state != noPanic || s.early != nil) && s.pkg == string(ev.Package) && (ev.Action != ActionFail || ev.Framing == Marked) {
		*s = panicScan{partial: s.partial}
	}
}

// result returns the panic, or nil.
func (s *panicScan) result() *Panic {
	if s.state == noPanic {
		return s.early
	}
	p := s.found
	p.Running = slices.Clone(p.Running)
	if p.Test == "" {
		p.Test = s.creator
	}
	return &p
}
