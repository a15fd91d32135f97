package program

import "testing"

func TestClean(t *testing.T) {}

func TestRaces(t *testing.T) {
	done, n := make(chan bool), 0
	go func() { n++; close(done) }()
	n++
	<-done
	t.Log("ended with", n)
}

func TestAfter(t *testing.T) {}
