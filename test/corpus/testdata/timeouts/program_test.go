package program

import "testing"

func TestEnds(t *testing.T) { t.Parallel() }

func TestHangs(t *testing.T) { t.Parallel(); select {} }

func TestHangsToo(t *testing.T) {
	t.Parallel()
	t.Run("sub", func(t *testing.T) { select {} })
}

func TestFails(t *testing.T) { t.Error("wrong before anything hangs") }
