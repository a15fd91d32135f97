package podlog

import "bytes"

const (
	// bufferSize is what a reading holds in memory, and the longest line that is handed out in one piece.
	bufferSize = 64 << 10
	// lookahead is held back of a longer line, so that a stamp in mid-line is never cut.
	lookahead = 2 * stampMax
	// splitSize is at how many bytes container runtimes split a line. Kubelets before 1.26 put a stamp before each part.
	splitSize = 16 << 10
	// glueMax is how far into a line without a stamp one is looked for, behind an error text of the kubelet's.
	glueMax = 1 << 10
)

// piece is a part of a line: all of it, unless the line is longer than the buffer or has a stamp in its middle.
type piece struct {
	// stamp of the line, nanoseconds since 1970.
	stamp int64
	// text without the stamp, with the newline if the piece is the line's last; valid until the splitter is used again.
	text []byte
	// first and last piece of the line.
	first, last bool
	// unstamped: the line is not the container's.
	unstamped bool
	// glued counts bytes of foreign text that stood before the stamp.
	glued int
}

// splitter cuts stamped lines out of a byte stream in constant memory. Bytes go in through room and filled and come out of
// next; how they were chunked on the way in makes no difference to the lines that come out.
type splitter struct {
	buf         []byte
	start, end  int   // of what has not been handed out
	inLine      bool  // the first piece of the line at start has been handed out
	line        piece // stamp and unstamped of that line
	offset      int64 // content bytes of it handed out
	nextSplit   int64 // the offset at which it may have another stamp
	stampLength int   // of a stamp at start that is still to be dropped
}

func newSplitter() *splitter { return &splitter{buf: make([]byte, bufferSize)} }

// room is where the next bytes of the stream belong; it is never empty after next has returned false.
func (s *splitter) room() []byte {
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	return s.buf[s.end:]
}

func (s *splitter) filled(n int) { s.end += n }

// next hands out the next piece. A line stays in the buffer until it is whole or the buffer is full, so that what a broken
// connection leaves of a line can be told from the line.
func (s *splitter) next() (piece, bool) {
	s.start += s.stampLength
	s.stampLength = 0
	data := s.buf[s.start:s.end]
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return s.cut(data[:i+1], true), true
	}
	if len(data) < len(s.buf) {
		return piece{}, false
	}
	return s.cut(data[:len(data)-lookahead], false), true
}

// rest hands out, piece by piece, what is left at the end of the stream: a line without its newline.
func (s *splitter) rest() (piece, bool) {
	s.start += s.stampLength
	s.stampLength = 0
	if s.start == s.end {
		return piece{}, false
	}
	return s.cut(s.buf[s.start:s.end], false), true
}

func (s *splitter) cut(data []byte, last bool) piece {
	p := piece{first: !s.inLine}
	if p.first {
		data, p.glued = s.begin(data)
	}
	p.stamp, p.unstamped = s.line.stamp, s.line.unstamped
	p.text, p.last = s.split(data, last)
	s.start += len(p.text)
	s.offset += int64(len(p.text))
	s.inLine = !p.last
	return p
}

// begin takes the stamp off a line's front.
func (s *splitter) begin(data []byte) (text []byte, glued int) {
	nanos, length := parseStamp(data)
	if length == 0 {
		glued, nanos, length = findStamp(data[:min(len(data), glueMax)])
	}
	s.line = piece{stamp: nanos, unstamped: length == 0}
	s.offset, s.nextSplit = 0, splitSize
	s.start += glued + length
	return data[glued+length:], glued
}

// split shortens data to where a stamp stands in mid-line.
func (s *splitter) split(data []byte, last bool) ([]byte, bool) {
	for ; s.nextSplit-s.offset < int64(len(data)); s.nextSplit += splitSize {
		at := int(s.nextSplit - s.offset)
		if _, length := parseStamp(s.buf[s.start+at : s.end]); length > 0 && !s.line.unstamped {
			s.nextSplit += splitSize
			s.stampLength = length
			return data[:at], false
		}
	}
	return data, last
}
