package program

import (
	"fmt"
	"testing"
)

func TestFirst(t *testing.T) {
	t.Log("a log line")
	fmt.Println("a printed line")
}

func TestParent(t *testing.T) {
	for _, name := range []string{"one", "two words", "one"} {
		t.Run(name, func(t *testing.T) { t.Logf("in %q\nsecond line", t.Name()) })
	}
	t.Log("after the subtests")
}

func TestSkipped(t *testing.T) { t.Skip("not applicable: no GPU here") }
