package podlog

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

func numberedTarget(i int) Target {
	t := target
	t.Pod, t.UID = fmt.Sprint("pod-", i), types.UID(fmt.Sprint("uid-", i))
	return t
}

func TestHundredsOfLogs(t *testing.T) {
	const pods = 300
	log := awkward()
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(log)
		k.fault = func(n int, _ Request) fault { return fault{cut: (n * 37 % 1500) * b2i(n < 1000)} }
		set := NewSet(k, Options{})
		sinks := make([]sink, pods)
		for i := range pods {
			set.Follow(numberedTarget(i), &sinks[i])
			set.Follow(numberedTarget(i), io.Discard) // is followed already
		}
		time.Sleep(time.Minute)
		k.end()
		for i := range pods {
			set.Terminated(numberedTarget(i))
			set.Terminated(numberedTarget(i))
		}
		time.Sleep(time.Minute)
		for i := range pods {
			known := set.View(numberedTarget(i).UID, target.Container, func(s State) {
				if !s.Complete() || sinks[i].String() != content(log) {
					t.Errorf("pod %d: %+v", i, s)
				}
			})
			if !known {
				t.Errorf("pod %d is not known", i)
			}
		}
		set.Close()
	})
}

func TestFollowsPerNode(t *testing.T) {
	const perNode, pods = 5, 20
	log := awkward()
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(log)
		set := NewSet(k, Options{MaxPerNode: perNode})
		defer set.Close()
		sinks := make([]sink, pods)
		for i := range pods {
			set.Follow(numberedTarget(i), &sinks[i])
		}
		k.print(entry{stamp: start.Add(time.Minute), text: "later"})
		time.Sleep(time.Minute)
		for i := range pods {
			set.View(numberedTarget(i).UID, target.Container, func(State) {
				if sinks[i].String() != content(k.log) {
					t.Errorf("pod %d, followed or waiting for its place, got %q", i, sinks[i].String())
				}
			})
		}
		if open, most := k.follows(); open != perNode || most != perNode {
			t.Errorf("%d follows open, %d at most, want %d", open, most, perNode)
		}
		set.Terminated(numberedTarget(pods - 1)) // has no place yet, and needs none
		set.Forget(numberedTarget(pods - 2).UID)
		set.Forget(numberedTarget(0).UID)
		time.Sleep(time.Minute)
		set.View(numberedTarget(pods-1).UID, target.Container, func(s State) {
			if !s.Complete() {
				t.Errorf("a container that ended while it waited: %+v", s)
			}
		})
		if open, most := k.follows(); open != perNode || most != perNode {
			t.Errorf("after a place became free: %d follows open, %d at most, want %d", open, most, perNode)
		}
		other := numberedTarget(pods)
		other.Node = "other"
		set.Follow(other, io.Discard)
		time.Sleep(time.Second)
		if open, _ := k.follows(); open != perNode+1 {
			t.Errorf("%d follows open, want one more for another node", open)
		}
	})
}

func TestNotify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(nil)
		began := time.Now()
		var mu sync.Mutex
		var told []string
		set := NewSet(k, Options{Notify: func(got Target) {
			mu.Lock()
			defer mu.Unlock()
			if got != target {
				t.Errorf("told of %+v", got)
			}
			told = append(told, time.Since(began).String())
		}})
		defer set.Close()
		set.Follow(target, io.Discard)
		for i := range 50 { // a line at 1 s, 1.5 s, …, 25.5 s
			time.Sleep(time.Duration(1+b2i(i == 0)) * 500 * time.Millisecond)
			k.print(entry{stamp: start.Add(time.Duration(i) * time.Second), text: "line"})
		}
		time.Sleep(time.Minute)
		k.print(entry{stamp: start.Add(time.Minute), text: "line"})
		time.Sleep(time.Second)
		k.end()
		set.Terminated(target)
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		want := []string{"1s", "11s", "21s", "31s", "1m25.5s", "1m26.5s"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("told at (-want +got):\n%s", diff)
		}
	})
}

func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(awkward())
		told := 0
		set := NewSet(k, Options{Notify: func(Target) { told++ }})
		defer set.Close()
		var out sink
		set.Follow(target, &out)
		time.Sleep(time.Second)
		set.Forget(target.UID)
		set.Forget(target.UID)
		set.Terminated(target)
		before, toldBefore := out.String(), told
		k.print(entry{stamp: start.Add(time.Minute), text: "later"})
		time.Sleep(time.Hour)
		if out.String() != before || told != toldBefore {
			t.Errorf("a forgotten log is still delivered: %q, told %d times", strings.TrimPrefix(out.String(), before), told)
		}
		if set.View(target.UID, target.Container, func(State) {}) {
			t.Error("a forgotten log can be viewed")
		}
		if open, _ := k.follows(); open != 0 {
			t.Errorf("%d follows open", open)
		}

		var again sink
		set.Follow(target, &again)
		time.Sleep(time.Second)
		set.View(target.UID, target.Container, func(State) {
			if again.String() != content(k.log) {
				t.Errorf("followed again after Forget: got %q", again.String())
			}
		})
	})
}

func TestCloseEndsAll(t *testing.T) {
	for name, f := range map[string]fault{
		"following":   {},
		"opening":     {hang: true},
		"backing off": {err: io.ErrUnexpectedEOF},
		"stalled":     {silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
				k := newKubelet(awkward())
				k.fault = func(int, Request) fault { return f }
				set := NewSet(k, Options{MaxPerNode: 2})
				for i := range 4 {
					set.Follow(numberedTarget(i), io.Discard)
				}
				time.Sleep(time.Second)
				set.Terminated(numberedTarget(0))
				set.Close()
				set.Follow(numberedTarget(9), io.Discard)
				if set.View(numberedTarget(9).UID, target.Container, func(State) {}) {
					t.Error("a closed set follows")
				}
			})
		})
	}
}

// TestFlakyForever: a log whose every answer is wrong costs a bounded number of requests.
func TestFlakyForever(t *testing.T) {
	for name, f := range map[string]fault{
		"empty":      {empty: true},
		"error":      {err: io.ErrUnexpectedEOF},
		"error text": {body: "failed to create fsnotify watcher: too many open files"},
		"torn":       {cut: 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(awkward())
				k.fault = func(int, Request) fault { return f }
				set := NewSet(k, Options{})
				defer set.Close()
				set.Follow(target, io.Discard)
				time.Sleep(time.Hour)
				if n := k.count(func(Request) bool { return true }); n > 1000 {
					t.Errorf("%d requests in an hour", n)
				}
			})
		})
	}
}

type failingSink struct{ after int }

func (s *failingSink) Write(p []byte) (int, error) {
	if s.after--; s.after < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestSinkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := NewSet(newKubelet(awkward()), Options{})
		defer set.Close()
		set.Follow(target, &failingSink{after: 3})
		time.Sleep(time.Second)
		set.View(target.UID, target.Container, func(s State) {
			if !s.Ended || s.Drained || s.Lines != 3 || !strings.Contains(s.Failure, "short write") {
				t.Errorf("state: %+v", s)
			}
		})
	})
}
