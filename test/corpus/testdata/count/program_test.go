package program

import "testing"

var runs int

func TestSteady(t *testing.T) {}

func TestFlaky(t *testing.T) {
	if runs++; runs == 1 {
		t.Error("fails the first time")
	}
}
