package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	gojunitreport "github.com/jstemmer/go-junit-report/v2/parser/gotest"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/test/corpus"
	"gotest.tools/gotestsum/testjson"
)

// TestOurs holds our reader against the corpus by the measure that its peers are held against.
func TestOurs(t *testing.T) {
	streams, err := corpus.Streams()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if found, why := weigh(s, ours(s, nil)); found != (faults{}) {
			t.Errorf("%s: %s", s.ID, strings.Join(why, "; "))
		}
	}
}

// synthetic is 32 MiB of what go test -json prints of a suite whose tests print a hundred lines each, 235 bytes a line.
var synthetic = func() []byte {
	var b bytes.Buffer
	text := strings.Repeat("checking the node pool ", 4)[:60]
	for i := 0; b.Len() < 32<<20; i++ {
		head := `{"Time":"2026-01-02T03:04:05.123456789Z","Action":%q,"Package":"example.com/validation/checks/conformance",` +
			`"Test":"TestConformance/check_%d"`
		test := i % 1000
		fmt.Fprintf(&b, head+"}\n", "run", test)
		for j := range 100 {
			fmt.Fprintf(&b, head+`,"Output":"    x_test.go:%d: %s\n"}`+"\n", "output", test, j, text)
		}
		fmt.Fprintf(&b, head+`,"Elapsed":0.01}`+"\n", "pass", test)
	}
	return b.Bytes()
}()

// BenchmarkReaders reads the same events with each reader. lines/op tells what allocs/op are to be divided by.
func BenchmarkReaders(b *testing.B) {
	lines := float64(bytes.Count(synthetic, []byte("\n")))
	for _, r := range []struct {
		name string
		read func() error
	}{
		{"split", split},
		{"ours-events", func() error { return chunks(gotest.NewDecoder(func(*gotest.Event) {}, 0)) }},
		{"ours", func() error { return chunks(gotest.NewStream(gotest.Limits{})) }},
		{"gotestsum", func() error {
			_, err := testjson.ScanTestOutput(testjson.ScanConfig{Stdout: bytes.NewReader(synthetic), Handler: quiet{}})
			return err
		}},
		{"go-junit-report", func() error {
			_, err := gojunitreport.NewJSONParser().Parse(bytes.NewReader(synthetic))
			return err
		}},
		{"encoding-json", unmarshal},
	} {
		b.Run(r.name, func(b *testing.B) {
			b.SetBytes(int64(len(synthetic)))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(lines, "lines/op")
		})
	}
}

// chunks writes the events in the size in which an HTTP body is read.
func chunks(w interface {
	Write([]byte) (int, error)
	Close() error
}) error {
	for rest := synthetic; len(rest) > 0; {
		n := min(len(rest), 32<<10)
		if _, err := w.Write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return w.Close()
}

// split only finds the lines.
func split() error {
	scanner := bufio.NewScanner(bytes.NewReader(synthetic))
	for scanner.Scan() {
		_ = scanner.Bytes()
	}
	return scanner.Err()
}

// unmarshal decodes each line into the struct that go doc test2json shows.
func unmarshal() error {
	scanner := bufio.NewScanner(bytes.NewReader(synthetic))
	for scanner.Scan() {
		var event struct {
			Time, Action, Package, Test, Output string
			Elapsed                             float64
		}
		if err := json.Unmarshal(scanner.Bytes(), &event); err != nil {
			return err
		}
	}
	return scanner.Err()
}
