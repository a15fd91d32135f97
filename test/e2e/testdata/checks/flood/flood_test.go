// Package flood prints 50 MB within 20 s, several times what a kubelet keeps of a log by default, at a pace at which it rotates it. Where
// UNTIL_OPEN is set it goes on until somebody opens the gate.
package flood

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bursts is how many there are, of 250 KB each.
func bursts() int {
	if n, err := strconv.Atoi(os.Getenv("BURSTS")); err == nil {
		return n
	}
	return 200
}

const (
	linesPerBurst = 125
	lineBytes     = 2000
	pace          = 100 * time.Millisecond
	// rotationPeriod is how often a kubelet looks for logs to rotate, by default.
	rotationPeriod = 10 * time.Second
)

// TestFirst leaves a follower the time to come: a kubelet minds a rotation only in follows that have been at the log's end before.
func TestFirst(t *testing.T) {
	<-time.After(5 * time.Second)
	if os.Getenv("FIRST_FAILS") != "" {
		t.Error("the first of all lines")
	}
}

func TestFlood(t *testing.T) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for burst := range bursts() {
		t.Run(fmt.Sprint(burst), func(*testing.T) { printBurst(burst) })
		<-tick.C
	}
	// Without subtests: there is no telling how many there would be.
	for burst := bursts(); isShut(); burst++ {
		printBurst(burst)
		<-tick.C
	}
	// A log that is rotated while its container ends is empty for whoever reads it then: the end has to be in a file that is not due. Before a
	// kubelet rotates a log it compresses the file before, and those of others, one after the other.
	<-time.After(2*rotationPeriod + time.Second)
}

func printBurst(burst int) {
	filler := strings.Repeat("x", lineBytes)
	var text strings.Builder
	for line := range linesPerBurst {
		number := fmt.Sprintf("line %d ", burst*linesPerBurst+line+1)
		text.WriteString(number + filler[len(number)+1:] + "\n")
	}
	_, _ = os.Stdout.WriteString(text.String())
}

// isShut says whether there is a gate and nobody has opened it, as `program.test open` does.
func isShut() bool {
	_, err := os.Stat("/tmp/open")
	return os.Getenv("UNTIL_OPEN") != "" && err != nil
}

func TestLast(*testing.T) {}
