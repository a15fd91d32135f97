package podlog

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// killed is a story whose reader is killed after the first act, and whose next one goes on from the place that was saved last before
// the second act.
func killed(t *testing.T, k *kubelet, first, unsaved, meanwhile, second func()) followed {
	t.Helper()
	var got followed
	synctest.Test(t, func(t *testing.T) {
		set := NewSet(k, Options{})
		var out, kept sink
		var place []byte
		set.Follow(target, &out)
		first()
		time.Sleep(time.Second)
		if ok, err := set.Save(target.UID, target.Container, func(_ State, at []byte) {
			place = at
			_, _ = kept.Write([]byte(out.String()))
		}); !ok || err != nil {
			t.Fatalf("Save = %t, %v", ok, err)
		}
		unsaved()
		time.Sleep(time.Second)
		set.Close()
		meanwhile()
		set = NewSet(k, Options{})
		if err := set.Resume(target, &kept, place); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		second()
		k.end()
		set.Terminated(target)
		time.Sleep(10 * time.Minute)
		set.View(target.UID, target.Container, func(s State) { got = followed{kept.String(), s} })
		set.Close()
	})
	return got
}

func nothing() {}

func TestResumesWhereItWasSaved(t *testing.T) {
	for name, meanwhile := range map[string]int{"nothing meanwhile": 0, "one line": 1, "many lines": 100} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(awkward())
			tick := func(n int) func() {
				return func() {
					for i := range n {
						k.print(at(5*time.Second+time.Duration(len(k.log)+i)*time.Millisecond, "tick"))
					}
				}
			}
			got := killed(t, k, tick(20), tick(3), tick(meanwhile), tick(2))
			wantComplete(t, got, content(k.log))
		})
	}
}

// What had been rotated away by the time of the save was delivered before it, and is not missed.
func TestResumesBehindARotation(t *testing.T) {
	k := longAgo()
	rotate := func(keep int) func() { return func() { k.change(func() { k.rotated = len(k.log) - keep }) } }
	more := func() { k.print(at(time.Minute, "later"), at(time.Minute, "and later")) }
	got := killed(t, k, nothing, nothing, rotate(12), more)
	wantComplete(t, got, content(k.log))

	k = longAgo()
	got = killed(t, k, nothing, more, rotate(1), more)
	if diff := cmp.Diff([]GapReason{GapOverlapLost}, reasons(got.state)); diff != "" || got.state.Complete() {
		t.Errorf("what was rotated away while nobody read is a gap (-want +got):\n%s", diff)
	}
	if before := content(longAgo().log); !strings.HasPrefix(got.text, before) {
		t.Errorf("what was saved is gone: %q", got.text)
	}
}

func TestResumesInAHalfDeliveredLine(t *testing.T) {
	half := entry{stamp: start.Add(time.Second), text: strings.Repeat("x", 100_000), partial: true}
	k := newKubelet(append(awkward(), half))
	rest := func() { k.print(at(time.Second, strings.Repeat("y", 100)), at(2*time.Second, "next")) }
	got := killed(t, k, nothing, nothing, nothing, rest)
	wantComplete(t, got, content(k.log))
}

func TestResumeRefuses(t *testing.T) {
	k := newKubelet(awkward())
	for name, place := range map[string]string{
		"nothing": "", "no place": "{}", "another version": `{"Version":99,"ContainerID":"c"}`,
		"another container":      `{"Version":1,"ContainerID":"other"}`,
		"lines that are missing": `{"Version":1,"ContainerID":"` + target.ContainerID + `","Total":3}`,
	} {
		set := NewSet(k, Options{})
		if err := set.Resume(target, &sink{}, []byte(place)); err == nil {
			t.Errorf("%s was taken for a place", name)
		}
		set.Close()
	}
}
