package gotest

import "slices"

// Progress returns how far the stream has come.
func (r *Record) Progress() Progress {
	p := r.progress
	for _, t := range r.tests {
		if t.top && t.done() && t.Outcome == Skip {
			p.Skipped++
		}
	}
	if n := len(r.running); n > 0 {
		p.Running = r.running[n-1].Name
	}
	return p
}

// Result returns what the events so far come to.
func (r *Record) Result() Result {
	res := Result{
		Framing:        r.framing,
		Tests:          make([]Test, 0, len(r.tests)),
		Beyond:         r.beyond,
		BeyondSubtests: r.beyondSubs,
		Overall:        r.overall(),
		Panic:          r.panics.result(),
		Output:         r.outside.output(r.limits.OutputBytes),
		Anomalies:      r.anomalies.copy(),
	}
	for _, t := range r.tests {
		res.Tests = append(res.Tests, t.snapshot(r.limits.OutputBytes))
	}
	return res
}

func (t *test) snapshot(limit int) Test {
	s := t.Test
	if t.open > 0 && s.Outcome != Fail {
		s.Outcome = Unended
	}
	out := t.out
	if line := &t.pkg.line; line.test == t && line.held != nil {
		out = capture{head: slices.Clone(out.head), tail: slices.Clone(out.tail), dropped: out.dropped}
		out.write(line.held, limit, nil)
	}
	s.Output = out.output(limit)
	if t.couldNotRun && (s.Outcome == Skip || s.Outcome == Unended) {
		s.SkipKind = SkipCouldNotRun
	}
	s.Attributes, s.Constraints, s.Artifacts = slices.Clone(s.Attributes), slices.Clone(s.Constraints), slices.Clone(s.Artifacts)
	return s
}

// overall is what the packages come to.
func (r *Record) overall() Outcome {
	fail, open, pass, skip := false, r.beyondPkgs, false, false
	for _, p := range r.packages {
		worst, left := p.worst, p.open
		if p.doubt != nil {
			worst, left = worse(worst, Outcome(p.doubt.Action)), left-1
		}
		fail = fail || worst == Fail
		open = open || left > 0
		pass = pass || worst == Pass
		skip = skip || worst == Skip
	}
	switch {
	case fail:
		return Fail
	case open:
		return Unended
	case pass:
		return Pass
	case skip:
		return Skip
	}
	return Unended
}

// reframe takes note that the stream, of which so many frames were read, is framed better than it looked. What its unmarked lines said
// before counts only where it said fail: a program that marks its frames prints no others, so that these were text.
func (r *Record) reframe(to Framing, frames int64) {
	from := r.framing
	if from == JSON || from == Marked && to == Unmarked {
		return
	}
	r.close()
	r.framing = to
	if from != Unmarked {
		return
	}
	r.anomalies.add(UnmarkedFrame, frames)
	r.panics = panicScan{}
	r.last, r.lastPkg, r.running, r.relievable = nil, nil, nil, nil
	r.top, r.subs, r.progress = 0, 0, Progress{Failures: r.progress.Failures}
	r.tests = slices.DeleteFunc(r.tests, func(t *test) bool { return !r.keepUnmarked(t) })
	for _, p := range r.packages {
		p.open, p.ends = 0, 0
		if p.worst != Fail {
			p.worst = Unended
		}
	}
}

// keepUnmarked keeps t if it failed, or else files what it printed under the output outside of tests.
func (r *Record) keepUnmarked(t *test) bool {
	if t.Outcome != Fail {
		delete(t.pkg.tests, t.key)
		r.stored -= t.out.size() + len(t.Remediation)
		r.forgetArtifacts(t)
		for _, c := range t.Constraints {
			r.constraints -= c.size()
		}
		r.outside.write(t.out.head, r.limits.OutputBytes, &r.spares)
		r.outside.write(t.out.tail, r.limits.OutputBytes, &r.spares)
		return false
	}
	t.open = 0
	if t.top {
		r.top++
		r.progress.Ended++
		r.progress.Failed++
	} else {
		r.subs++
	}
	return true
}
