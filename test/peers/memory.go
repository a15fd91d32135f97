package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/validation-operator/validation-operator/internal/gotest"
)

// memory streams so many GB of events through our reader: a thousand tests in turns, each with its output, every hundredth of which
// fails, and prints the peak of the heap and of the process.
func memory(gigabytes int) error {
	const chunk = 32 << 10
	total := int64(gigabytes) * 1e9
	stream := gotest.NewStream(gotest.Limits{})
	var peak uint64
	var stats runtime.MemStats
	var block bytes.Buffer // one for all rounds, so that what is measured is the reader's
	start, next := time.Now(), int64(0)
	for i, written := 0, int64(0); written < total; i++ {
		block.Reset()
		round(&block, i)
		for block.Len() > 0 {
			n, _ := stream.Write(block.Next(chunk)) // it never fails
			written += int64(n)
		}
		if written >= next {
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapInuse)
			next = written + 64<<20
		}
	}
	_ = stream.Close() // nor does this
	result := stream.Result()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	cpu := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	_, _ = fmt.Fprintf(os.Stdout, "%d bytes, %d lines, %d tests, %d of them past the limits; %v, %v of a processor\n", result.Bytes, result.Lines,
		len(result.Tests), result.Beyond.Started, time.Since(start).Round(time.Second), cpu.Round(time.Second))
	_, _ = fmt.Fprintf(os.Stdout, "peak heap in use %.1f MiB, peak resident size %.1f MiB\n", float64(peak)/(1<<20), float64(usage.Maxrss)/1024)
	return nil
}

// round writes the events of one test; each round is another test, so that their number grows with the stream.
func round(b *bytes.Buffer, i int) {
	head := func(action string) {
		fmt.Fprintf(b, `{"Time":"2026-01-02T03:04:05.123456789Z","Action":%q,"Package":"example.com/validation/checks/conformance","Test":"TestCheck%d"`,
			action, i)
	}
	end := "pass"
	if i%100 == 99 {
		end = "fail"
	}
	head("run")
	b.WriteString("}\n")
	for j := range 4000 {
		head("output")
		fmt.Fprintf(b, `,"Output":"    x_test.go:%d: checking the node pool checking the node pool checking the no\n"}`+"\n", j)
	}
	head(end)
	b.WriteString(`,"Elapsed":0.01}` + "\n")
}
