//go:build go1.25

package program

import "testing"

func TestAttributes(t *testing.T) {
	t.Attr("nodes", "3")
	t.Attr("nodes", "4")
	t.Attr("note", "two words and = signs")
	t.Attr("empty", "")
	t.Run("sub", func(t *testing.T) { t.Attr("gpu", "none") })
	t.Log("after")
}
