package gotest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"unicode"
	"unicode/utf8"
)

// pkg returns the package of ev, a new one if need be, or nil past the limit.
func (r *Record) pkg(ev *Event) *pkg {
	if p := r.lastPkg; p != nil && p.path == string(ev.Package) {
		return p
	}
	key := r.bound(ev.Package)
	p := r.packages[string(key)]
	if p == nil {
		if len(r.packages) >= room(r.limits.Packages, ev) {
			r.beyondPkgs = true
			if r.refused != r.frames { // one frame may ask several times
				r.refused = r.frames
				r.anomalies.count(TooManyTests)
			}
			return nil
		}
		p = &pkg{path: string(key), tests: map[string]*test{}}
		r.packages[p.path] = p
		r.noteLong(ev.Package)
	}
	r.lastPkg = p
	return p
}

// known returns the test of ev if it has been seen before.
func (r *Record) known(ev *Event) *test {
	if t := r.last; t != nil && t.is(ev) {
		return t
	}
	p := r.pkg(ev)
	if p == nil {
		return nil
	}
	t := p.tests[string(r.bound(ev.Test))]
	if t != nil {
		r.last = t
	}
	return t
}

// is tells whether ev is about the test.
func (t *test) is(ev *Event) bool {
	return t.key == string(ev.Test) && t.pkg.path == string(ev.Package)
}

// test returns the test of ev, a new one if need be, or nil past the limits.
func (r *Record) test(ev *Event) *test {
	if t := r.known(ev); t != nil {
		return t
	}
	count, limit := &r.subs, r.limits.Subtests
	top := bytes.IndexByte(ev.Test, '/') < 0
	if top {
		count, limit = &r.top, r.limits.Tests
	}
	p := r.pkg(ev)
	if p == nil {
		return nil
	}
	if *count >= room(limit, ev) {
		r.anomalies.count(TooManyTests)
		return nil
	}
	*count++
	key := r.bound(ev.Test)
	t := &test{pkg: p, key: string(key), top: top, Test: Test{Package: valid([]byte(p.path)), Name: valid(key)}}
	p.tests[t.key] = t
	r.tests = append(r.tests, t)
	r.noteLong(ev.Test)
	r.last = t
	return t
}

// beyondOf returns where the frames of ev are counted that is past the limits.
func (r *Record) beyondOf(ev *Event) *Tally {
	if bytes.IndexByte(ev.Test, '/') >= 0 {
		return &r.beyondSubs
	}
	return &r.beyond
}

// adopt takes a test that fails, and of which no start is known, for one of those that started past the limits.
func (r *Record) adopt(t *test, ev *Event) {
	if b := r.beyondOf(ev); b.Started > b.Passed+b.Failed+b.Skipped {
		b.Started--
		t.Runs, t.open = 1, 1
	}
}

// room is the limit, and an eighth more for what failed, so that at least the first failure past the limit is kept.
func room(limit int, ev *Event) int {
	if ev.Action == ActionFail {
		return limit + limit/8 + 1
	}
	return limit
}

// bound returns name, or if that is too long its beginning and a hash, so that different names stay different.
func (r *Record) bound(name []byte) []byte {
	if len(name) <= r.limits.NameBytes {
		return name
	}
	sum := sha256.Sum256(name)
	end := "…" + hex.EncodeToString(sum[:8])
	head := name[:max(0, r.limits.NameBytes-len(end))]
	return append(bytes.Clone(head[:len(head)-partialRune(head)]), end...)
}

func (r *Record) noteLong(name []byte) {
	if len(name) > r.limits.NameBytes {
		r.anomalies.count(LongName)
	}
}

// isBenchmark tells whether name is that of a benchmark or of a part of one.
func isBenchmark(name []byte) bool { return isNamed(name, "Benchmark") }

// isNamed tells whether testing takes a function of that name for one of the kind: behind the prefix no lower-case letter follows.
func isNamed(name []byte, prefix string) bool {
	rest, ok := bytes.CutPrefix(name, []byte(prefix))
	if !ok || len(rest) == 0 {
		return ok
	}
	first, _ := utf8.DecodeRune(rest)
	return !unicode.IsLower(first)
}
