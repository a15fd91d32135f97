package gotest

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
)

// savedVersion tells one form of a saved stream from another: one of another version is not read.
const savedVersion = 2

// saved is a Stream on paper. Tests name their package by its path, and lists of tests are by their index.
type saved struct {
	Version int

	Partial   []byte
	Mid       bool
	Framing   Framing
	Current   []byte
	Depth     int
	Lines     int64
	Bytes     int64
	Decoding  tally
	Recording tally

	RecordFraming       Framing
	Frames              int64
	Packages            []savedPackage
	Tests               []savedTest
	Running, Relievable []int
	Outside             savedCapture
	Beyond              Tally
	BeyondSubtests      Tally
	BeyondPackages      bool
	Progress            Progress
	Panics              savedPanics
}

type savedPackage struct {
	Path       string
	Open, Ends int
	Worst      Outcome
	Doubt      *Event
}

type savedTest struct {
	Package, Key string
	Top          bool
	Open         int
	Out          savedCapture
	Framed       bool
	Reported     bool
	CouldNotRun  bool
	Line         savedLine
	Test         Test
}

// savedLine is the line of its package that a test is at.
type savedLine struct {
	Speaks, Mid bool
	Held        []byte
}

type savedCapture struct {
	Head, Tail []byte
	Dropped    int64
}

type savedPanics struct {
	State        int
	Package      string
	Found        Panic
	Creator      string
	Partial      bool
	Early        *Panic
	EarlyPresent bool
}

// Save writes down where the stream is, so that Restore can go on there. Of each text at most outputBytes are saved, its first and
// last ones, and what is left out is counted as cut; larger artifacts are saved without their data. So a save can be made as small as
// it has to be.
func (s *Stream) Save(outputBytes int) ([]byte, error) {
	d, r := s.decoder, s.record
	out := saved{
		Version: savedVersion,
		Partial: d.partial, Mid: d.mid, Framing: d.framing, Current: d.current, Depth: d.depth, Lines: d.lines, Bytes: d.bytes,
		Decoding: d.anomalies, Recording: r.anomalies,
		RecordFraming: r.framing, Frames: r.frames, Outside: r.outside.save(outputBytes), Beyond: r.beyond, BeyondPackages: r.beyondPkgs,
		BeyondSubtests: r.beyondSubs, Progress: r.progress, Panics: r.panics.save(),
	}
	for _, p := range r.packages {
		out.Packages = append(out.Packages, savedPackage{Path: p.path, Open: p.open, Ends: p.ends, Worst: p.worst, Doubt: p.doubt})
	}
	index := make(map[*test]int, len(r.tests))
	for i, t := range r.tests {
		index[t] = i
		out.Tests = append(out.Tests, t.save(outputBytes))
	}
	for _, t := range r.running {
		out.Running = append(out.Running, index[t])
	}
	for _, t := range r.relievable {
		out.Relievable = append(out.Relievable, index[t])
	}
	var text bytes.Buffer
	if err := gob.NewEncoder(&text).Encode(out); err != nil {
		return nil, fmt.Errorf("saving a stream: %w", err)
	}
	return text.Bytes(), nil
}

// Restore returns the stream that Save wrote down. Limits that are 0 have their default.
func Restore(limits Limits, data []byte) (*Stream, error) {
	var in saved
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&in); err != nil {
		return nil, fmt.Errorf("restoring a stream: %w", err)
	}
	if in.Version != savedVersion {
		return nil, fmt.Errorf("restoring a stream: it is of version %d, and this is version %d", in.Version, savedVersion)
	}
	s := NewStream(limits)
	d := s.decoder
	d.partial, d.mid, d.framing, d.current, d.depth = in.Partial, in.Mid, in.Framing, in.Current, in.Depth
	d.lines, d.bytes, d.anomalies = in.Lines, in.Bytes, in.Decoding
	if err := s.record.restore(&in); err != nil {
		return nil, fmt.Errorf("restoring a stream: %w", err)
	}
	return s, nil
}

