package podlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/types"
)

// savedVersion tells one form of a saved place from another: one of another version is not read.
const savedVersion = 1

// saved is a delivery on paper.
type saved struct {
	Version     int
	ContainerID string
	State       State
	FirstStamp  int64
	LastStamp   int64
	Recent      []savedMark // the oldest first
	Total       int64
	Base        savedCheckpoint
	Checkpoints []savedCheckpoint
	Highest     int64
	Open        *savedMark
	Trust       int
	Sparse      bool
	Landmarks   []savedLandmark
	Latest      int64 // stamp that was delivered
}

type savedLandmark struct {
	Stamp, After int64
	Passed       bool
}

type savedMark struct {
	Stamp, Size int64
	Sum         uint32
}

type savedCheckpoint struct {
	Since, Count int64
	First        savedMark
	Digest       uint64
}

// Save calls save with what is known of a container's log and with the place up to which it was delivered, for Resume; the sink is not
// written meanwhile, so that it can be saved as of the same place. It reports whether the container is followed.
func (s *Set) Save(uid types.UID, container string, save func(state State, place []byte)) (bool, error) {
	f := s.find(uid, container)
	if f == nil {
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	place, err := json.Marshal(f.paper())
	if err != nil {
		return true, fmt.Errorf("saving a place in a log: %w", err)
	}
	save(f.view(), place)
	return true, nil
}

// Resume is Follow from a saved place on: what was delivered before it is not delivered again. Where the log does not hold the place any
// more, that is a gap. A place of another container is refused.
func (s *Set) Resume(t Target, sink io.Writer, place []byte) error {
	var p saved
	if err := json.Unmarshal(place, &p); err != nil {
		return fmt.Errorf("resuming a log: %w", err)
	}
	switch {
	case p.Version != savedVersion:
		return fmt.Errorf("resuming a log: the place is of version %d, and this is version %d", p.Version, savedVersion)
	case p.ContainerID != t.ContainerID:
		return fmt.Errorf("resuming a log: the place is of container %s, and this is %s", p.ContainerID, t.ContainerID)
	case len(p.Recent) > overlap || int64(len(p.Recent)) != min(p.Total, overlap):
		return errors.New("resuming a log: the place does not hold the last lines")
	}
	s.follow(t, sink, &p)
	return nil
}

// paper is the delivery as it is saved. Called with the lock held.
func (f *follower) paper() saved {
	p := &f.position
	out := saved{
		Version: savedVersion, ContainerID: f.target.ContainerID, State: f.state, FirstStamp: f.firstStamp, LastStamp: f.lastStamp,
		Total: p.recent.total, Base: p.base.paper(), Highest: p.highest, Trust: int(p.trust), Sparse: p.sparse,
	}
	for i := p.recent.len() - 1; i >= 0; i-- {
		out.Recent = append(out.Recent, p.recent.last(i).paper())
	}
	for _, c := range p.checkpoints {
		out.Checkpoints = append(out.Checkpoints, c.paper())
	}
	if p.open != nil {
		open := p.open.paper()
		out.Open = &open
	}
	out.Latest = f.landmarks.highest
	for _, l := range f.landmarks.ahead {
		out.Landmarks = append(out.Landmarks, savedLandmark{Stamp: l.stamp, After: l.after, Passed: l.passed})
	}
	return out
}

// take takes up what was saved.
func (f *follower) take(in *saved) {
	f.state, f.firstStamp, f.lastStamp = in.State, in.FirstStamp, in.LastStamp
	f.state.Ended, f.state.Drained, f.state.Failure = false, false, ""
	p := &f.position
	p.base, p.highest, p.trust, p.sparse = in.Base.checkpoint(), in.Highest, trust(in.Trust), in.Sparse
	p.recent.total = in.Total - int64(len(in.Recent))
	for _, m := range in.Recent {
		p.recent.push(m.mark())
	}
	for _, c := range in.Checkpoints {
		p.checkpoints = append(p.checkpoints, c.checkpoint())
	}
	if in.Open != nil {
		open := in.Open.mark()
		p.open = &open
	}
	f.landmarks.highest = max(in.Latest, in.LastStamp) // a place that an older version saved has none
	for _, l := range in.Landmarks {
		f.landmarks.ahead = append(f.landmarks.ahead, landmark{stamp: l.Stamp, after: l.After, passed: l.Passed})
	}
}

func (m mark) paper() savedMark { return savedMark{Stamp: m.stamp, Size: m.size, Sum: m.sum} }

func (m savedMark) mark() mark { return mark{stamp: m.Stamp, size: m.Size, sum: m.Sum} }

func (c checkpoint) paper() savedCheckpoint {
	return savedCheckpoint{Since: c.since, Count: c.count, First: c.first.paper(), Digest: uint64(c.digest)}
}

func (c savedCheckpoint) checkpoint() checkpoint {
	return checkpoint{since: c.Since, count: c.Count, first: c.First.mark(), digest: digest(c.Digest)}
}
