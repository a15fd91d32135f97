package podlog

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// start is the time at which the logs of the tests begin: the last tenth of a second, so that a few lines are in the first one.
var start = time.Date(2026, 11, 22, 13, 0, 0, 900_000_000, time.UTC)

// entry is one line of a container runtime's log file.
type entry struct {
	stamp   time.Time
	text    string // without newline
	partial bool   // the line goes on in the next entry
}

// entries stamps lines 7 ms apart.
func entries(lines ...string) []entry {
	var all []entry
	for i, line := range lines {
		all = append(all, entry{stamp: start.Add(time.Duration(i) * 7 * time.Millisecond), text: line})
	}
	return all
}

// content is what a container that wrote these entries has printed.
func content(all []entry) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.text)
		if !e.partial {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// fault is what goes wrong with one request.
type fault struct {
	err    error  // instead of a body
	body   string // instead of the log
	empty  bool   // 200 with nothing
	cut    int    // the body ends after so many bytes, cleanly; 0 is no cut
	broken bool   // it ends with an error there
	append string // the body ends with this text
	silent bool   // the follow brings nothing that was not there when it was opened
	hang   bool   // Open does not return
	chunk  int    // bytes at a time

	pace     time.Duration // between the entries of a follow
	passOver [2]int        // a follow goes on from the first entry with the second: it was behind by more than a file
	again    [2]int        // likewise, once: it hears late of a file that it has opened already
}

// kubelet serves one container's log as the kubelet does: from the newest file, each line with its stamp, lines stamped before
// sinceTime left out wherever they stand.
type kubelet struct {
	mu       sync.Mutex
	log      []entry
	rotated  int // entries before this are in files that are not served
	ended    bool
	changed  chan struct{}
	fault    func(n int, r Request) fault // of the n-th request, from 0
	requests []Request
	open     int
	most     int  // follows open at once
	perPart  bool // a stamp before each part of a line, as kubelets before 1.26
}

func newKubelet(log []entry) *kubelet {
	return &kubelet{log: log, fault: func(int, Request) fault { return fault{} }}
}

func (k *kubelet) change(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	if k.changed != nil {
		close(k.changed)
		k.changed = nil
	}
}

func (k *kubelet) print(more ...entry) { k.change(func() { k.log = append(k.log, more...) }) }
func (k *kubelet) end()                { k.change(func() { k.ended = true }) }

func (k *kubelet) count(match func(Request) bool) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, r := range k.requests {
		if match(r) {
			n++
		}
	}
	return n
}

// follows is how many are open now, and were at most.
func (k *kubelet) follows() (open, most int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open, k.most
}

func (k *kubelet) Open(ctx context.Context, r Request) (io.ReadCloser, error) {
	k.mu.Lock()
	n := len(k.requests)
	k.requests = append(k.requests, r)
	f := k.fault(n, r)
	b := &body{kubelet: k, ctx: ctx, request: r, fault: f, next: k.rotated, newLine: true, upTo: len(k.log)}
	k.mu.Unlock()
	if f.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	if f.body != "" || f.empty {
		return io.NopCloser(strings.NewReader(f.body)), nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Follow {
		k.open++
		k.most = max(k.most, k.open)
	}
	if r.LimitBytes > 0 {
		b.fault.cut = int(r.LimitBytes)
	}
	if r.TailLines > 0 {
		b.next = max(b.next, len(k.log)-int(r.TailLines))
	}
	return b, nil
}

// body is the answer to one request.
type body struct {
	kubelet *kubelet
	ctx     context.Context
	request Request
	fault   fault
	next    int // entry
	upTo    int // entries that a silent follow knows of
	newLine bool
	pending string
	sent    int
	closed  bool
	over    bool
}

func (b *body) Close() error {
	b.kubelet.mu.Lock()
	defer b.kubelet.mu.Unlock()
	if b.request.Follow && !b.closed {
		b.kubelet.open--
	}
	b.closed = true
	return nil
}

func (b *body) Read(p []byte) (int, error) {
	if b.fault.cut != 0 && b.sent >= b.fault.cut {
		if b.fault.broken {
			return 0, fmt.Errorf("unexpected end of the connection")
		}
		return 0, io.EOF
	}
	for b.pending == "" {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		if b.request.Follow && b.fault.pace > 0 {
			time.Sleep(b.fault.pace)
		}
		wait, more := b.advance()
		if !more {
			return 0, io.EOF
		}
		if wait != nil {
			select {
			case <-wait:
			case <-b.ctx.Done():
			}
		}
	}
	limit := len(p)
	if b.fault.chunk > 0 {
		limit = min(limit, b.fault.chunk)
	}
	if b.fault.cut != 0 {
		limit = min(limit, b.fault.cut-b.sent)
	}
	n := copy(p[:limit], b.pending)
	b.pending = b.pending[n:]
	b.sent += n
	return n, nil
}

// advance makes the next entry pending, or says what to wait for, or that there is no more.
func (b *body) advance() (<-chan struct{}, bool) {
	k := b.kubelet
	k.mu.Lock()
	defer k.mu.Unlock()
	if over := b.fault.passOver; b.request.Follow && over[1] > 0 && b.next == over[0] {
		b.next = over[1]
	}
	if again := b.fault.again; b.request.Follow && again[0] > 0 && b.next == again[0] {
		b.next, b.fault.again = again[1], [2]int{}
	}
	if b.next >= len(k.log) || (b.fault.silent && b.next >= b.upTo) {
		if b.request.Follow && (!k.ended || b.fault.silent) {
			if k.changed == nil { // made here, so that it belongs to the test's bubble
				k.changed = make(chan struct{})
			}
			return k.changed, true
		}
		if b.fault.append != "" && !b.over {
			b.over = true
			b.pending = b.fault.append
			return nil, true
		}
		return nil, false
	}
	e := k.log[b.next]
	b.next++
	if !e.stamp.Before(b.request.Since) {
		if b.newLine || k.perPart {
			b.pending += e.stamp.Format("2006-01-02T15:04:05.000000000Z07:00") + " "
		}
		b.pending += e.text
		if !e.partial {
			b.pending += "\n"
		}
	}
	b.newLine = !e.partial
	return nil, true
}

// sink keeps what is delivered.
type sink struct{ strings.Builder }
