package podlet

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The exit codes of a process that a signal ended.
const (
	exitKilled     = 137
	exitTerminated = 143
)

// runtimeLineLimit is how long a line of a container may be before the runtime splits it.
const runtimeLineLimit = 16 << 10

// Process is a running program. Its methods are for the program's own goroutine; once the container is killed they do not
// return.
type Process struct {
	// Pod and Container are those that the program runs in, as they were when it started. They must not be changed.
	Pod       *corev1.Pod
	Container *corev1.Container
	// Args is the whole command line.
	Args []string

	container      *container
	output         sync.Mutex // guards what follows: a killed process is in no state to end its lines
	stdout, stderr lineBuffer
	onTERM         Step
	alarm          <-chan time.Time
	onAlarm        func()

	code   int
	reason string

	term chan struct{} // closed by SIGTERM
	kill chan struct{} // closed by SIGKILL
	done chan struct{} // closed when the program has ended
}

func newProcess(c *container) *Process {
	p := &Process{
		Pod:       c.pod.object(),
		Container: c.spec,
		Args:      slices.Concat(c.spec.Command, c.spec.Args),
		container: c,
		term:      make(chan struct{}),
		kill:      make(chan struct{}),
		done:      make(chan struct{}),
	}
	log := c.currentLog()
	p.stdout.log, p.stderr.log = log, log
	return p
}

// run is the program's goroutine, which Exit ends from within.
func (p *Process) run(program Step) {
	defer close(p.done)
	if program != nil {
		program(p)
	}
}

// Print writes text to standard output as it is.
func (p *Process) Print(text string) { p.write(&p.stdout, text) }

// Printf formats and writes to standard output.
func (p *Process) Printf(format string, args ...any) { p.Print(fmt.Sprintf(format, args...)) }

// PrintStderr writes text to standard error as it is.
func (p *Process) PrintStderr(text string) { p.write(&p.stderr, text) }

// Stdout is standard output as a writer.
func (p *Process) Stdout() io.Writer { return processWriter{p} }

type processWriter struct{ p *Process }

func (w processWriter) Write(data []byte) (int, error) {
	w.p.Print(string(data))
	return len(data), nil
}

func (p *Process) write(to *lineBuffer, text string) {
	p.checkSignals()
	p.output.Lock()
	defer p.output.Unlock()
	to.write(text)
}

// closeOutput writes what was printed without a line break.
func (p *Process) closeOutput() {
	p.output.Lock()
	defer p.output.Unlock()
	p.stdout.end()
	p.stderr.end()
}

// Wait waits until the channel is closed. A nil channel never is.
func (p *Process) Wait(open <-chan struct{}) {
	for {
		select {
		case <-open:
			p.checkSignals()
			return
		case <-p.kill:
			runtime.Goexit()
		case <-p.term:
			p.terminate()
		case <-p.alarm:
			p.onAlarm()
		}
	}
}

func (p *Process) checkSignals() {
	select {
	case <-p.kill:
		runtime.Goexit()
	case <-p.term:
		p.terminate()
	default:
	}
}

// terminate is the program's handling of SIGTERM, which comes once.
func (p *Process) terminate() {
	p.term = nil
	if p.onTERM == nil {
		p.Exit(exitTerminated)
	}
	p.onTERM(p)
}

// Exit ends the program.
func (p *Process) Exit(code int) { p.exit(code, "") }

func (p *Process) exit(code int, reason string) {
	p.code, p.reason = code, reason
	runtime.Goexit()
}

// Flag returns the value of a command line flag in any of Go's spellings; "true" for one without a value at the end.
func (p *Process) Flag(name string) (value string, ok bool) {
	for i, arg := range p.Args {
		flag, dashed := strings.CutPrefix(arg, "-")
		if !dashed {
			continue
		}
		flag, value, assigned := strings.Cut(strings.TrimPrefix(flag, "-"), "=")
		switch {
		case flag != name:
		case assigned:
			return value, true
		case i+1 < len(p.Args):
			return p.Args[i+1], true
		default:
			return "true", true
		}
	}
	return "", false
}

// lineBuffer is the pipe between a program and its runtime, which reads lines.
type lineBuffer struct {
	log     *logFile
	pending string
}

func (b *lineBuffer) write(text string) {
	for text != "" {
		size := strings.IndexByte(text, '\n') + 1
		if size == 0 {
			b.add(text, 0)
			return
		}
		b.add(text[:size], 1)
		text = text[size:]
	}
}

// add takes the next part of a line, of which the last lineBreak bytes are its line break.
func (b *lineBuffer) add(text string, lineBreak int) {
	if b.pending != "" {
		text = b.pending + text
		b.pending = ""
	}
	for len(text)-lineBreak > runtimeLineLimit {
		b.log.append(text[:runtimeLineLimit])
		text = text[runtimeLineLimit:]
	}
	if lineBreak == 0 {
		b.pending = text
		return
	}
	b.log.append(text)
}

func (b *lineBuffer) end() {
	if b.pending != "" {
		b.log.append(b.pending)
		b.pending = ""
	}
}
