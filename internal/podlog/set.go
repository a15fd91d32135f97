package podlog

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Set follows the logs of many containers at once. All its methods may be called from any goroutine, and none waits for the
// network but Close.
type Set struct {
	source  Source
	options Options
	places  *places

	mu        sync.Mutex
	followers map[types.UID]map[string]*follower // by pod and container
	cancels   map[*follower]context.CancelFunc
	running   sync.WaitGroup
	closed    bool
}

// NewSet returns a Set that reads from source.
func NewSet(source Source, options Options) *Set {
	options = options.withDefaults()
	return &Set{
		source:    source,
		options:   options,
		places:    newPlaces(options.MaxPerNode),
		followers: map[types.UID]map[string]*follower{},
		cancels:   map[*follower]context.CancelFunc{},
	}
}

// Follow begins to deliver the container's log to sink, from its beginning; it does nothing for a container that is followed
// already. The sink gets one line at a time, with its newline and without its stamp, or a part of one if it is long.
func (s *Set) Follow(t Target, sink io.Writer) { s.follow(t, sink, nil) }

// follow begins at a saved place, or at the beginning.
func (s *Set) follow(t Target, sink io.Writer, from *saved) {
	s.mu.Lock()
	defer s.mu.Unlock()
	containers := s.followers[t.UID]
	if s.closed || containers[t.Container] != nil {
		return
	}
	if containers == nil {
		containers = map[string]*follower{}
		s.followers[t.UID] = containers
	}
	f := newFollower(s.source, t, sink, s.options)
	f.places = s.places
	if from != nil {
		f.take(from)
	}
	containers[t.Container] = f
	ctx, cancel := context.WithCancel(context.Background())
	s.cancels[f] = cancel
	s.running.Go(func() {
		defer cancel()
		f.run(ctx)
	})
}

// Terminated says that the container has ended: only from now on an end of its log can be the end.
func (s *Set) Terminated(t Target) {
	if f := s.find(t.UID, t.Container); f != nil {
		f.terminate()
	}
}

// View calls read with what is known of a container's log; the sink is not written meanwhile. It reports whether the container
// is followed.
func (s *Set) View(uid types.UID, container string, read func(State)) bool {
	f := s.find(uid, container)
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	read(f.view())
	return true
}

// Forget ends following all containers of a pod. Their sinks are not written after it has returned.
func (s *Set) Forget(uid types.UID) {
	s.mu.Lock()
	forgotten := slices.Collect(maps.Values(s.followers[uid]))
	delete(s.followers, uid)
	for _, f := range forgotten {
		s.cancels[f]()
		delete(s.cancels, f)
	}
	s.mu.Unlock()
	for _, f := range forgotten {
		f.stop()
	}
}

// Close ends all following and waits for its goroutines. What was delivered can still be viewed.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for f, cancel := range s.cancels {
		cancel()
		f.bell.silence()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Start closes the set when ctx is done. With it the set is a Runnable of controller-runtime's manager.
func (s *Set) Start(ctx context.Context) error {
	<-ctx.Done()
	s.Close()
	return nil
}

func (s *Set) find(uid types.UID, container string) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.followers[uid][container]
}
