package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// maxItems bounds the items of a phase: status has a letter for each.
	maxItems = 2000
	// maxActive bounds the items of all phases that run at a time: status says of each where it is.
	maxActive = 64
	// maxFailing is how many items that did not pass status names, of all phases.
	maxFailing = 20
	// itemBytes bounds what status says of one item.
	itemBytes = 128
)

// The letters of FanOutStatus.Outcomes.
const (
	letterPending = '.'
	letterPassed  = 'P'
	letterFailed  = 'F'
	letterError   = 'E'
	letterSkipped = 'S'
	letterNotRun  = 'N'
)

func letterOf(state v1alpha1.PhaseState) byte {
	switch state {
	case v1alpha1.PhasePassed:
		return letterPassed
	case v1alpha1.PhaseFailed:
		return letterFailed
	case v1alpha1.PhaseSkipped:
		return letterSkipped
	case v1alpha1.PhaseNotRun:
		return letterNotRun
	case v1alpha1.PhaseError, v1alpha1.PhasePending, v1alpha1.PhaseRunning:
		return letterError
	}
	return letterError
}

// Node is a node that a phase runs on.
type Node struct {
	Name string `json:"name"`
	// Cordoned and NotReady are why it could not be validated when the phase began.
	Cordoned bool `json:"cordoned,omitempty"`
	NotReady bool `json:"notReady,omitempty"`
}

// Nodes are those that a phase runs on, as they were frozen when it began, by name.
type Nodes struct {
	// Matching is how many there were to choose from.
	Matching int    `json:"matching"`
	Nodes    []Node `json:"nodes"`
}

// fans says whether a phase has several Jobs.
func (st *stage) fans() bool {
	return st.Name == v1alpha1.PhasePreflight || st.Nodes != nil || st.Isolation == v1alpha1.IsolationCheck ||
		len(st.constraints) > 0 && (st.GoTest != nil || st.Container != nil)
}

// key is one item of a phase: a check, a node, a check on a node.
type key struct{ check, node string }

// items are the items of a phase, in the order of its outcomes: check by check, so that two checks seldom meet on one node.
func (s *step) items(st *stage) (out []key) {
	if st.Name == v1alpha1.PhasePreflight {
		for _, a := range st.asks {
			out = append(out, key{check: a.name})
		}
		return out
	}
	if len(st.constraints) > 0 {
		out = append(out, key{check: constraintsItem})
		if st.GoTest == nil && st.Container == nil {
			return out
		}
	}
	checks, nodes := []string{""}, []Node{{}}
	if st.Isolation == v1alpha1.IsolationCheck {
		checks = st.GoTest.Checks
	}
	if st.Nodes != nil {
		nodes = s.seen.Nodes[st.Name].Nodes
	}
	for _, check := range checks {
		for _, node := range nodes {
			out = append(out, key{check: check, node: node.Name})
		}
	}
	return out
}

// fan takes a phase of several Jobs a step further: it begins as many items as may run at a time, takes each that runs a step further, and
// ends with the last of them.
func (s *step) fan(i int, on func(*unit)) *Block {
	whole := s.unit(i)
	if whole.status.FanOut == nil && !whole.spread() {
		whole.collect()
		return whole.waiting
	}
	f, st, p := whole.status.FanOut, whole.stage, whole.status
	if p.State.Ended() {
		return nil
	}
	items, ended := s.items(st), p.Summary
	if !st.fans() || len(items) != len(f.Outcomes) {
		s.abandon(i, Block{
			Reason: v1alpha1.ReasonInputMissing, Message: "what the attempt froze of its recipe or its nodes is gone: request a rerun",
		})
		return nil
	}
	p.Reason, p.Message, p.Running = "", "", ""
	for k := range f.Active {
		ended = verdict.Sub(ended, f.Active[k].Summary)
	}
	s.launch(st, f, items)
	var waiting *Block
	waits, active := 0, f.Active[:0]
	for k := range f.Active {
		item := f.Active[k]
		u := s.itemUnit(st, p, item)
		if item.State != v1alpha1.PhasePending {
			on(u)
		} else if s.ending != nil {
			u.notRun(Block{Reason: s.ending.Reason, Message: s.ending.Message})
		}
		u.collect()
		if u.status.State.Ended() {
			ended = verdict.Add(ended, u.status.Summary)
			s.record(f, items, item, u.status)
			p.Flaky = p.Flaky || u.status.Flaky
		} else {
			active = append(active, u.itemStatus(item))
		}
		if p.Retries += u.status.Retries - item.Retries; u.waiting != nil {
			waits, waiting = waits+1, u.waiting
		}
	}
	f.Active = active
	p.Summary = ended
	for k := range f.Active {
		p.Summary = verdict.Add(p.Summary, f.Active[k].Summary)
		p.Running = cmp.Or(p.Running, f.Active[k].Running)
	}
	switch {
	case waits == 0 || waits < len(f.Active):
		waiting = nil
	case waiting.Reason != v1alpha1.ReasonRunning: // that logs are read to their end is no reason to wait for anything
		p.Reason, p.Message = waiting.Reason, report.Clip(waiting.Message, report.MessageBytes)
	}
	s.settleFan(i, items)
	return waiting
}

