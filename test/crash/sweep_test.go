package crash

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// sweep is a story told over and over.
type sweep struct {
	world *world
	story story
	// end is how it ends undisturbed, and writes the writes until then.
	end    string
	writes []string
	kills  atomic.Int32
}

// tries is how often a story is told for one crash point at most: a write that says what a pod waits for is made on a slow machine only.
const tries = 3

// sweep tells a story undisturbed, and then with a crash before and after each write.
func (w *world) sweep(t *testing.T, told story) {
	begin := time.Now()
	s := &sweep{world: w, story: told}
	if s.undisturbed(t); len(s.writes) == 0 || t.Failed() {
		t.Fatal("there is nothing to compare with: undisturbed it fails, or the operator writes nothing")
	}
	var all sync.WaitGroup
	beyond := false
	for n := range len(s.writes) + 1 {
		all.Go(func() {
			if reached := s.crash(t, n+1); n == len(s.writes) {
				beyond = reached
			}
		})
	}
	all.Wait()
	for n := len(s.writes) + 2; beyond && !t.Failed(); n++ {
		beyond = s.crash(t, n)
	}
	if want := 2 * len(s.writes); int(s.kills.Load()) < want {
		t.Errorf("the operator was killed %d times in all, want %d", s.kills.Load(), want)
	}
	t.Logf("%d writes, %d kills, in %s\n%s", len(s.writes), s.kills.Load(), time.Since(begin).Round(time.Second), numbered(s.writes))
}

// undisturbed tells the story twice without a crash. What only one of the two has written did not have to be.
func (s *sweep) undisturbed(t *testing.T) {
	t.Helper()
	var first, second *telling
	var both sync.WaitGroup
	both.Go(func() { first = s.tell(t, crashPoint{}) })
	both.Go(func() { second = s.tell(t, crashPoint{}) })
	both.Wait()
	end, err := first.rest(t.Context())
	if err != nil {
		t.Errorf("undisturbed: %v\n%s", err, end)
	}
	if diff := second.differs(t.Context(), end); diff != "" {
		t.Errorf("undisturbed it does not end twice the same (-first +second):\n%s", diff)
	}
	s.end, s.writes = end, first.leave()
	if writes := second.leave(); len(writes) < len(s.writes) {
		s.writes = writes
	}
}

// crash tells the story with a crash before the nth write, and with one after it. It says whether the operator has come so far.
func (s *sweep) crash(t *testing.T, n int) bool {
	var both sync.WaitGroup
	var reached atomic.Bool
	for _, sent := range []bool{false, true} {
		both.Go(func() {
			killed := false
			for try := 0; !killed && (try == 0 || try < tries && n <= len(s.writes)); try++ {
				killed = s.retell(t, crashPoint{write: n, sent: sent})
			}
			if killed {
				s.kills.Add(1)
				reached.Store(true)
			} else if n <= len(s.writes) {
				t.Errorf("write %d was made in none of %d tellings: %s", n, tries, s.writes[n-1])
			}
		})
	}
	both.Wait()
	return reached.Load()
}

// retell tells the story with a crash, and compares its end. It says whether the operator was killed.
func (s *sweep) retell(t *testing.T, point crashPoint) bool {
	told := s.tell(t, point)
	diff := told.differs(t.Context(), s.end)
	told.leave()
	if diff != "" {
		t.Errorf("%s it ends otherwise (-undisturbed +killed):\n%s\nthe operators' log:\n%s", told, diff, told.log.String())
	}
	return told.killed()
}

func numbered(writes []string) string {
	var out strings.Builder
	for i, w := range writes {
		fmt.Fprintf(&out, "%3d %s\n", i+1, w)
	}
	return out.String()
}
