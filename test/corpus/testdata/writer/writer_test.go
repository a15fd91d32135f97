//go:build go1.25

package program

import (
	"fmt"
	"testing"
)

func TestWrites(t *testing.T) {
	fmt.Fprint(t.Output(), "half a line, ")
	fmt.Fprint(t.Output(), "and the other\n--- PASS: TestWrites (0.00s)\nno end")
	t.Fail()
}
