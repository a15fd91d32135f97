package program

import (
	"fmt"
	"testing"
)

// TestRunsAnother prints what another test binary printed that it ran, marks and all.
func TestRunsAnother(t *testing.T) {
	fmt.Print("\x16=== RUN   TestInner\n    inner_test.go:9: wrong\n\x16--- FAIL: TestInner (0.01s)\n\x16FAIL\nexit status 1\n")
	t.Log("as expected")
}

func TestAfter(t *testing.T) {}
