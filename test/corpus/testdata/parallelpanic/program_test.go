package program

import "testing"

var waiting = make(chan bool)

func TestWaits(t *testing.T) {
	t.Parallel()
	close(waiting)
	select {}
}

func TestPanics(t *testing.T) {
	t.Parallel()
	<-waiting
	panic("while the other waits")
}
