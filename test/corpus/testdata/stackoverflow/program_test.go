package program

import (
	"runtime/debug"
	"testing"
)

func deeper(n int) int { return deeper(n+1) + 1 }

func TestBefore(t *testing.T) {}

func TestRecurses(t *testing.T) {
	debug.SetMaxStack(64 << 10)
	t.Log(deeper(0))
}
