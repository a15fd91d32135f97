package program

import "testing"

type node struct{ name string }

func TestBefore(t *testing.T) {}

func TestDereferences(t *testing.T) {
	var n *node
	t.Run("sub", func(t *testing.T) { t.Log(n.name) })
}
