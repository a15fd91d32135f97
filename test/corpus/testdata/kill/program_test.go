package program

import (
	"syscall"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestKilled(t *testing.T) {
	t.Log("the last words")
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}
