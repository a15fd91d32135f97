package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// shortOutput is what long outputs are cut down to before anything else is tried.
const shortOutput = 512

// Bound returns the phase with no more than so many bytes of JSON, which is what it costs in memory once it is decoded: the
// output of earlier runs goes first, then that of passed tests, then the contents of artifacts, then long outputs lose their
// middle, then attributes and all output go, and at last the tests of earlier runs. What is left beyond that stays, whatever its
// size.
func (p Phase) Bound(limit int) Phase {
	fits := func(phases []Phase) bool {
		data, err := json.Marshal(phases[0])
		return err == nil && len(data) <= limit
	}
	kept, ok := shorten([]Phase{p}, fits)
	if !ok {
		kept, ok = strip(kept, fits)
	}
	if !ok {
		kept = withoutEarlierTests(kept)
	}
	return kept[0]
}

// WithoutTests is the last resort for a phase of which the names of the tests alone are too large to keep: the phase itself.
func (p Phase) WithoutTests() Phase {
	if len(p.Tests) > 0 {
		note := fmt.Sprintf("%d tests and subtests were left out: they are too large to keep", len(p.Tests))
		p.Notes = append(slices.Clone(p.Notes), note)
	}
	p.Tests, p.Output, p.Items = nil, nil, slices.Clone(p.Items)
	for i := range p.Items {
		p.Items[i].Output = nil
	}
	return withoutEarlierTests([]Phase{p})[0]
}

// withoutEarlierTests leaves of the earlier runs of phases that they were, and how they ended.
func withoutEarlierTests(phases []Phase) []Phase {
	phases = slices.Clone(phases)
	for i := range phases {
		phases[i].Earlier = slices.Clone(phases[i].Earlier)
		for j, run := range phases[i].Earlier {
			phases[i].Earlier[j] = run.WithoutTests()
		}
	}
	return phases
}

// hasEarlierTests says whether withoutEarlierTests leaves anything out.
func hasEarlierTests(phases []Phase) bool {
	return slices.ContainsFunc(phases, func(p Phase) bool {
		return slices.ContainsFunc(p.Earlier, func(run Phase) bool { return len(run.Tests) > 0 }) || hasEarlierTests(p.Earlier)
	})
}

// shorten drops the output of earlier runs and of passed tests and the contents of artifacts, and then cuts long outputs, as far
// as is needed and not below shortOutput.
func shorten(phases []Phase, fits func([]Phase) bool) ([]Phase, bool) {
	if fits(phases) {
		return phases, true
	}
	for _, drop := range []func(owner) bool{
		func(o owner) bool { return o.earlier },
		func(o owner) bool { return o.passed },
	} {
		phases = eachOutput(phases, func(of owner, o *Output) *Output {
			if drop(of) {
				return o.within(0)
			}
			return o
		})
		if fits(phases) {
			return phases, true
		}
	}
	phases = withoutArtifacts(phases)
	if fits(phases) {
		return phases, true
	}
	sizes := sizesBelow(longest(phases))
	i := sort.Search(len(sizes), func(i int) bool { return fits(outputsWithin(phases, sizes[i])) })
	if i == len(sizes) {
		return outputsWithin(phases, shortOutput), false
	}
	return outputsWithin(phases, sizes[i]), true
}

// strip drops attributes and then all output.
func strip(phases []Phase, fits func([]Phase) bool) ([]Phase, bool) {
	phases = withoutAttributes(phases)
	if fits(phases) {
		return phases, true
	}
	phases = outputsWithin(phases, 0)
	return phases, fits(phases)
}

// sizesBelow are the sizes to try for the longest output, each an eighth smaller than the one before: a search among them ends
// after half a dozen encodings, and wastes little of the limit.
func sizesBelow(size int) []int {
	var out []int
	for size -= size / 8; size > shortOutput; size -= size / 8 {
		out = append(out, size)
	}
	return append(out, shortOutput)
}

func longest(phases []Phase) int {
	n := 0
	eachOutput(phases, func(_ owner, o *Output) *Output {
		n = max(n, len(o.Text))
		return o
	})
	return n
}

func outputsWithin(phases []Phase, bytes int) []Phase {
	return eachOutput(phases, func(_ owner, o *Output) *Output { return o.within(bytes) })
}

// owner is what an output belongs to.
type owner struct {
	// passed says that the test, or the phase, passed.
	passed bool
	// earlier says that it is of an earlier run of its phase.
	earlier bool
}

// eachOutput returns copies of the phases with every output changed, the phases' own among them.
func eachOutput(phases []Phase, change func(owner, *Output) *Output) []Phase {
	return outputsOf(phases, false, change)
}

func outputsOf(phases []Phase, earlier bool, change func(owner, *Output) *Output) []Phase {
	phases = slices.Clone(phases)
	for i := range phases {
		p := &phases[i]
		if p.Output != nil {
			p.Output = change(owner{p.State == v1alpha1.PhasePassed, earlier}, p.Output)
		}
		p.Items = slices.Clone(p.Items)
		for j := range p.Items {
			if item := &p.Items[j]; item.Output != nil {
				item.Output = change(owner{item.State == v1alpha1.PhasePassed, earlier}, item.Output)
			}
		}
		p.Tests = slices.Clone(p.Tests)
		for j := range p.Tests {
			if t := &p.Tests[j]; t.Output != nil {
				t.Output = change(owner{t.Status == verdict.Passed, earlier}, t.Output)
			}
		}
		p.Earlier = outputsOf(p.Earlier, true, change)
	}
	return phases
}

// eachTest returns copies of the phases with every test changed.
func eachTest(phases []Phase, change func(*Test)) []Phase {
	phases = slices.Clone(phases)
	for i := range phases {
		p := &phases[i]
		p.Tests = slices.Clone(p.Tests)
		for j := range p.Tests {
			change(&p.Tests[j])
		}
		p.Earlier = eachTest(p.Earlier, change)
	}
	return phases
}

// omitted adds up what is missing, nil for nothing.
func omitted(phases []Phase) *Omitted {
	var sum Omitted
	eachOutput(phases, func(_ owner, o *Output) *Output {
		if o.CutBytes > 0 {
			sum.Outputs++
			sum.Bytes += o.CutBytes
		}
		return o
	})
	eachTest(phases, func(t *Test) {
		sum.Attributes += t.CutAttributes
		for _, a := range t.Artifacts {
			if a.DataOmitted {
				sum.Artifacts++
			}
		}
	})
	if sum == (Omitted{}) {
		return nil
	}
	return &sum
}
