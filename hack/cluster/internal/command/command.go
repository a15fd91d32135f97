// Package command runs other programs and turns their failures into errors that say what was run and what it said.
// It must not know what the programs are for.
package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// errorLines is how much of a failed program's standard error an error quotes.
const errorLines = 8

// Run runs a program and returns its standard output.
func Run(ctx context.Context, name string, args ...string) (string, error) {
	return run(New(ctx, name, args...))
}

// New prepares a program that is asked to end, before it is killed, when ctx ends.
func New(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// Capture runs a prepared program and returns its standard output.
func Capture(cmd *exec.Cmd) (string, error) {
	return run(cmd)
}

// Exists reports whether a program of that name is in PATH.
func Exists(name string) bool {
	_, err := exec.LookPath(name)
	return err == nil
}

func run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("running %s: %w%s", strings.Join(cmd.Args, " "), err, quote(stderr.String()))
	}
	return stdout.String(), nil
}

func quote(stderr string) string {
	last := LastLines(stderr, errorLines)
	if last == "" {
		return ""
	}
	return ": " + last
}

// LastLines returns the last n lines of a text, without surrounding space.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
