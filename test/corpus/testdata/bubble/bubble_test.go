//go:build go1.25

package program

import (
	"testing"
	"testing/synctest"
)

func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { <-make(chan int) })
}
