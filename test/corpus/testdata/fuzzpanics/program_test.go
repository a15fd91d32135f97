package program

import "testing"

func TestBefore(t *testing.T) {}

func FuzzPanics(f *testing.F) {
	f.Add("good")
	f.Add("bad")
	f.Fuzz(func(t *testing.T, s string) {
		if s == "bad" {
			panic("bad seed")
		}
	})
}
