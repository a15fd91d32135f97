package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// settleFan counts the outcomes of a phase's items, and ends it where there is nothing left to come.
func (s *step) settleFan(i int, items []key) {
	p := &s.Status.Phases[i]
	f := p.FanOut
	if len(f.Active) == 0 && (s.ending != nil || s.overtime()) {
		f.Outcomes = strings.ReplaceAll(f.Outcomes, string(letterPending), string(letterNotRun))
	}
	f.NodesPassed = nodesPassed(f, items)
	if tally(f); strings.Contains(f.Outcomes, string(letterPending)) {
		s.restFan(p)
		return
	}
	s.endFan(p, s.whyErrored(f))
}

// abandon ends a phase whose items do not go on, for a reason that is none of theirs. What was proven of them stands.
func (s *step) abandon(i int, why Block) {
	p := &s.Status.Phases[i]
	s.recount(p)
	f, failed := p.FanOut, int32(0)
	for k := range f.Active {
		p.Summary = verdict.Sub(p.Summary, f.Active[k].Summary)
		failed += f.Active[k].Summary.Failed
	}
	f.Active, f.Outcomes = nil, strings.ReplaceAll(f.Outcomes, string(letterPending), string(letterNotRun))
	tally(f)
	s.endFan(p, why.Reason)
	p.Message = report.Clip(p.Message+": "+why.Message, report.MessageBytes)
	if failed > 0 && p.State != v1alpha1.PhaseFailed {
		p.State, p.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
		p.Message = report.Clip(fmt.Sprintf("%d failed; %s", failed, p.Message), report.MessageBytes)
		p.Summary.Total, p.Summary.Failed = p.Summary.Total+failed, p.Summary.Failed+failed
	}
}

// tally counts the outcomes of a phase's items.
func tally(f *v1alpha1.FanOutStatus) {
	count := func(letter byte) int32 { return int32(strings.Count(f.Outcomes, string(letter))) }
	f.Passed, f.Failed, f.Skipped = count(letterPassed), count(letterFailed), count(letterSkipped)
	f.Errored = count(letterError) + count(letterNotRun)
}

// endFan gives a phase whose items have ended its outcome. Of one with items that are not proven it has the reason.
func (s *step) endFan(p *v1alpha1.PhaseStatus, reason string) {
	f := p.FanOut
	p.CompletionTime, p.Running = s.time(), ""
	p.Reason, p.Message = "", ""
	switch {
	case f.Failed > 0:
		p.State, p.Reason = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed
	case f.Errored > 0:
		p.State, p.Reason = v1alpha1.PhaseError, reason
		if int(f.Errored) == strings.Count(f.Outcomes, string(letterNotRun)) && f.Passed+f.Skipped == 0 {
			p.State = v1alpha1.PhaseNotRun
		}
	case f.Passed > 0, f.Items == 0 && p.Name == v1alpha1.PhasePreflight:
		p.State = v1alpha1.PhasePassed
	default:
		p.State, p.Reason = v1alpha1.PhaseSkipped, v1alpha1.ReasonNothingApplicable
	}
	p.Flaky = p.Flaky && p.State == v1alpha1.PhasePassed
	if p.State != v1alpha1.PhasePassed || f.Items > 1 || f.Nodes > 0 {
		p.Message = report.Clip(s.summarizeFan(p.Name, f), report.MessageBytes)
	}
}

// restFan has a phase wait whose items all do, for the run to be resumed.
func (s *step) restFan(p *v1alpha1.PhaseStatus) {
	if !s.wish.Suspend || s.ending != nil {
		return
	}
	for k := range p.FanOut.Active {
		if p.FanOut.Active[k].State == v1alpha1.PhaseRunning {
			return
		}
	}
	p.State, p.Reason, p.Message = v1alpha1.PhasePending, "", ""
}

// whyErrored is the reason of a phase of which items are not proven: that of the attempt's end where it cut one of them short, otherwise
// that of the first item.
func (s *step) whyErrored(f *v1alpha1.FanOutStatus) string {
	cut := func(item v1alpha1.ItemFailure) bool { return item.Reason == s.ending.Reason }
	switch {
	case s.ending != nil && (strings.IndexByte(f.Outcomes, letterNotRun) >= 0 || slices.ContainsFunc(f.Failing, cut)):
		return s.ending.Reason
	case len(f.Failing) > 0:
		return f.Failing[0].Reason
	}
	return v1alpha1.ReasonRunTimeout
}

