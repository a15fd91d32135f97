package program

import "testing"

func TestBefore(t *testing.T) {}

func TestPanics(t *testing.T) {
	t.Log("before the panic")
	t.Run("sub", func(t *testing.T) { panic("something\nbroke") })
}

func TestNever(t *testing.T) {}
