package program

import "testing"

func TestParent(t *testing.T) {
	parent := t
	t.Run("first", func(t *testing.T) { parent.FailNow() })
	t.Run("never", func(t *testing.T) {})
}

func TestAfter(t *testing.T) {}
