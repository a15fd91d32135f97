package program

import "testing"

func TestBefore(t *testing.T) {}

func TestStarts(t *testing.T) {
	go func() {
		var m map[string]int
		m["x"] = 1
	}()
	select {}
}
