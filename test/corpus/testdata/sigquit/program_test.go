package program

import (
	"syscall"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestQuits(t *testing.T) {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGQUIT)
	select {}
}
