package podlog

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// FuzzFollow makes up a log and what goes wrong while it is read, and wants the log: every byte, once, in order. Where clocks
// step back by more than a reading allows for, it may also be told that lines are missing.
func FuzzFollow(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, uint8(seed*7), uint8(seed%5))
	}
	f.Fuzz(func(t *testing.T, seed uint64, size, faults uint8) {
		wild := seed%4 == 3
		random := rand.New(rand.NewPCG(seed, 1))
		log := randomLog(random, int(size), wild)
		k := newKubelet(nil)
		cuts := make([]fault, int(faults%32)*3)
		for i := range cuts {
			cuts[i] = fault{cut: 1 + random.IntN(rendered(log)+1), broken: random.IntN(2) == 0, chunk: 1 + random.IntN(5000)}
			if random.IntN(4) == 0 {
				cuts[i] = fault{empty: true}
			}
		}
		k.fault = func(n int, r Request) fault {
			if n < len(cuts) && r.TailLines == 0 {
				return cuts[n]
			}
			return fault{}
		}
		got := story(t, k, Options{}, func() {
			for _, e := range log {
				k.print(e)
				if random.IntN(3) == 0 {
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
				}
			}
			time.Sleep(time.Hour) // the faults are over before the container has terminated
		})
		if wild && got.state.Drained && len(got.state.Gaps) > 0 {
			return
		}
		wantComplete(t, got, content(log))
	})
}

func randomLog(random *rand.Rand, size int, wild bool) []entry {
	var log []entry
	stamp := start
	for range size {
		switch random.IntN(12) {
		case 0: // the same stamp again
		case 1:
			stamp = stamp.Add(-time.Duration(random.IntN(900)) * time.Millisecond)
		case 2:
			stamp = stamp.Add(time.Duration(random.IntN(5000)) * time.Millisecond)
		case 3:
			stamp = stamp.Add(-time.Duration(random.IntN(1000+100_000*b2i(wild))) * time.Millisecond)
		default:
			stamp = stamp.Add(time.Duration(random.IntN(50)) * time.Microsecond)
		}
		text := strings.Repeat("equal ", random.IntN(3))
		if random.IntN(40) == 0 {
			text = strings.Repeat("long 漢字 ", random.IntN(20_000))
		}
		log = append(log, entry{stamp: stamp, text: text})
	}
	return log
}

// FuzzSplitter: how a stream is chunked makes no difference, and nothing but stamps and what is glued to them gets lost.
func FuzzSplitter(f *testing.F) {
	stamp := start.Format(time.RFC3339Nano) + " "
	f.Add(stamp+"one\n"+stamp+"two", uint16(3))
	f.Add("glued"+stamp+"one\nforeign\n"+stamp[:9], uint16(7))
	f.Add(stamp+strings.Repeat("x", splitSize)+stamp+"\n", uint16(100))
	f.Fuzz(func(t *testing.T, stream string, chunk uint16) {
		whole := strings.Join(split(stream, len(stream)+1), "\x00")
		if chunked := strings.Join(split(stream, int(chunk)+1), "\x00"); whole != chunked {
			t.Errorf("in chunks of %d: %q\nwhole: %q", int(chunk)+1, chunked, whole)
		}
		if strings.Count(whole, "\n") != strings.Count(stream, "\n") {
			t.Errorf("%q became %q", stream, whole)
		}
	})
}
