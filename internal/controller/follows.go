package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/metrics"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/podlog"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// follows are the logs that are being read: of each pod that counts, the list of tests and the validator's stream. What they hold is lost
// with the process and read again by the next one, from the checkpoint if there is one.
type follows struct {
	set     *podlog.Set
	metrics *metrics.Metrics

	mu   sync.Mutex
	pods map[types.UID]*followed
	runs map[types.NamespacedName]map[types.UID]*followed // the same ones, by run
	// sought are the logs that cannot be read on for now, by pod or by checkpoint.
	sought map[string]sought
}

// followed is what was read of one pod, and the pod as it was seen last.
type followed struct {
	run    types.NamespacedName
	job    string
	since  time.Time
	last   plan.Pod
	list   *listSink
	stream *gotest.Stream
	meter  metrics.LogMeter
	saved  savedAt
	place  []byte // where to go on reading, until that has begun
}

func newFollows(logs podlog.Source, changed func(types.NamespacedName)) *follows {
	f := &follows{
		pods: map[types.UID]*followed{}, runs: map[types.NamespacedName]map[types.UID]*followed{}, sought: map[string]sought{},
	}
	f.set = podlog.NewSet(logs, podlog.Options{
		MaxPerNode:  followsPerNode,
		NotifyEvery: noticeEvery,
		Notify: func(t podlog.Target) {
			if e := f.entry(t.UID); e != nil {
				changed(e.run)
			}
		},
	})
	return f
}

// Start lives as long as the manager leads.
func (f *follows) Start(ctx context.Context) error { return f.set.Start(ctx) }

func (f *follows) entry(uid types.UID) *followed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.pods[uid]
}

// read begins to read the logs of a pod, as far as there are any, and tells those of its containers that have ended.
func (f *follows) read(run types.NamespacedName, job string, pod plan.Pod, now time.Time) {
	f.mu.Lock()
	e := f.pods[pod.UID]
	if e == nil {
		e = f.add(pod.UID, run, job, now)
	}
	e.last = pod
	// What was read is in the sinks, and not kept twice.
	e.last.Log, e.last.Listing = plan.Log{}, plan.Listing{Failed: pod.Listing.Failed}
	f.mu.Unlock()
	if pod.Gone {
		return
	}
	target := podlog.Target{Namespace: run.Namespace, Pod: pod.Name, UID: pod.UID, Node: pod.Node}
	if c := pod.List; c.Exit != nil && c.Exit.Code == 0 {
		target.Container, target.ContainerID = workload.ListContainer, c.ID
		f.set.Follow(target, e.list)
		f.set.Terminated(target)
	}
	if c := pod.Validator; !c.Started.IsZero() && !c.StartFailed {
		target.Container, target.ContainerID = workload.ValidatorContainer, c.ID
		f.follow(target, e)
		if c.Exit != nil || pod.Ended {
			f.set.Terminated(target)
		}
	}
}

// follow reads the validator's log, from its checkpoint on if there is one.
func (f *follows) follow(target podlog.Target, e *followed) {
	if e.place != nil {
		place := e.place
		e.place = nil
		if err := f.set.Resume(target, e.stream, place); err == nil {
			return
		}
		e.stream, e.saved = gotest.NewStream(gotest.DefaultLimits()), savedAt{at: e.since}
	}
	f.set.Follow(target, e.stream)
}

// add takes a pod up of which nothing was read. Called with the lock held.
func (f *follows) add(uid types.UID, run types.NamespacedName, job string, now time.Time) *followed {
	e := &followed{run: run, job: job, since: now, list: &listSink{}, stream: gotest.NewStream(gotest.DefaultLimits()), saved: savedAt{at: now}}
	f.pods[uid] = e
	if f.runs[run] == nil {
		f.runs[run] = map[types.UID]*followed{}
	}
	f.runs[run][uid] = e
	return e
}

