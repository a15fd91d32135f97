package program

import "testing"

func TestBefore(t *testing.T) {}

func TestHangs(t *testing.T) {
	t.Run("sub", func(t *testing.T) { <-make(chan int) })
}
