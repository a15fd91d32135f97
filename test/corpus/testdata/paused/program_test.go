package program

import "testing"

func TestGroup(t *testing.T) {
	t.Run("group", func(t *testing.T) {
		t.Run("one", func(t *testing.T) { t.Parallel(); t.Log("one") })
		t.Run("two", func(t *testing.T) { t.Parallel(); t.Fail() })
	})
	t.Log("behind the group")
}

func TestAlone(t *testing.T) { t.Parallel(); t.Skip("later") }
