// Package inits holds checks that run below an init process, as in images whose entrypoint is tini or a shell. The first process of a
// container cannot be killed from within it; a child of it can.
package inits

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestMain is that init process: it runs the tests in a child, and ends as the child ended, in the way of a shell.
func TestMain(m *testing.M) {
	if os.Getpid() != 1 {
		os.Exit(m.Run())
	}
	child := exec.Command(os.Args[0], os.Args[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	var exit *exec.ExitError
	if err := child.Run(); err != nil && !errors.As(err, &exit) {
		os.Exit(127)
	}
	code := child.ProcessState.ExitCode()
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	os.Exit(code)
}

func TestBefore(*testing.T) {}

func TestKillsItself(t *testing.T) {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Minute)
}
