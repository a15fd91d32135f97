//go:build go1.26

package program

import (
	"flag"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.artifacts", "true")
	os.Exit(m.Run())
}

func TestKeeps(t *testing.T) {
	t.Attr("node", "a")
	t.ArtifactDir()
	t.Run("sub", func(t *testing.T) { t.ArtifactDir() })
}
