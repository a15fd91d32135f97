package program

import (
	"fmt"
	"sync"
	"testing"
)

// The three take turns by a barrier, so that each recording interleaves them in the same way.
var turn [9]sync.WaitGroup

func init() {
	for i := range turn {
		turn[i].Add(1)
	}
}

func steps(t *testing.T, mine ...int) {
	t.Parallel()
	for _, i := range mine {
		if i > 0 {
			turn[i-1].Wait()
		}
		if i%2 == 0 {
			t.Log("step", i)
		} else {
			fmt.Printf("step %d of %s\n", i, t.Name())
		}
		turn[i].Done()
	}
}

func TestA(t *testing.T) { steps(t, 0, 3, 6) }

func TestB(t *testing.T) { steps(t, 1, 4, 7); t.Error("B is wrong") }

func TestC(t *testing.T) {
	t.Parallel()
	t.Run("sub", func(t *testing.T) { steps(t, 2, 5, 8) })
}
