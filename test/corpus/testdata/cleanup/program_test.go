package program

import "testing"

func TestFailsBehind(t *testing.T) {
	t.Cleanup(func() { t.Error("cannot clean up") })
}

func TestPasses(t *testing.T) {}

func TestPanicsBehind(t *testing.T) {
	t.Cleanup(func() { panic("in clean-up") })
}
