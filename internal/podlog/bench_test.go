package podlog

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"
)

// stampedLog is size bytes of lines of 235 bytes, what an event of go test -json has on average, behind their stamps.
func stampedLog(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		stamp := start.Add(time.Duration(i) * 20 * time.Microsecond).Format("2006-01-02T15:04:05.000000000Z07:00")
		fmt.Fprintf(&b, "%s %0234d\n", stamp, i)
	}
	return b.Bytes()
}

func BenchmarkDeliver(b *testing.B) {
	log := stampedLog(32 << 20)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		f := newFollower(nil, target, io.Discard, Options{}.withDefaults())
		r := f.begin(f.position.base, nil)
		if out := r.consume(bytes.NewReader(log)); out.err != nil {
			b.Fatal(out.err)
		}
		f.bell.silence()
	}
}

// BenchmarkPassOver is the reading of what was delivered before.
func BenchmarkPassOver(b *testing.B) {
	log := stampedLog(32 << 20)
	f := newFollower(nil, target, io.Discard, Options{}.withDefaults())
	f.begin(f.position.base, nil).consume(bytes.NewReader(log))
	f.bell.silence()
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		if out := f.begin(f.position.base, nil).consume(bytes.NewReader(log)); !out.quiet() {
			b.Fatal(out)
		}
	}
}

// BenchmarkLineFeeds is the yardstick: finding the line feeds and nothing else.
func BenchmarkLineFeeds(b *testing.B) {
	log := stampedLog(32 << 20)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		for rest := log; len(rest) > 0; {
			rest = rest[bytes.IndexByte(rest, '\n')+1:]
		}
	}
}
