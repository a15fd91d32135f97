package gotest

import "slices"

// spares are buffers that captures gave back, for the next test to print into: most tests give theirs back when they end well. The
// zero value is ready for use, and nil keeps none.
type spares struct{ free [][]byte }

const (
	maxSpares                    = 8
	minSpareBytes, maxSpareBytes = 1 << 10, 128 << 10
)

// room returns b with room for n more bytes. Most often there is some, which is worth an inlined look.
func (s *spares) room(b []byte, n int) []byte {
	if n <= cap(b)-len(b) {
		return b
	}
	return s.grow(b, n)
}

// grow moves b to a buffer with room for n more bytes.
func (s *spares) grow(b []byte, n int) []byte {
	need := len(b) + n
	grown := s.take(need)
	if grown == nil {
		grown = make([]byte, 0, max(need, 2*cap(b), minSpareBytes/2))
	}
	grown = append(grown, b...)
	s.give(b)
	return grown
}

// take returns an empty buffer of at least that capacity, or nil.
func (s *spares) take(need int) []byte {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.free, func(b []byte) bool { return cap(b) >= need })
	if i < 0 {
		return nil
	}
	spare := s.free[i]
	s.free = slices.Delete(s.free, i, i+1)
	return spare
}

// give takes back a buffer that nobody uses any more.
func (s *spares) give(b []byte) {
	if s == nil || cap(b) < minSpareBytes || cap(b) > maxSpareBytes {
		return
	}
	if len(s.free) < maxSpares {
		s.free = append(s.free, b[:0])
		return
	}
	least := 0
	for i := range s.free {
		if cap(s.free[i]) < cap(s.free[least]) {
			least = i
		}
	}
	if cap(s.free[least]) < cap(b) {
		s.free[least] = b[:0]
	}
}
