package podlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A kubelet's follow that has fallen behind by more than a file goes on with the newest one. Three files of 300 lines are written and
// rotated here while a follow reads the first.
func TestFollowThatIsBehind(t *testing.T) {
	const perFile, pace = 300, 10 * time.Millisecond
	lines := func(from, to int) []entry {
		var log []entry
		for i := from; i < to; i++ {
			log = append(log, entry{stamp: start.Add(time.Duration(i) * pace / 3), text: fmt.Sprintf("line %d %s", i, strings.Repeat("x", 8<<10))})
		}
		return log
	}
	whole := lines(0, 3*perFile)
	stepsBack := slices.Clone(whole)
	for i := perFile - 2; i < perFile; i++ { // another stream's, written just before
		stepsBack[i].stamp = stepsBack[perFile].stamp.Add(5 * time.Microsecond)
	}
	inLongLine := slices.Clone(whole)
	for i := perFile - 3; i < perFile; i++ { // the second file begins in the middle of it
		inLongLine[i].partial = true
	}
	passOver := fault{pace: pace, passOver: [2]int{perFile, 2 * perFile}}
	twice := passOver
	twice.again = [2]int{3 * perFile, 2 * perFile}
	lost := []Gap{{After: perFile, Reason: GapRotatedAway}}
	behindFirst := content(lines(0, perFile))
	for name, test := range map[string]struct {
		log   []entry
		fault fault
		want  string
		gaps  []Gap
	}{
		"and reads on":                     {whole, fault{pace: pace}, content(whole), nil},
		"and reads on, stamps step back":   {stepsBack, fault{pace: pace}, content(stepsBack), nil},
		"and reads on in mid-line":         {inLongLine, fault{pace: pace}, content(inLongLine), nil},
		"and passes over a file":           {whole, passOver, behindFirst + content(whole[2*perFile:]), lost},
		"and then reads one again":         {whole, twice, behindFirst + content(whole[2*perFile:]), lost},
		"and reads one again":              {whole, fault{pace: pace, again: twice.again}, content(whole), nil},
		"and passes over it near the end":  {whole[:2*perFile+5], passOver, behindFirst + content(whole[2*perFile:2*perFile+5]), lost},
		"and passes over, clocks set back": {setBack(whole, 2*perFile), passOver, behindFirst + content(whole[2*perFile:]), []Gap{{After: 128, Reason: GapRotatedAway}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(nil)
			k.fault = func(n int, r Request) fault {
				if n == 0 && r.Follow { // one that was opened later is not behind
					return test.fault
				}
				return fault{}
			}
			got := story(t, k, Options{}, func() {
				for from := 0; from < len(test.log); from += perFile {
					k.change(func() { k.rotated = from; k.log = test.log[:min(from+perFile, len(test.log))] })
					time.Sleep(perFile * pace * 4 / 10)
				}
				time.Sleep(time.Minute)
			})
			wantText(t, got.text, test.want)
			if diff := cmp.Diff(test.gaps, got.state.Gaps, cmpopts.EquateEmpty()); diff != "" || !got.state.Drained {
				t.Errorf("Drained %t, gaps (-want +got):\n%s", got.state.Drained, diff)
			}
		})
	}
}

// setBack is a log whose clock is set back by an hour before the entry.
func setBack(log []entry, before int) []entry {
	log = slices.Clone(log)
	for i := before; i < len(log); i++ {
		log[i].stamp = log[i].stamp.Add(-time.Hour)
	}
	return log
}

// What a follow has to come to is known to the process that goes on with it.
func TestResumesBehindALandmark(t *testing.T) {
	log := entries("one", "two", "never read", "four")
	for i := range log {
		log[i].stamp = start.Add(time.Duration(i) * time.Minute)
	}
	for name, test := range map[string]struct {
		jump bool
		gaps []Gap
	}{
		"and comes to it":    {false, nil},
		"and passes over it": {true, []Gap{{After: 2, Reason: GapRotatedAway}}},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKubelet(log[:2])
			f := newFollower(k, target, &sink{}, Options{}.withDefaults())
			f.terminate()
			f.run(t.Context())
			f.landmarks.see(log[2].stamp.UnixNano(), 2)
			place := f.paper()

			k.log = log
			if test.jump {
				k.log = append(slices.Clone(log[:2]), log[3])
			}
			k.ended = true
			next := newFollower(k, target, &sink{}, Options{}.withDefaults())
			next.take(&place)
			next.terminate()
			next.run(t.Context())
			if diff := cmp.Diff(test.gaps, next.view().Gaps, cmpopts.EquateEmpty()); diff != "" || !next.view().Drained {
				t.Errorf("state %+v, gaps (-want +got):\n%s", next.view(), diff)
			}
		})
	}
}
