package program

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if m.Run() != 0 {
		os.Exit(m.Run()) // once more
	}
}

var runs int

func TestSteady(t *testing.T) {}

func TestFlaky(t *testing.T) {
	if runs++; runs == 1 {
		t.Error("fails the first time")
	}
}
