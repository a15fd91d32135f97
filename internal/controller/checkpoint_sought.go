package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/internal/plan"
)

// sought is a log that cannot be read on, because what was read of it before cannot be had: since when, and why.
type sought struct {
	run   types.NamespacedName
	since time.Time
	why   string
}

// seek writes down that a log, by its pod or its checkpoint, cannot be read on, and says since when that is so.
func (f *follows) seek(log string, run types.NamespacedName, why error, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.sought[log]
	if !ok {
		s = sought{run: run, since: now}
	}
	s.why = why.Error()
	f.sought[log] = s
	return s.since
}

// found is the end of that.
func (f *follows) found(log string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sought, log)
}

// lookForSought fills in that the log of a pod cannot be read on, where that is so.
func (f *follows) lookForSought(pod *plan.Pod) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s, ok := f.sought[string(pod.UID)]; ok {
		pod.Log.Sought, pod.Log.Missing = s.since, "what was read of it before cannot be had: "+s.why
	}
}
