package gotest

import (
	"bytes"
	"testing"
)

// TestPlainLinesCostNoMemory: a line of output that nothing special is said in takes no allocation, in neither framing, once the buffers
// have their size.
func TestPlainLinesCostNoMemory(t *testing.T) {
	const lines = 1000
	for name, line := range map[string]string{
		"raw": "    x_test.go:7: checking the node pool checking the node pool\n",
		"JSON": `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"output","Package":"example.com/p","Test":"TestX",` +
			`"Output":"    x_test.go:7: checking the node pool\n"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := NewStream(Limits{})
			begin := raw("§=== RUN   TestX\n")
			if name == "JSON" {
				begin = []byte(`{"Action":"run","Package":"example.com/p","Test":"TestX"}` + "\n")
			}
			write(t, s, begin, 0)
			data := bytes.Repeat([]byte(line), lines)
			for range 10 { // until it keeps as much as it ever will
				write(t, s, data, 0)
			}
			if n := testing.AllocsPerRun(20, func() { _, _ = s.Write(data) }); n > 0 {
				t.Errorf("%d lines take %v allocations", lines, n)
			}
			if got := s.Result(); len(got.Tests) != 1 || got.Tests[0].Output.Cut == 0 {
				t.Errorf("the lines are not those of the test: %+v", got.Tests)
			}
		})
	}
}
