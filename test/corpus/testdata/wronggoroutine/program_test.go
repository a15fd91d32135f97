package program

import "testing"

func TestFailsElsewhere(t *testing.T) {
	done := make(chan bool)
	go func() {
		defer close(done)
		t.Fatal("from another goroutine")
	}()
	<-done
	t.Log("goes on")
}

func TestPasses(t *testing.T) {}
