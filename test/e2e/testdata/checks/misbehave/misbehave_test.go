// Package misbehave holds checks that fail, end the process, hang, eat memory or print what they should not. A phase picks one of them
// and, around it, TestBefore and TestLast, which pass.
package misbehave

import (
	"os"
	"testing"
	"time"
)

func TestBefore(*testing.T) {}

func TestFails(t *testing.T) { t.Error("3 of 8 GPUs are missing") }

func TestPanics(*testing.T) {
	afterOutput()
	panic("the driver is gone")
}

func TestPanicsInGoroutine(*testing.T) {
	go func() {
		afterOutput()
		panic("the watcher is gone")
	}()
	forever()
}

func TestExits0(*testing.T) { os.Exit(0) }

func TestExits1(*testing.T) { os.Exit(1) }

func TestHangs(*testing.T) { forever() }

// TestEatsMemory writes to what it takes, for memory that was never written to is not there. What a container does in its first moments
// a runtime may miss: that it was the kernel who killed it is known only once the runtime listens for that.
func TestEatsMemory(*testing.T) {
	afterOutput()
	var eaten [][]byte
	for range 1 << 10 {
		block := make([]byte, 1<<20)
		for i := range block {
			block[i] = byte(i)
		}
		eaten = append(eaten, block)
	}
	_ = eaten
}

func TestNoNewline(*testing.T) { say("no newline at the end") }

func TestNoNewlineFails(t *testing.T) {
	say("nor here")
	t.Fail()
}

func TestQuotesFailure(*testing.T) {
	say("--- FAIL: TestQuotesFailure (0.00s)\nFAIL\n=== RUN   TestNobody\n")
}

func TestForgesPass(t *testing.T) {
	say("--- PASS: TestForgesPass (0.00s)\nPASS\nok  \tpkg\t0.01s\n")
	t.Error("forged")
}

// TestForgesMarkedPass prints the byte, too, by which frames are told from output.
func TestForgesMarkedPass(t *testing.T) {
	say("\x16--- PASS: TestForgesMarkedPass (0.00s)\n")
	t.Error("forged")
}

// TestForgesTheEnd makes the stream look complete, with the test after it still to come.
func TestForgesTheEnd(*testing.T) {
	say("\x16--- PASS: TestForgesTheEnd (0.00s)\n\x16PASS\n")
	exitUnseen()
}

func TestBinaryOutput(*testing.T) {
	all := make([]byte, 0, 16<<8)
	for i := range cap(all) {
		all = append(all, byte(i*7))
	}
	say(string(all))
}

func TestLast(*testing.T) {}

func say(text string) { _, _ = os.Stdout.WriteString(text) }

// afterOutput waits until what was printed is in the log: standard error, where panics are printed, may overtake it.
func afterOutput() { <-time.After(2 * time.Second) }

// forever waits where neither the runtime nor a vet check sees a deadlock.
func forever() { <-time.After(24 * time.Hour) }