// nodesPassed counts the nodes on which every check passed, or was not applicable.
func nodesPassed(f *v1alpha1.FanOutStatus, items []key) (n int32) {
	if f.Nodes == 0 {
		return 0
	}
	passed := map[string]bool{}
	for k, item := range items {
		if k >= len(f.Outcomes) || item.node == "" {
			continue
		}
		good := f.Outcomes[k] == letterPassed || f.Outcomes[k] == letterSkipped
		before, seen := passed[item.node]
		passed[item.node] = good && (before || !seen)
	}
	for _, good := range passed {
		if good {
			n++
		}
	}
	return n
}

// summarizeFan says in one line how the items came out, and names those that did not pass.
func (s *step) summarizeFan(phase string, f *v1alpha1.FanOutStatus) string {
	var b strings.Builder
	switch {
	case phase == v1alpha1.PhasePreflight:
		fmt.Fprintf(&b, "%d of %d test binaries have the checks that are named", f.Passed, f.Items)
	case f.Nodes > 0 && f.MatchingNodes > f.Nodes:
		fmt.Fprintf(&b, "%d of %d nodes passed, of %d that match", f.NodesPassed, f.Nodes, f.MatchingNodes)
	case f.Nodes > 0:
		fmt.Fprintf(&b, "%d of %d nodes passed", f.NodesPassed, f.Nodes)
	case s.wholesale(phase):
		fmt.Fprintf(&b, "tests and constraints: %d of %d passed", f.Passed, f.Items)
	default:
		fmt.Fprintf(&b, "%d of %d checks passed", f.Passed, f.Items)
	}
	if f.Skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped", f.Skipped)
	}
	if left := strings.Count(f.Outcomes, string(letterNotRun)); left > 0 {
		fmt.Fprintf(&b, ", %d not run", left)
		if s.ending != nil {
			b.WriteString(" (" + s.ending.Message + ")")
		}
	}
	if wrong := s.wrongInPreflight(); phase == v1alpha1.PhasePreflight && wrong != "" {
		return wrong
	}
	for _, item := range f.Failing {
		fmt.Fprintf(&b, "; %s %s", cmp.Or(key{item.Check, item.Node}.String(), "the tests"), item.State)
		if item.State == v1alpha1.PhaseError {
			fmt.Fprintf(&b, " (%s)", item.Reason)
		}
		if len(f.Failing) <= 3 && item.Message != "" {
			b.WriteString(": " + item.Message)
		}
	}
	if more := int(f.Failed+f.Errored) - len(f.Failing) - strings.Count(f.Outcomes, string(letterNotRun)); more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// ItemStates are what the items of a phase came to, by what status says of it: those that did not run are NotRun. It is nil where nobody
// can say any more which outcome is whose.
func ItemStates(run *v1alpha1.ValidationRun, seen Observed, p *v1alpha1.PhaseStatus) map[workload.Item]v1alpha1.PhaseState {
	s := newStep(run, seen, time.Time{})
	i := slices.IndexFunc(s.stages, func(st stage) bool { return st.Name == p.Name })
	if i < 0 || p.FanOut == nil || !s.stages[i].fans() {
		return nil
	}
	items := s.items(&s.stages[i])
	if len(items) != len(p.FanOut.Outcomes) {
		return nil
	}
	out := make(map[workload.Item]v1alpha1.PhaseState, len(items))
	for n, item := range items {
		state := v1alpha1.PhaseNotRun
		for _, ended := range []v1alpha1.PhaseState{v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseError, v1alpha1.PhaseSkipped} {
			if p.FanOut.Outcomes[n] == letterOf(ended) {
				state = ended
			}
		}
		out[workload.Item{Attempt: run.Status.Attempt, Phase: p.Name, Check: item.check, Node: item.node}] = state
	}
	return out
}

// wholesale tells whether a phase has all its tests in one Job, beside the constraints of the recipe.
func (s *step) wholesale(phase string) bool {
	return slices.ContainsFunc(s.stages, func(st stage) bool {
		return st.Name == phase && len(st.constraints) > 0 && st.Isolation != v1alpha1.IsolationCheck
	})
}

// wrongInPreflight is what is wrong with the checks that are named, in the words of those failures that status has room for: what it says
// of an item is too short to list the checks that there are.
func (s *step) wrongInPreflight() string {
	var wrong []string
	for _, f := range s.Status.Failures {
		if f.Phase == v1alpha1.PhasePreflight {
			wrong = append(wrong, f.Message)
		}
	}
	return strings.Join(wrong, "; ")
}

// String is the item as a message names it.
func (k key) String() string {
	switch {
	case k.node == "":
		return k.check
	case k.check == "":
		return k.node
	}
	return k.check + " on " + k.node
}
