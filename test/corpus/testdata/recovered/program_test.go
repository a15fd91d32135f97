package program

import (
	"fmt"
	"runtime/debug"
	"testing"
)

// TestRecovers prints what looks like a panic and goes on.
func TestRecovers(t *testing.T) {
	defer func() {
		fmt.Printf("panic: %v\n\n%s", recover(), debug.Stack())
	}()
	panic("caught")
}

func TestAfter(t *testing.T) {}