func (r *Record) restore(in *saved) error {
	r.framing, r.frames, r.beyond, r.beyondPkgs, r.progress = in.RecordFraming, in.Frames, in.Beyond, in.BeyondPackages, in.Progress
	r.beyondSubs, r.anomalies, r.outside = in.BeyondSubtests, in.Recording, in.Outside.restore()
	r.panics = in.Panics.restore()
	for _, p := range in.Packages {
		r.packages[p.Path] = &pkg{path: p.Path, tests: map[string]*test{}, open: p.Open, ends: p.Ends, worst: p.Worst, doubt: p.Doubt}
		if p.Doubt != nil {
			r.doubted++
		}
	}
	for _, t := range in.Tests {
		p := r.packages[t.Package]
		if p == nil {
			return fmt.Errorf("test %q is of a package that is not there", t.Key)
		}
		restored := t.restore(p)
		p.tests[t.Key] = restored
		r.tests = append(r.tests, restored)
		r.charge(restored)
		if t.Top {
			r.top++
		} else {
			r.subs++
		}
	}
	var err error
	if r.running, err = r.testsAt(in.Running); err == nil {
		r.relievable, err = r.testsAt(in.Relievable)
	}
	return err
}

func (t *test) save(outputBytes int) savedTest {
	out := savedTest{
		Package: t.pkg.path, Key: t.key, Top: t.top, Open: t.open, Out: t.out.save(outputBytes),
		Framed: t.framed, Reported: t.reported, CouldNotRun: t.couldNotRun, Test: t.Test,
	}
	out.Test.Artifacts = artifactsWithin(t.Artifacts, outputBytes)
	if line := &t.pkg.line; line.test == t {
		out.Line = savedLine{Speaks: true, Mid: line.mid, Held: line.held}
	}
	return out
}

func (t *savedTest) restore(p *pkg) *test {
	out := &test{pkg: p, key: t.Key, top: t.Top, open: t.Open, out: t.Out.restore(), Test: t.Test}
	out.framed, out.reported, out.couldNotRun = t.Framed, t.Reported, t.CouldNotRun
	if t.Line.Speaks {
		p.line = speech{test: out, mid: t.Line.Mid, held: t.Line.Held}
	}
	return out
}

// charge counts what a restored test takes of the limits.
func (r *Record) charge(t *test) {
	r.stored += t.out.size() + len(t.Remediation)
	for _, a := range t.Attributes {
		r.stored += len(a.Key) + len(a.Value)
	}
	for _, c := range t.Constraints {
		r.constraints += c.size()
	}
	r.artifacts += len(t.Artifacts)
	for _, a := range t.Artifacts {
		r.artifactBytes += len(a.Data)
	}
	if line := &t.pkg.line; line.test == t {
		r.held += len(line.held)
	}
}

func (r *Record) testsAt(indices []int) (out []*test, err error) {
	for _, i := range indices {
		if i < 0 || i >= len(r.tests) {
			return nil, errors.New("it names a test that is not there")
		}
		out = append(out, r.tests[i])
	}
	return out, nil
}

func (c *capture) save(limit int) savedCapture {
	small := *c
	if small.size() > limit {
		small.shrink(limit, nil)
	}
	return savedCapture{Head: small.head, Tail: small.tail, Dropped: small.dropped}
}

func (s savedCapture) restore() capture {
	return capture{head: s.Head, tail: s.Tail, dropped: s.Dropped}
}

func (s *panicScan) save() savedPanics {
	out := savedPanics{State: int(s.state), Package: s.pkg, Found: s.found, Creator: s.creator, Partial: s.partial}
	if s.early != nil {
		// A pointer to a zero value would come back as none.
		out.Early, out.EarlyPresent = s.early, true
	}
	return out
}

func (s savedPanics) restore() panicScan {
	out := panicScan{state: panicState(s.State), pkg: s.Package, found: s.Found, creator: s.Creator, partial: s.Partial, early: s.Early}
	if s.EarlyPresent && out.early == nil {
		out.early = &Panic{}
	}
	return out
}
