package program

import (
	"fmt"
	"os"
	"testing"
)

func TestPasses(t *testing.T) {}

func TestFails(t *testing.T) {
	t.Log("a first hint")
	t.Errorf("got %d\nwant %d", 1, 2)
	t.Fatal("it ends here")
}

func TestParent(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) {
		fmt.Fprintln(os.Stderr, "on stderr")
		t.Run("deeper", func(t *testing.T) { t.Error("deep trouble") })
	})
	t.Run("skipped", func(t *testing.T) { t.Skip("not here") })
}

func TestSkipped(t *testing.T) { t.SkipNow() }
