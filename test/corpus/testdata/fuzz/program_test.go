package program

import "testing"

func FuzzPasses(f *testing.F) {
	f.Add("a")
	f.Add("b")
	f.Fuzz(func(t *testing.T, s string) { t.Log(s) })
}

func FuzzFails(f *testing.F) {
	f.Add("a")
	f.Add("bad")
	f.Fuzz(func(t *testing.T, s string) {
		if s == "bad" {
			t.Error("it is bad")
		}
	})
}

func FuzzSkips(f *testing.F) { f.Skip("not here") }
