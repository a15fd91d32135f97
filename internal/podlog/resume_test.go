package podlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// longAgo is a log of a minute, so that it is resumed from a checkpoint, and of which the first reading ends cleanly where the
// log does at that moment.
func longAgo() *kubelet {
	log := awkward()
	for i := range 40 {
		log = append(log, entry{stamp: start.Add(time.Duration(5+i)*time.Second + time.Duration(i)*time.Millisecond), text: "tick"})
	}
	k := newKubelet(log)
	cut := rendered(log)
	k.fault = func(n int, _ Request) fault { return fault{cut: cut * b2i(n == 0)} }
	return k
}

func at(d time.Duration, text string) entry { return entry{stamp: start.Add(d), text: text} }

func TestResumesFromACheckpoint(t *testing.T) {
	k := longAgo()
	got := story(t, k, Options{}, func() {
		time.Sleep(10 * time.Second)
		k.print(at(time.Minute, "later"))
	})
	wantComplete(t, got, content(k.log))
	since := k.count(func(r Request) bool { return r.Follow && !r.Since.IsZero() })
	if whole := k.count(func(r Request) bool { return r.Follow && r.Since.IsZero() }); since == 0 || whole != 1 {
		t.Errorf("%d follows from the beginning, %d from later", whole, since)
	}
}

// TestClockSetBack: lines stamped long before those already read are hidden from a reading that asks for what came since.
func TestClockSetBack(t *testing.T) {
	for _, pause := range []time.Duration{time.Second, 10 * time.Minute} {
		k := longAgo()
		got := story(t, k, Options{}, func() {
			time.Sleep(10 * time.Second)
			k.print(at(-time.Hour, "an hour before"), at(-time.Hour+time.Second, "--- FAIL"))
			time.Sleep(pause)
			whole := k.count(func(r Request) bool { return r.Follow && r.Since.IsZero() })
			if pause > time.Minute && whole < 2 {
				t.Error("the hidden lines were not looked for while the container ran")
			}
			k.print(at(-time.Hour+3*time.Second, "FAIL"))
		})
		wantComplete(t, got, content(k.log))
	}
}

// TestClockSetBackAndForth: lines after the hidden ones are delivered, so that those cannot be any more.
func TestClockSetBackAndForth(t *testing.T) {
	for name, after := range map[string]int{"among the last lines": 2, "long before": 50} {
		t.Run(name, func(t *testing.T) {
			k := longAgo()
			before := content(k.log)
			var more []entry
			for range after {
				more = append(more, at(time.Minute, "visible"))
			}
			got := story(t, k, Options{}, func() {
				time.Sleep(10 * time.Second)
				k.print(append([]entry{at(-time.Hour, "hidden")}, more...)...)
				time.Sleep(time.Second)
			})
			if !strings.HasPrefix(got.text, before+content(more)) {
				t.Errorf("delivered %q", got.text)
			}
			if diff := cmp.Diff([]GapReason{GapLinesMissed}, reasons(got.state)); diff != "" || !got.state.Drained {
				t.Errorf("Drained %t, gaps (-want +got):\n%s", got.state.Drained, diff)
			}
		})
	}
}

// TestTornBehindAClockSetBack: the overlap is stamped before the checkpoints.
func TestTornBehindAClockSetBack(t *testing.T) {
	log := longAgo().log
	for i := range 3 {
		log = append(log, at(-time.Hour+time.Duration(i)*time.Second, "earlier"))
	}
	k := newKubelet(log)
	cut := rendered(log)
	k.fault = func(n int, _ Request) fault { return fault{cut: cut * b2i(n == 0)} }
	got := story(t, k, Options{}, func() {
		time.Sleep(10 * time.Second)
		k.print(at(-time.Hour+5*time.Second, "earlier"))
		time.Sleep(time.Second)
		if hiding := k.count(func(r Request) bool { return !r.Since.IsZero() }); hiding > 0 {
			t.Errorf("%d requests would have hidden the next line", hiding)
		}
	})
	wantComplete(t, got, content(k.log))
}

