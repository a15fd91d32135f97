package podlog

import (
	"hash/crc32"
	"math"
	"slices"
	"time"
)

const (
	// overlap is how many of the last lines must be found again before a reading goes on behind them.
	overlap = 8
	// maxCheckpoints is how many places a later reading can start from, and spacing how far apart they are at least.
	maxCheckpoints = 8
	spacing        = int64(4 * time.Second)
	// slack is how far stamps may step back behind the last line without a reading from a checkpoint missing it. What steps
	// back further is found out when the log is read to its end.
	slack = int64(10 * time.Second)

	beginning = math.MinInt64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark recognises a line, or the first bytes of one.
type mark struct {
	stamp, size int64
	sum         uint32
}

func (m *mark) add(content []byte) {
	m.size += int64(len(content))
	m.sum = crc32.Update(m.sum, castagnoli, content)
}

// recent is the last lines that went by.
type recent struct {
	marks [overlap]mark
	total int64
}

func (r *recent) push(m mark) {
	r.marks[r.total%overlap] = m
	r.total++
}

func (r *recent) len() int64 { return min(r.total, overlap) }

// last is the line i lines before the last one.
func (r *recent) last(i int64) mark { return r.marks[(r.total-1-i)%overlap] }

// endsLike says that the last lines of both agree, as far as both know them.
func (r *recent) endsLike(other *recent) bool {
	return r.agree(other, min(r.len(), other.len()))
}

// agree says that the last n lines of both are the same.
func (r *recent) agree(other *recent, n int64) bool {
	for i := range n {
		if r.last(i) != other.last(i) {
			return false
		}
	}
	return true
}

// checkpoint is a place from which the log can be read again. The server leaves out every line stamped before since, wherever
// it stands, and no line before the checkpoint has a later stamp: so the same lines come back in the same order, and their
// count finds the place even among equal lines with equal stamps. The digest proves it.
type checkpoint struct {
	since  int64 // nanoseconds since 1970, whole seconds; beginning: nothing is left out
	count  int64 // lines delivered that are stamped since then
	first  mark  // of them
	digest digest
}

// digest tells sequences of lines apart.
type digest uint64

func (d digest) with(m mark) digest {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: spreads its factor over the bits above
	d = (d ^ digest(m.stamp) ^ digest(m.sum)<<32 ^ digest(m.size)) * odd
	return d ^ d>>32
}

// trust is how much of what is known about the log still holds.
type trust int

const (
	trustCheckpoints trust = iota
	// trustBeginning: a reading from a checkpoint did not begin as it did before; read from the beginning.
	trustBeginning
	// trustNothing: the lines from the beginning are not those delivered; look for the last ones.
	trustNothing
)

// position is how far a log has been delivered, and what it takes to find the place again.
type position struct {
	recent recent
	// base is the checkpoint at the log's beginning, as far as that is still served.
	base        checkpoint
	checkpoints []checkpoint
	highest     int64 // second that a line was stamped in
	// open is the part of a long line that has been delivered before its end was seen.
	open  *mark
	trust trust
	// sparse: a reading from a checkpoint delivered something, so that a line stamped long before may have been left out.
	sparse bool
}

func newPosition() position { return position{base: checkpoint{since: beginning}, highest: beginning} }

// advance notes a delivered line.
func (p *position) advance(m mark) {
	p.recent.push(m)
	p.open = nil
	p.base.note(m)
	for i := range p.checkpoints {
		p.checkpoints[i].note(m)
	}
	second := m.stamp - m.stamp%int64(time.Second)
	if second <= p.highest {
		return
	}
	p.highest = second
	if n := len(p.checkpoints); n > 0 && second < p.checkpoints[n-1].since+spacing {
		return
	} else if n == maxCheckpoints {
		p.checkpoints = slices.Delete(p.checkpoints, 0, 1)
	}
	c := checkpoint{since: second}
	c.note(m)
	p.checkpoints = append(p.checkpoints, c)
}

func (c *checkpoint) note(m mark) {
	if m.stamp < c.since {
		return
	}
	if c.count == 0 {
		c.first = m
	}
	c.count++
	c.digest = c.digest.with(m)
}

// resume chooses where the next reading starts: as late as slack allows, and not behind the stamps of the last lines, since
// where the clock was set back the next line has such a stamp as well.
func (p *position) resume(fromBeginning bool) checkpoint {
	if fromBeginning || p.trust != trustCheckpoints || p.recent.total == 0 {
		return p.base
	}
	latest := p.highest - slack
	for i := range p.recent.len() {
		latest = min(latest, p.recent.last(i).stamp)
	}
	if p.open != nil {
		latest = min(latest, p.open.stamp)
	}
	for _, c := range slices.Backward(p.checkpoints) {
		if c.since <= latest {
			return c
		}
	}
	return p.base
}

// rebase notes that the log's beginning is now another, because it has been rotated.
func (p *position) rebase(base checkpoint) {
	p.base = base
	p.checkpoints = nil
	p.trust = trustCheckpoints
}
