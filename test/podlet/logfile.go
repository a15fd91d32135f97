package podlet

import (
	"sync"
	"time"
)

// criOverhead is what a runtime writes around each line: stamp, stream and tag.
const criOverhead = 40

// chunkEntries bounds how much of a log that nobody needs any more one reader keeps in memory.
const chunkEntries = 512

// logFile is a container's log: entries in the order in which the runtime wrote them, each with its stamp.
//
// It is a list of chunks. Readers hold on to the chunk that they have come to; what lies before every reader and before
// the last rotation is garbage.
type logFile struct {
	now      func() time.Time
	rotateAt int64

	mu    sync.Mutex
	first position // where a new reader begins
	last  *chunk
	lines int64 // from first to the end
	bytes int64 // likewise, with what the runtime adds
	ended bool
	wake  chan struct{} // closed at the next change; nil while nobody waits
}

type chunk struct {
	entries []entry
	next    *chunk
}

// entry is what a runtime writes as one line: a line with its line break, or a part of one without.
type entry struct {
	at   int64 // nanoseconds since 1970
	text string
}

// position is a place in a log, owned by one reader.
type position struct {
	chunk *chunk
	index int
}

func newLogFile(now func() time.Time, rotateAt int64) *logFile {
	first := &chunk{}
	return &logFile{now: now, rotateAt: rotateAt, first: position{chunk: first}, last: first}
}

func (l *logFile) append(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if l.rotateAt > 0 && l.bytes >= l.rotateAt {
		l.rotateLocked()
	}
	if len(l.last.entries) == chunkEntries {
		l.last.next = &chunk{}
		l.last = l.last.next
	}
	l.last.entries = append(l.last.entries, entry{at: l.now().UnixNano(), text: text})
	l.lines++
	l.bytes += int64(len(text)) + criOverhead
	l.changed()
}

// rotate begins a new file.
func (l *logFile) rotate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rotateLocked()
}

func (l *logFile) rotateLocked() {
	l.first = position{chunk: l.last, index: len(l.last.entries)}
	l.lines, l.bytes = 0, 0
}

// end says that nothing will be appended any more.
func (l *logFile) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.changed()
}

func (l *logFile) changed() {
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}

// open returns where to read from: the beginning, or the last tail entries.
func (l *logFile) open(tail *int64) position {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.first
	if tail == nil {
		return at
	}
	for skip := l.lines - *tail; skip > 0; {
		n := min(skip, int64(len(at.chunk.entries)-at.index))
		at.index += int(n)
		skip -= n
		if skip > 0 {
			at = position{chunk: at.chunk.next}
		}
	}
	return at
}

// next returns entries from a position on, which it moves past them. When there are none, it returns a channel that is
// closed when there may be more; no channel means that there never will be.
func (l *logFile) next(at *position) ([]entry, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at.index == len(at.chunk.entries) && at.chunk.next != nil {
		*at = position{chunk: at.chunk.next}
	}
	if entries := at.chunk.entries[at.index:]; len(entries) > 0 {
		at.index += len(entries)
		return entries, nil
	}
	if l.ended {
		return nil, nil
	}
	if l.wake == nil {
		l.wake = make(chan struct{})
	}
	return nil, l.wake
}

// tail returns the end of the log: at most so many entries and, of these, so many bytes.
func (l *logFile) tail(entries, bytes int64) string {
	at := l.open(&entries)
	var text []byte
	for {
		batch, _ := l.next(&at)
		if len(batch) == 0 {
			break
		}
		for _, e := range batch {
			text = append(text, e.text...)
		}
	}
	if excess := int64(len(text)) - bytes; excess > 0 {
		text = text[excess:]
	}
	return string(text)
}
