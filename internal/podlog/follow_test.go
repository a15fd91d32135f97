package podlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var target = Target{Namespace: "ns", Pod: "pod", UID: "uid", Container: "validator", Node: "node"}

// followed is what came of following a log.
type followed struct {
	text  string
	state State
}

// story follows a log to its end while play goes on. The container is known to have terminated when play returns.
func story(t *testing.T, k *kubelet, options Options, play func()) followed {
	t.Helper()
	var got followed
	synctest.Test(t, func(t *testing.T) {
		var out sink
		set := NewSet(k, options)
		set.Follow(target, &out)
		play()
		k.end()
		set.Terminated(target)
		time.Sleep(10 * time.Minute) // of the bubble: enough for all retries
		if !set.View(target.UID, target.Container, func(s State) { got = followed{out.String(), s} }) {
			t.Error("View does not know the container")
		}
		set.Close()
	})
	return got
}

func wantComplete(t *testing.T, got followed, want string) {
	t.Helper()
	wantText(t, got.text, want)
	if !got.state.Complete() || !got.state.Ended || got.state.Failure != "" {
		t.Errorf("state is not complete: %+v", got.state)
	}
	if got.state.Bytes != int64(len(got.text)) || got.state.Lines != int64(lines(got.text)) {
		t.Errorf("Lines, Bytes = %d, %d of a text of %d, %d", got.state.Lines, got.state.Bytes, lines(got.text), len(got.text))
	}
}

// wantText shows where a text begins to differ.
func wantText(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	part := func(s string) string { return s[max(0, at-40):min(len(s), at+80)] }
	t.Errorf("delivered %d bytes, want %d; from byte %d on they differ:\ngot  …%q…\nwant …%q…",
		len(got), len(want), at, part(got), part(want))
}

func lines(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}

// awkward is a small log with all that makes resuming difficult: stamps that repeat, step back and cross seconds, equal lines,
// empty lines, runes of several bytes, text that looks like a stamp.
func awkward() []entry {
	log := entries("=== RUN   TestA", "", "größer 漢字 🙂", "same", "same", "same",
		"2026-11-22T13:00:00.900000000Z stamped itself")
	at := func(d time.Duration, text string) { log = append(log, entry{stamp: start.Add(d), text: text}) }
	for range 12 {
		at(50*time.Millisecond, "equal")
	}
	at(200*time.Millisecond, "next second")
	at(99*time.Millisecond, "stderr, stamped before")
	at(1300*time.Millisecond, "and on")
	at(2300*time.Millisecond, "")
	for range 9 {
		at(2400*time.Millisecond, "equal")
	}
	at(2400*time.Millisecond, "\x16--- PASS: TestA (0.00s)")
	at(3500*time.Millisecond, "PASS")
	return log
}

func rendered(log []entry) int {
	k := newKubelet(log)
	k.ended = true
	b, _ := k.Open(context.Background(), Request{})
	n, _ := io.Copy(io.Discard, b)
	return int(n)
}

func TestUndisturbed(t *testing.T) {
	log := awkward()
	for name, play := range map[string]struct {
		log  []entry
		play func(k *kubelet)
	}{
		"all there already": {log, func(*kubelet) {}},
		"line by line": {nil, func(k *kubelet) {
			for _, e := range log {
				k.print(e)
				time.Sleep(time.Second)
			}
		}},
		"in two goes with a long silence": {log[:10], func(k *kubelet) {
			time.Sleep(time.Hour)
			k.print(log[10:]...)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(play.log)
			got := story(t, k, Options{}, func() { play.play(k) })
			wantComplete(t, got, content(log))
			if got.state.Reads != 1 {
				t.Errorf("Reads = %d, want the one follow", got.state.Reads)
			}
			if want := log[len(log)-1].stamp; !got.state.LastStamp.Equal(want) || !got.state.FirstStamp.Equal(start) {
				t.Errorf("stamps %s to %s, want %s to %s", got.state.FirstStamp, got.state.LastStamp, start, want)
			}
		})
	}
}

