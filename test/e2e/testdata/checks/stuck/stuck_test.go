// Package stuck never gets as far as its tests, has no use for its flags, -test.timeout among them, and does not end when it is told to.
package stuck

import (
	"os/signal"
	"syscall"
	"testing"
	"time"
)

func TestMain(*testing.M) {
	signal.Ignore(syscall.SIGTERM)
	<-time.After(24 * time.Hour)
}

func TestNeverReached(*testing.T) {}
