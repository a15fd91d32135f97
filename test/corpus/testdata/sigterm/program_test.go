package program

import (
	"syscall"
	"testing"
)

func TestBefore(t *testing.T) {}

func TestTerminated(t *testing.T) {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGTERM)
	select {}
}
