package program

import (
	"runtime"
	"testing"
)

func TestOnOne(t *testing.T) {
	if runtime.GOMAXPROCS(0) > 1 {
		t.Error("only works on one")
	}
}

func TestAny(t *testing.T) {}
