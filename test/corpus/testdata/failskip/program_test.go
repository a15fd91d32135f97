package program

import "testing"

func TestFailsAndSkips(t *testing.T) {
	t.Error("wrong")
	t.Skip("and not applicable")
}

func TestSkipsWithin(t *testing.T) {
	t.Run("skipped", func(t *testing.T) { t.Skip("not here") })
}

func TestSkipsBehindFailure(t *testing.T) {
	t.Run("fails", func(t *testing.T) { t.Fail() })
	t.Skip("not applicable")
}