// look fills in what was read of a pod's logs.
func (f *follows) look(pod *plan.Pod) {
	e := f.entry(pod.UID)
	if e == nil {
		f.lookForSought(pod)
		return
	}
	pod.Log.Since = e.since
	f.set.View(pod.UID, workload.ListContainer, func(state podlog.State) {
		if state.Ended {
			e.list.listing(state, &pod.Listing)
		}
	})
	f.set.View(pod.UID, workload.ValidatorContainer, func(state podlog.State) {
		if state.Ended {
			_ = e.stream.Close() // it always returns nil
		}
		pod.Log.Ended = state.Ended
		pod.Log.Missing, pod.Log.Gaps = missing(state)
		f.count(&e.meter, state)
		pod.Log.Progress, pod.Log.Stream = e.stream.Progress(), e.stream.Result()
	})
}

// count counts what the log has brought since it was looked at last.
func (f *follows) count(meter *metrics.LogMeter, state podlog.State) {
	var gaps []string
	for _, g := range state.Gaps {
		gaps = append(gaps, string(g.Reason))
	}
	f.metrics.Log(meter, state.Bytes, gaps)
}

// open is of how many pods the logs are being read.
func (f *follows) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pods)
}

// missing says what of a log is missing or unproven, and names the places.
func missing(state podlog.State) (why string, gaps []string) {
	for _, g := range state.Gaps {
		gaps = append(gaps, fmt.Sprintf("after line %d: %s", g.After, g.Reason))
	}
	switch {
	case len(gaps) > 0:
		return "lines are missing or damaged " + gaps[0], gaps
	case state.Drained:
		return "", nil
	case state.Failure != "":
		return fmt.Sprintf("its end could not be read: %s", state.Failure), gaps
	}
	return "it was not read to its end", gaps
}

// gone are the pods of a Job that were followed and are no more, as they were seen last.
func (f *follows) gone(run types.NamespacedName, job string, there []plan.Pod) []plan.Pod {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []plan.Pod
	for uid, e := range f.runs[run] {
		if e.job != job || contains(there, uid) {
			continue
		}
		pod := e.last
		pod.Gone = true
		out = append(out, pod)
	}
	return out
}

func contains(pods []plan.Pod, uid types.UID) bool {
	for i := range pods {
		if pods[i].UID == uid {
			return true
		}
	}
	return false
}

// keepOnly lets go of all pods of a run but some.
func (f *follows) keepOnly(run types.NamespacedName, keep []types.UID) {
	f.mu.Lock()
	var drop []types.UID
	for uid := range f.runs[run] {
		if !slices.Contains(keep, uid) {
			drop = append(drop, uid)
			delete(f.pods, uid)
			delete(f.runs[run], uid)
		}
	}
	if len(f.runs[run]) == 0 {
		delete(f.runs, run)
	}
	for log, s := range f.sought {
		if s.run == run && !slices.Contains(keep, types.UID(log)) {
			delete(f.sought, log)
		}
	}
	f.mu.Unlock()
	for _, uid := range drop {
		f.set.Forget(uid)
	}
}

// maxList bounds the list of tests: 1 MiB is more than ten thousand names.
const maxList = 1 << 20

// listSink takes the list of tests.
type listSink struct {
	text []byte
	full bool
}

// Write takes what there is room for. It never fails.
func (l *listSink) Write(p []byte) (int, error) {
	room := maxList - len(l.text)
	if len(p) > room {
		l.full = true
	}
	l.text = append(l.text, p[:min(len(p), room)]...)
	return len(p), nil
}

// listing reads the list of tests once its log has ended.
func (l *listSink) listing(state podlog.State, out *plan.Listing) {
	switch {
	case l.full:
		out.Failed = fmt.Sprintf("it is longer than %d bytes", maxList)
	case !state.Complete():
		out.Lost, _ = missing(state)
	default:
		out.Read, out.Tests = true, gotest.ParseList(l.text)
	}
}
