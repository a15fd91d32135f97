package gotest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// synthetic returns 32 MiB of a suite in which each test prints a hundred lines, with lines of about 235 bytes as JSON.
func synthetic(line func(b *bytes.Buffer, action, test, output string)) []byte {
	var b bytes.Buffer
	text := strings.Repeat("checking the node pool ", 4)
	for i := 0; b.Len() < 32<<20; i++ {
		test := fmt.Sprintf("TestConformance/check_%d", i%1000)
		line(&b, "run", test, "")
		for j := range 100 {
			line(&b, "output", test, fmt.Sprintf("    x_test.go:%d: %s", j, text[:60]))
		}
		line(&b, "pass", test, "")
	}
	return b.Bytes()
}

func syntheticJSON() []byte {
	return synthetic(func(b *bytes.Buffer, action, test, output string) {
		fmt.Fprintf(b, `{"Time":"2026-01-02T03:04:05.123456789Z","Action":"%s","Package":"example.com/validation/checks/conformance","Test":"%s"`, action, test)
		switch action {
		case "output":
			fmt.Fprintf(b, `,"Output":"%s\n"`, output)
		case "pass":
			b.WriteString(`,"Elapsed":0.01`)
		}
		b.WriteString("}\n")
	})
}

func syntheticRaw() []byte {
	return synthetic(func(b *bytes.Buffer, action, test, output string) {
		switch action {
		case "run":
			fmt.Fprintf(b, "\x16=== RUN   %s\n", test)
		case "output":
			b.WriteString(output + "\n")
		case "pass":
			fmt.Fprintf(b, "\x16--- PASS: %s (0.01s)\n", test)
		}
	})
}

// BenchmarkSplit is the yardstick: nothing but finding the ends of the lines.
func BenchmarkSplit(b *testing.B) {
	data := syntheticJSON()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		for rest := data; len(rest) > 0; {
			rest = rest[bytes.IndexByte(rest, '\n')+1:]
		}
	}
}

func BenchmarkDecodeJSON(b *testing.B) { benchmarkDecode(b, syntheticJSON()) }

func BenchmarkDecodeRaw(b *testing.B) { benchmarkDecode(b, syntheticRaw()) }

func benchmarkDecode(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		events := 0
		d := NewDecoder(func(*Event) { events++ }, 0)
		feed(d, data)
		if events == 0 {
			b.Fatal("no events")
		}
	}
}

func BenchmarkStreamJSON(b *testing.B) { benchmarkStream(b, syntheticJSON()) }

func BenchmarkStreamRaw(b *testing.B) { benchmarkStream(b, syntheticRaw()) }

func benchmarkStream(b *testing.B, data []byte) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s := NewStream(Limits{})
		feed(s, data)
		if s.Progress().Ended == 0 && len(s.record.tests) == 0 {
			b.Fatal("no tests")
		}
	}
}

// feed writes data in the size in which an HTTP body is read.
func feed(w interface{ Write([]byte) (int, error) }, data []byte) {
	for len(data) > 0 {
		n := min(len(data), 32<<10)
		_, _ = w.Write(data[:n])
		data = data[n:]
	}
}
