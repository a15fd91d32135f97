package program

import "testing"

var ended = make(chan bool)

func TestLeaks(t *testing.T) {
	go func() {
		<-ended
		t.Error("too late")
	}()
}

func TestVictim(t *testing.T) {
	close(ended)
	select {}
}
