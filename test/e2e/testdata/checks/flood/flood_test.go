// Package flood prints 50 MB within 20 s, several times what a kubelet keeps of a log by default, at a pace at which it rotates it.
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
	linesPerBurst = 1250
	lineBytes     = 200
	pace          = 100 * time.Millisecond
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
	filler := strings.Repeat("x", lineBytes)
	total := bursts()
	for burst := range total {
		t.Run(fmt.Sprint(burst), func(*testing.T) {
			var text strings.Builder
			for line := range linesPerBurst {
				number := fmt.Sprintf("line %d of %d ", burst*linesPerBurst+line+1, total*linesPerBurst)
				text.WriteString(number + filler[len(number)+1:] + "\n")
			}
			_, _ = os.Stdout.WriteString(text.String())
		})
		<-tick.C
	}
}

func TestLast(*testing.T) {}
