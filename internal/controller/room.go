package controller

import (
	"slices"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// What evidence takes in memory, as JSON. A result holds less in the end.
const (
	// evidenceBytes bounds the evidence of one Job.
	evidenceBytes = 4 << 20
	// itemsBytes bounds the evidence of all runs of a phase. Half of it is for what did not pass.
	itemsBytes = 32 << 20
	// resultBytes bounds the evidence of all phases of an attempt.
	resultBytes = 64 << 20
	// leastItemBytes is the least that is left of the evidence of one Job, however many there are.
	leastItemBytes = 2 << 10
)

// roomFor is how much room each of so many phases has in a result.
func roomFor(phases int) int { return min(itemsBytes, resultBytes/max(1, phases)) }

// shareOf is how much of it each of so many Jobs has.
func shareOf(room int, jobs int32) int {
	return min(evidenceBytes, max(leastItemBytes, room/int(max(1, jobs))))
}

// roomToKeep is how much of the i-th of what is kept in one pass is kept: of an item no more than a result has room for, so that what was kept
// of thousands can be read in one pass. What did not pass has the more the less there is of it by then. A snapshot is put together from what
// is kept of it, and needs all of that.
func roomToKeep(run *v1alpha1.ValidationRun, what []plan.Keeping, i int) int {
	name := what[i].As.Phase
	k := slices.IndexFunc(run.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return p.Name == name })
	if k < 0 || run.Status.Phases[k].FanOut == nil || name == v1alpha1.PhaseSnapshot {
		return evidenceBytes
	}
	p := &run.Status.Phases[k]
	if !verdict.Stops(what[i].Phase.State) {
		return shareOf(itemsBytes/2, p.FanOut.Items)
	}
	bad := p.FanOut.Failed + p.FanOut.Errored + p.Retries
	for j := range what[:i+1] {
		if what[j].As.Phase == name && verdict.Stops(what[j].Phase.State) {
			bad++
		}
	}
	return shareOf(itemsBytes/2, bad)
}
