// Package step tells a person what a command does: one line per step with the time it took. It must not know any step.
package step

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Log writes one line per finished step. Its zero value is not usable; use New.
type Log struct {
	mu  sync.Mutex
	out io.Writer
	now func() time.Time
}

// New returns a Log that writes to out and takes the time from now.
func New(out io.Writer, now func() time.Time) *Log {
	return &Log{out: out, now: now}
}

// Do runs f and writes a line with what was done and how long it took; a failure is marked, and returned unchanged.
func (l *Log) Do(what string, f func() error) error {
	begin := l.now()
	err := f()
	mark := ""
	if err != nil {
		mark = "FAILED: "
	}
	l.line(fmt.Sprintf("%7.1fs  %s%s", l.now().Sub(begin).Seconds(), mark, what))
	return err
}

// Say writes a line that is not a step: something to know before a long wait, or a remark.
func (l *Log) Say(format string, args ...any) {
	l.line("          " + fmt.Sprintf(format, args...))
}

// Writer is where the Log writes to, for progress that manages its own lines.
func (l *Log) Writer() io.Writer {
	return l.out
}

func (l *Log) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, text)
}