func reasons(s State) []GapReason {
	var all []GapReason
	for _, g := range s.Gaps {
		all = append(all, g.Reason)
	}
	return all
}

// TestTornWhileLookedFor: the overlap is not given up because one reading ended before it.
func TestTornWhileLookedFor(t *testing.T) {
	log := longAgo().log
	k := newKubelet(log)
	searches := 0
	k.fault = func(n int, r Request) fault {
		if n == 0 {
			return fault{silent: true}
		}
		if !r.Follow && r.TailLines == 0 {
			searches++
			return fault{cut: 400 * b2i(searches == 1)}
		}
		return fault{}
	}
	got := story(t, k, Options{}, func() {
		time.Sleep(time.Second)
		k.change(func() { k.rotated = len(log) - 30; k.log = append(k.log, at(time.Minute, "later")) })
		time.Sleep(10 * time.Minute)
	})
	wantComplete(t, got, content(k.log))
}

// TestEmptyAtFirst: an answer with nothing, and another, are no evidence of an empty log when they come in one moment.
func TestEmptyAtFirst(t *testing.T) {
	k := newKubelet(awkward())
	var first time.Time
	k.fault = func(n int, _ Request) fault {
		if n == 0 {
			first = time.Now()
		}
		return fault{empty: time.Since(first) < time.Second}
	}
	wantComplete(t, story(t, k, Options{}, func() {}), content(k.log))
}

func TestLongLineTornAgainAndAgain(t *testing.T) {
	log := append(entries(strings.Repeat("größer ", 100_000)), at(time.Second, "after"))
	for _, cuts := range [][]int{
		{500_001, 100, 100, 100, 100, 100},
		{500_001, 100_000, 100_000, 100_000, 100_000, 100_000},
		{500_001, 500_001, 600_000, 100_000, 700_000},
	} {
		k := newKubelet(log)
		k.fault = func(n int, _ Request) fault {
			if n < len(cuts) {
				return fault{cut: cuts[n]}
			}
			return fault{}
		}
		wantComplete(t, story(t, k, Options{}, func() {}), content(log))
	}
}

// TestRestartedContainer: what was delivered of a long line is not continued with another.
func TestRestartedContainer(t *testing.T) {
	for name, test := range map[string]struct {
		before, after []entry
		want          []GapReason
	}{
		"line by line": {before: entries("one", "two"), after: []entry{at(time.Minute, "other")}, want: []GapReason{GapOverlapLost}},
		"in a long line": {before: entries("one", strings.Repeat("long ", 50_000)),
			after: []entry{at(time.Minute, "other")}, want: []GapReason{GapOverlapLost}},
		"in a long first line": {before: entries(strings.Repeat("long ", 50_000)),
			after: []entry{at(time.Minute, "other")}, want: []GapReason{GapLineChanged}},
		"in a long line with the same stamp": {before: entries(strings.Repeat("long ", 50_000)),
			after: entries(strings.Repeat("other ", 50_000)), want: []GapReason{GapLineChanged}},
		"in a long line that is short now": {before: entries(strings.Repeat("long ", 50_000)),
			after: entries("other"), want: []GapReason{GapLineChanged}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(test.before)
			k.fault = func(n int, _ Request) fault { return fault{cut: 200_000 * b2i(n == 0)} }
			got := story(t, k, Options{}, func() {
				time.Sleep(time.Millisecond)
				k.change(func() { k.log = test.after })
				time.Sleep(5 * time.Minute)
			})
			if diff := cmp.Diff(test.want, reasons(got.state)); diff != "" || !got.state.Drained {
				t.Errorf("Drained %t, gaps (-want +got):\n%s", got.state.Drained, diff)
			}
			delivered := strings.Split(got.text, "\n")
			first, last := delivered[0], delivered[len(delivered)-2]
			if !strings.HasPrefix(content(test.before), first) || strings.Contains(last, "long") {
				t.Errorf("delivered lines begin and end %.20q and %.20q", first, last)
			}
			if !test.after[0].stamp.Equal(start) && last != "other" {
				t.Errorf("the other container's line was delivered as %.20q", last)
			}
		})
	}
}