// launch begins items for which there is room.
func (s *step) launch(st *stage, f *v1alpha1.FanOutStatus, items []key) {
	for k := range f.Active {
		if a := &f.Active[k]; a.State == v1alpha1.PhasePending && !s.wish.Suspend && s.ending == nil {
			a.State, a.StartTime = v1alpha1.PhaseRunning, s.time()
		}
	}
	if s.wish.Suspend || s.ending != nil || s.overtime() {
		return
	}
	for n, item := range items {
		if len(f.Active) >= int(*st.Parallelism) || s.activeItems() >= maxActive {
			return
		}
		if n >= len(f.Outcomes) || f.Outcomes[n] != letterPending || isActive(f, item) {
			continue
		}
		f.Active = append(f.Active, v1alpha1.ItemStatus{
			Check: item.check, Node: item.node, State: v1alpha1.PhaseRunning, StartTime: s.time(),
		})
	}
}

// isActive says whether an item is among those that run.
func isActive(f *v1alpha1.FanOutStatus, item key) bool {
	return slices.ContainsFunc(f.Active, func(a v1alpha1.ItemStatus) bool { return a.Check == item.check && a.Node == item.node })
}

func (s *step) activeItems() (n int) {
	for i := range s.Status.Phases {
		if f := s.Status.Phases[i].FanOut; f != nil {
			n += len(f.Active)
		}
	}
	return n
}

// itemUnit is an item as a unit of its own.
func (s *step) itemUnit(st *stage, p *v1alpha1.PhaseStatus, item v1alpha1.ItemStatus) *unit {
	u := &unit{step: s, stage: st, check: item.Check, node: item.Node, phase: st.part(item.Check)}
	u.status = &v1alpha1.PhaseStatus{
		Name: p.Name, State: item.State, Reason: item.Reason, Message: item.Message, Restarts: item.Restarts, Retries: item.Retries,
		Jobs: item.Jobs, StartTime: item.StartTime, Summary: item.Summary, Running: item.Running,
	}
	return u
}

// part is what one item of a phase runs.
func (st *stage) part(check string) *v1alpha1.Phase {
	for i := range st.asks {
		if st.asks[i].name == check {
			return &st.asks[i].binary
		}
	}
	p := st.DeepCopy()
	if check != "" && st.Isolation == v1alpha1.IsolationCheck && p.GoTest != nil {
		p.GoTest.Checks, p.GoTest.Run = []string{check}, gotest.CheckPattern([]string{check})
	}
	return p
}

// itemStatus is what status says of an item that has not ended.
func (u *unit) itemStatus(item v1alpha1.ItemStatus) v1alpha1.ItemStatus {
	s := u.status
	return v1alpha1.ItemStatus{
		Check: item.Check, Node: item.Node, State: s.State, Reason: s.Reason, Message: report.Clip(s.Message, itemBytes),
		Restarts: s.Restarts, Retries: s.Retries, Jobs: s.Jobs[max(0, len(s.Jobs)-2):], StartTime: s.StartTime,
		Summary: s.Summary, Running: report.Clip(s.Running, itemBytes),
	}
}

// record enters the outcome of an item.
func (s *step) record(f *v1alpha1.FanOutStatus, items []key, item v1alpha1.ItemStatus, out *v1alpha1.PhaseStatus) {
	n := slices.Index(items, key{item.Check, item.Node})
	if n < 0 || n >= len(f.Outcomes) {
		return
	}
	outcomes := []byte(f.Outcomes)
	outcomes[n] = letterOf(out.State)
	f.Outcomes = string(outcomes)
	if !verdict.Stops(out.State) {
		return
	}
	f.Failing = append(f.Failing, v1alpha1.ItemFailure{
		Check: item.Check, Node: item.Node, State: out.State, Reason: out.Reason, Message: report.Clip(out.Message, itemBytes),
	})
	// Proven failures come first: they are what has to be mended.
	slices.SortStableFunc(f.Failing, func(a, b v1alpha1.ItemFailure) int {
		rank := func(i v1alpha1.ItemFailure) int { return strings.Index("Failed Error", string(i.State)) }
		return rank(a) - rank(b)
	})
	s.boundFailing()
}

// boundFailing leaves out the last of the items that did not pass, of the phase that names most of them, until there is room for the rest:
// so each phase that is in error has one that says why.
func (s *step) boundFailing() {
	for {
		var most *v1alpha1.FanOutStatus
		all := 0
		for i := range s.Status.Phases {
			f := s.Status.Phases[i].FanOut
			if f == nil {
				continue
			}
			if all += len(f.Failing); most == nil || len(f.Failing) > len(most.Failing) {
				most = f
			}
		}
		if all <= maxFailing {
			return
		}
		most.Failing = most.Failing[:len(most.Failing)-1]
	}
}

// counting is which run of an item counts, where it runs.
func counting(f *v1alpha1.FanOutStatus, item workload.Item) (restarts int32, runs bool) {
	for k := range f.Active {
		if a := &f.Active[k]; a.Check == item.Check && a.Node == item.Node {
			return a.Restarts, true
		}
	}
	return 0, false
}