// TestTornAtEveryByte ends one reading, or all of the first few, after every possible number of bytes.
func TestTornAtEveryByte(t *testing.T) {
	log := awkward()
	size := rendered(log)
	for name, torn := range map[string]func(n, cut int) fault{
		"the first, cleanly":       func(n, cut int) fault { return fault{cut: cut * b2i(n == 0)} },
		"the first, with an error": func(n, cut int) fault { return fault{cut: cut * b2i(n == 0), broken: true} },
		"two, in small chunks":     func(n, cut int) fault { return fault{cut: cut * b2i(n < 2), chunk: 7} },
		"each a little later":      func(n, cut int) fault { return fault{cut: (cut + 40*n) * b2i(n < 12)} },
		"every other":              func(n, cut int) fault { return fault{cut: cut * b2i(n%2 == 0 && n < 9)} },
	} {
		t.Run(name, func(t *testing.T) {
			for cut := 1; cut <= size; cut++ {
				for _, live := range []time.Duration{0, 20 * time.Second} {
					k := newKubelet(log)
					k.fault = func(n int, _ Request) fault { return torn(n, cut) }
					got := story(t, k, Options{}, func() { time.Sleep(live) })
					wantComplete(t, got, content(log))
					if t.Failed() {
						t.Fatalf("torn after %d bytes, alive for %s", cut, live)
					}
				}
			}
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFaultsThatLoseNothing(t *testing.T) {
	log := awkward()
	notFound := func(kind, name string) error {
		return apierrors.NewNotFound(schema.GroupResource{Resource: kind}, name)
	}
	first := func(faults ...fault) func(int, Request) fault {
		return func(n int, _ Request) fault {
			if n < len(faults) {
				return faults[n]
			}
			return fault{}
		}
	}
	for name, faults := range map[string]func(int, Request) fault{
		"an empty answer":          first(fault{empty: true}),
		"an empty answer later":    first(fault{cut: 500}, fault{empty: true}, fault{cut: 700}, fault{empty: true}),
		"an error text as body":    first(fault{body: "unable to retrieve container logs for containerd://0123"}),
		"error texts with newline": first(fault{body: "failed\nagain\n"}, fault{body: "failed\n"}),
		"an error text at the end": first(fault{append: "failed to create fsnotify watcher: too many open files"},
			fault{append: "failed to create fsnotify watcher: too many open files"}),
		"node not found": first(fault{err: notFound("nodes", "node")}),
		"kubelet's 404": first(fault{err: apierrors.NewGenericServerResponse(http.StatusNotFound, "",
			schema.GroupResource{Resource: "pods/log"}, "pod", "pod does not exist", 0, false)}),
		"waiting to start":  first(fault{err: apierrors.NewBadRequest("container is waiting to start")}),
		"server errors":     first(fault{err: apierrors.NewInternalError(errors.New("dial tcp"))}, fault{err: io.ErrUnexpectedEOF}),
		"too many requests": first(fault{err: apierrors.NewTooManyRequestsError("slow down")}),
		"Open hangs":        first(fault{hang: true}),
		"tail fails": func(n int, r Request) fault {
			return fault{err: map[bool]error{true: io.ErrUnexpectedEOF}[r.TailLines > 0 && n < 9]}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, live := range []time.Duration{0, 5 * time.Second, 10 * time.Minute} {
				k := newKubelet(log)
				k.fault = faults
				wantComplete(t, story(t, k, Options{}, func() { time.Sleep(live) }), content(log))
				if t.Failed() {
					t.Fatalf("alive for %s", live)
				}
			}
		})
	}
}

func TestEmptyLog(t *testing.T) {
	k := newKubelet(nil)
	got := story(t, k, Options{}, func() { time.Sleep(time.Hour) })
	wantComplete(t, got, "")
}

func TestEndWithoutTermination(t *testing.T) {
	k := newKubelet(awkward())
	synctest.Test(t, func(t *testing.T) {
		var out sink
		set := NewSet(k, Options{})
		defer set.Close()
		set.Follow(target, &out)
		k.end()
		time.Sleep(time.Hour)
		set.View(target.UID, target.Container, func(s State) {
			if s.Drained || s.Ended {
				t.Errorf("the end was believed of a container that is not known to have terminated: %+v", s)
			}
		})
	})
}

func TestLongLines(t *testing.T) {
	whole := func(size int, text string) []entry {
		return append(entries("before", strings.Repeat(text, size/len(text))), entry{stamp: start.Add(time.Second), text: "after"})
	}
	parts := func(size int) []entry {
		log := entries("before")
		for i := range size / splitSize {
			part := strings.Repeat("part ", splitSize)[i : i+splitSize]
			log = append(log, entry{stamp: start.Add(time.Duration(i) * time.Second), text: part, partial: true})
		}
		return append(log, entry{stamp: start.Add(time.Minute), text: "rest"}, entry{stamp: start.Add(time.Minute), text: "after"})
	}
	for name, test := range map[string]struct {
		log     []entry
		perPart bool
		cut     int
	}{
		"1 MiB":                             {log: whole(1<<20, "größer ")},
		"1 MiB, torn":                       {log: whole(1<<20, "größer "), cut: 700_001},
		"1 MiB, torn near its end":          {log: whole(1<<20, "größer "), cut: 1 << 20},
		"in parts":                          {log: parts(20 * splitSize)},
		"in parts, torn":                    {log: parts(20 * splitSize), cut: 200_000},
		"in parts, each with a stamp":       {log: parts(20 * splitSize), perPart: true},
		"in parts, each with a stamp, torn": {log: parts(20 * splitSize), perPart: true, cut: 200_000},
		"as long as the buffer":             {log: whole(bufferSize, "x"), cut: bufferSize},
	} {
		t.Run(name, func(t *testing.T) {
			for _, live := range []time.Duration{0, time.Minute} {
				k := newKubelet(test.log)
				k.perPart = test.perPart
				k.fault = func(n int, _ Request) fault { return fault{cut: test.cut * b2i(n == 0)} }
				got := story(t, k, Options{}, func() { time.Sleep(live) })
				wantComplete(t, got, content(test.log))
			}
		})
	}
}

func TestNoTrailingNewline(t *testing.T) {
	for _, last := range []string{"x", strings.Repeat("long ", 50_000)} {
		log := append(awkward(), entry{stamp: start.Add(9 * time.Second), text: last, partial: true})
		size := rendered(log)
		for _, cut := range []int{0, size - 1, size - len(last), size - len(last) - 3} {
			k := newKubelet(log)
			k.fault = func(n int, _ Request) fault { return fault{cut: cut * b2i(n < 2)} }
			got := story(t, k, Options{}, func() { time.Sleep(time.Second) })
			wantComplete(t, got, content(log))
		}
	}
}

// TestErrorTextBehindHalfALine: what is glued to an unfinished line is not taken for its end.
func TestErrorTextBehindHalfALine(t *testing.T) {
	log := awkward()
	k := newKubelet(append(log, entry{stamp: start.Add(9 * time.Second), text: "half", partial: true}))
	k.fault = func(n int, _ Request) fault {
		return fault{append: strings.Repeat("failed to read log file", b2i(n == 0))}
	}
	got := story(t, k, Options{}, func() { time.Sleep(time.Second) })
	wantComplete(t, got, content(log)+"half")
}

func TestGluedText(t *testing.T) {
	log := awkward()
	k := newKubelet(log)
	k.fault = func(n int, _ Request) fault {
		if n > 0 {
			return fault{}
		}
		return fault{body: "failed to create fsnotify watcher: too many open files" +
			start.Format(time.RFC3339Nano) + " " + log[0].text + "\n"}
	}
	got := story(t, k, Options{}, func() { time.Sleep(time.Second) })
	wantComplete(t, got, content(log))
	if got.state.Unstamped != 1 {
		t.Errorf("Unstamped = %d, want 1", got.state.Unstamped)
	}
}

func TestUnstampedLineBetween(t *testing.T) {
	k := newKubelet(nil)
	stamp := start.Format(time.RFC3339Nano)
	k.fault = func(int, Request) fault { return fault{body: stamp + " one\nforeign\n" + stamp + " two\n"} }
	got := story(t, k, Options{}, func() { time.Sleep(time.Second) })
	if got.text != "one\ntwo\n" {
		t.Errorf("delivered %q", got.text)
	}
	want := []Gap{{After: 1, Reason: GapUnstamped}}
	if diff := cmp.Diff(want, got.state.Gaps); diff != "" || !got.state.Drained || got.state.Complete() {
		t.Errorf("Drained %t, gaps (-want +got):\n%s", got.state.Drained, diff)
	}
}

func TestStalledFollow(t *testing.T) {
	log := awkward()
	k := newKubelet(log[:20])
	k.fault = func(n int, r Request) fault { return fault{silent: r.Follow && n == 0} }
	var during string
	synctest.Test(t, func(t *testing.T) {
		var out sink
		set := NewSet(k, Options{})
		defer set.Close()
		set.Follow(target, &out)
		time.Sleep(time.Second)
		k.print(log[20:]...)
		time.Sleep(2 * time.Minute)
		set.View(target.UID, target.Container, func(State) { during = out.String() })
	})
	wantText(t, during, content(log)) // two minutes after it stalled
}

// A log that floods is rotated again soon: that its follow has stalled is found out before.
func TestStalledFollowOfABusyLog(t *testing.T) {
	var log []entry
	for i := range 300 {
		log = append(log, entry{stamp: start.Add(time.Duration(i) * time.Microsecond), text: strings.Repeat("x", 8<<10)})
	}
	k := newKubelet(log[:200])
	k.fault = func(n int, r Request) fault { return fault{silent: r.Follow && n == 0} }
	var during string
	synctest.Test(t, func(t *testing.T) {
		var out sink
		set := NewSet(k, Options{})
		defer set.Close()
		set.Follow(target, &out)
		time.Sleep(100 * time.Millisecond)
		k.print(log[200:]...)
		time.Sleep(3 * time.Second)
		set.View(target.UID, target.Container, func(State) { during = out.String() })
	})
	wantText(t, during, content(log)) // three seconds after it stalled
}

func TestFollowThatNeverEnds(t *testing.T) {
	k := newKubelet(awkward())
	k.fault = func(_ int, r Request) fault { return fault{silent: r.Follow} }
	wantComplete(t, story(t, k, Options{}, func() { time.Sleep(time.Second) }), content(k.log))
}

func TestRotation(t *testing.T) {
	numbered := func(from, to int) []entry {
		var log []entry
		for i := from; i < to; i++ {
			log = append(log, entry{stamp: start.Add(time.Duration(i) * 50 * time.Millisecond), text: fmt.Sprint("line ", i)})
		}
		return log
	}
	for name, test := range map[string]struct {
		kept int // how many of the lines delivered are still in the file when the follow breaks
		gaps []Gap
		want string
	}{
		"behind the place":  {kept: 40, want: content(numbered(0, 150))},
		"in the overlap":    {kept: 3, want: content(numbered(0, 150))},
		"one line is left":  {kept: 1, want: content(numbered(0, 150))},
		"the place is gone": {kept: 0, want: content(numbered(0, 150)), gaps: []Gap{{After: 100, Reason: GapOverlapLost}}},
		"lines are gone": {kept: -5, want: content(append(numbered(0, 100), numbered(105, 150)...)),
			gaps: []Gap{{After: 100, Reason: GapOverlapLost}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(numbered(0, 100))
			down := false
			k.fault = func(_ int, r Request) fault {
				if down {
					return fault{err: io.ErrUnexpectedEOF}
				}
				return fault{silent: r.Follow && len(k.requests) == 1}
			}
			got := story(t, k, Options{}, func() {
				time.Sleep(time.Second)
				k.change(func() { k.log = append(k.log, numbered(100, 150)...); k.rotated = 100 - test.kept })
				time.Sleep(5 * time.Minute)
			})
			wantText(t, got.text, test.want)
			if diff := cmp.Diff(test.gaps, got.state.Gaps, cmpopts.EquateEmpty()); diff != "" || !got.state.Drained {
				t.Errorf("Drained %t, gaps (-want +got):\n%s", got.state.Drained, diff)
			}
		})
	}
}

func TestRotatedAgainAndAgain(t *testing.T) {
	k := newKubelet(nil)
	k.fault = func(n int, r Request) fault { return fault{cut: 300 * b2i(n%2 == 0 && r.Follow)} }
	var all []entry
	got := story(t, k, Options{RetryMax: time.Second}, func() {
		for i := range 500 {
			e := entry{stamp: start.Add(time.Duration(i) * 40 * time.Millisecond), text: fmt.Sprint("line ", i)}
			all = append(all, e)
			k.print(e)
			time.Sleep(500 * time.Millisecond)
			if i%50 == 49 {
				k.change(func() { k.rotated = len(k.log) - 12 })
			}
		}
	})
	wantComplete(t, got, content(all))
}

func TestGiveUp(t *testing.T) {
	log := awkward()
	broken := errors.New("no route to host")
	for name, test := range map[string]struct {
		fault   fault
		failure string
		within  time.Duration
	}{
		"unreachable": {fault{err: broken}, "opening the log: no route to host", 70 * time.Second},
		"error text":  {fault{body: "unable to retrieve container logs"}, `"unable to retrieve container logs"`, 70 * time.Second},
		"empty now":   {fault{empty: true}, "is empty now", 70 * time.Second},
		"hangs":       {fault{hang: true}, "nothing came for too long", 100 * time.Second},
		"shorter now": {fault{cut: 300}, "ends before what was read", 70 * time.Second},
		"pod gone": {fault{err: apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "pod")},
			`pods "pod" not found`, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(log)
				broken := false
				k.fault = func(int, Request) fault {
					if broken {
						return test.fault
					}
					return fault{}
				}
				var out sink
				set := NewSet(k, Options{})
				defer set.Close()
				set.Follow(target, &out)
				time.Sleep(time.Second)
				k.change(func() { broken = true; k.ended = true })
				set.Terminated(target)
				time.Sleep(test.within)
				set.View(target.UID, target.Container, func(s State) {
					if !s.Ended || s.Drained || !strings.Contains(s.Failure, test.failure) {
						t.Errorf("state after %s: %+v", test.within, s)
					}
				})
				if out.String() != content(log) {
					t.Errorf("delivered %q", out.String())
				}
			})
		})
	}
}

func TestNotAtRest(t *testing.T) {
	k := newKubelet(nil)
	k.fault = func(n int, _ Request) fault {
		return fault{body: start.Add(time.Duration(n)*time.Hour).Format(time.RFC3339Nano) + " another log\n"}
	}
	got := story(t, k, Options{}, func() {})
	if !got.state.Ended || got.state.Drained || !strings.Contains(got.state.Failure, "did not come to rest") {
		t.Errorf("state: %+v", got.state)
	}
}
