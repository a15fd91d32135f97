package gotest

// spares are buffers that captures gave back, for the next test to print into: most tests give theirs back when they end well. The
// zero value is ready for use, and nil keeps none.
type spares struct{ free [][]byte }

const (
	maxSpares                    = 8
	minSpareBytes, maxSpareBytes = 1 << 10, 128 << 10
)

// grow returns b with room for n more bytes.
func (s *spares) grow(b []byte, n int) []byte {
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	if s != nil {
		for i := len(s.free) - 1; i >= 0; i-- {
			if spare := s.free[i]; cap(spare) >= need {
				last := len(s.free) - 1
				s.free[i], s.free[last] = s.free[last], nil
				s.free = s.free[:last]
				spare = append(spare[:0], b...)
				s.give(b)
				return spare
			}
		}
	}
	grown := make([]byte, len(b), max(need, 2*cap(b), minSpareBytes/2))
	copy(grown, b)
	s.give(b)
	return grown
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
