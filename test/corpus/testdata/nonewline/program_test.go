package program

import (
	"fmt"
	"testing"
)

func TestPasses(t *testing.T) { fmt.Print("no newline at the end") }

func TestFails(t *testing.T) {
	fmt.Print("nor here")
	t.Fail()
}

func TestLast(t *testing.T) { fmt.Print("PASS") }
