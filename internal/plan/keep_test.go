package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// untilKept lives until something is to be kept of the last item of a phase, and is what the operator sees then.
func (w *world) untilKept(phase string) (Observed, workload.Item) {
	w.t.Helper()
	for range 1000 {
		seen := w.observe()
		d := w.decide(seen)
		if w.listensAnew(d) {
			w.listen(d.Follow)
			seen = w.observe()
			d = w.decide(seen)
		}
		for _, k := range d.Keep {
			if k.As.Phase == phase && w.isLast(&d, k.As) {
				seen.Kept = map[workload.Item]*report.Phase{}
				for _, k := range d.Keep {
					seen.Kept[k.As] = &k.Phase
				}
				return seen, k.As
			}
		}
		wait := w.pass()
		switch {
		case w.wrote:
		case len(w.timers) > 0 && (wait == 0 || !w.timers[0].at.After(w.now.Add(wait))):
			w.ring()
		default:
			w.now = w.now.Add(wait)
		}
	}
	w.t.Fatalf("nothing of phase %s is kept\n%s", phase, w.said.String())
	return Observed{}, workload.Item{}
}

// isLast says whether an item is the last of its phase that has no outcome.
func (w *world) isLast(d *Decision, item workload.Item) bool {
	all := w.itemsOf(d.Status.Attempt, item.Phase)
	return len(all) < 2 || all[1] == key{item.Check, item.Node}
}

// endOf is how an item has ended by a decision: its phase, or what its phase says of it.
func endOf(d *Decision, item workload.Item) string {
	for _, p := range d.Status.Phases {
		if p.Name != item.Phase {
			continue
		}
		if p.FanOut == nil {
			return string(p.State) + " " + p.Reason + ": " + p.Message
		}
		for _, f := range p.FanOut.Failing {
			if f.Check == item.Check && f.Node == item.Node {
				return string(f.State) + " " + f.Reason + ": " + f.Message
			}
		}
		return items(p.FanOut)
	}
	return ""
}

// What was kept is the outcome, unless it is not what an operator kept of this run of the phase: then it is no proof, whatever it says.
func TestKeptEvidenceOfSomethingElseProvesNothing(t *testing.T) {
	const foreign = "Error EvidenceIncomplete: ConfigMap "
	one, nodes := goPhase("a"), goPhase("a", onNodes)
	pass, fail := runs("pass TestA", "skip TestB"), runs("fail TestA")
	tests := map[string]struct {
		phase  v1alpha1.Phase
		script script
		change func(*report.Phase)
		want   string
	}{
		"its own":          {one, pass, func(*report.Phase) {}, "Passed : 1 passed, 1 skipped"},
		"its own, skipped": {one, runs("skip TestA"), func(*report.Phase) {}, "Skipped NothingApplicable"},
		"its own failure":  {one, fail, func(*report.Phase) {}, "Failed TestsFailed"},
		"an error by which an earlier step had judged": {one, pass, func(p *report.Phase) {
			p.State, p.Reason, p.Message = v1alpha1.PhaseError, v1alpha1.ReasonRunTimeout, "so"
		}, "Error RunTimeout: so"},
		"such an error, and a failure was read": {one, fail, func(p *report.Phase) {
			p.State, p.Reason, p.Message = v1alpha1.PhaseError, v1alpha1.ReasonRunTimeout, "so"
		}, "Failed TestsFailed: 1 test failed: TestA"},
		"another failure, and one was read": {one, fail, func(p *report.Phase) { p.Message = "so" }, "Failed TestsFailed: so"},
		"a container's":                     {containerPhase("a"), pass, func(*report.Phase) {}, "Passed "},
		"another phase's":                   {one, pass, func(p *report.Phase) { p.Name = "b" }, foreign},
		"a check's":                         {one, pass, func(p *report.Phase) { p.Check = "x" }, foreign},
		"another Job's":                     {one, pass, func(p *report.Phase) { p.Job = "run-a-12345678" }, foreign},
		"no Job's":                          {one, pass, func(p *report.Phase) { p.Job = "" }, foreign},
		"one that goes on":                  {one, pass, func(p *report.Phase) { p.State = v1alpha1.PhaseRunning }, foreign},
		"one that never ran":                {one, pass, func(p *report.Phase) { p.State = v1alpha1.PhaseNotRun }, foreign},
		"nothing":                           {one, pass, func(p *report.Phase) { *p = report.Phase{} }, foreign},
		"no state":                          {one, pass, func(p *report.Phase) { p.State = "" }, foreign},
		"no state of ours":                  {one, pass, func(p *report.Phase) { p.State = "Fine" }, foreign},
		"no reason of ours":                 {one, pass, func(p *report.Phase) { p.Reason = long[:40] }, foreign},
		"a pass of nothing": {one, pass, func(p *report.Phase) {
			p.Summary = v1alpha1.Summary{}
		}, foreign},
		"a pass with a failure": {one, pass, func(p *report.Phase) { p.Summary.Failed = 1 }, foreign},
		"a pass with a failed test": {one, pass, func(p *report.Phase) {
			p.Tests[0].Status = verdict.Failed
		}, foreign},
		"a skip with an error": {one, runs("skip TestA"), func(p *report.Phase) { p.Summary.Errored = 1 }, foreign},
		"a pass, and a failure was read": {one, fail, func(p *report.Phase) {
			p.State, p.Summary, p.Tests = v1alpha1.PhasePassed, v1alpha1.Summary{Total: 1, Passed: 1}, nil
		}, "Failed TestsFailed: 1 test failed: TestA"},
		"another's, and a failure was read": {one, fail, func(p *report.Phase) {
			p.Name, p.State = "b", v1alpha1.PhasePassed
		}, "Failed TestsFailed: 1 test failed: TestA"},
		"its own on a node": {nodes, pass, func(*report.Phase) {}, "n2 is P"},
		"another node's":    {nodes, pass, func(p *report.Phase) { p.Node = "n1" }, foreign},
		"its own check's":   {apart("a", 1), three, func(*report.Phase) {}, "two is P"},
		"another check's":   {apart("a", 1), three, func(p *report.Phase) { p.Check = "one" }, foreign},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.phase)
			w.has("n1", "n2")
			w.scripts = map[string]script{"a": test.script}
			seen, item := w.untilKept("a")
			test.change(seen.Kept[item])
			d := w.decide(seen)
			got, want := endOf(&d, item), test.want
			if label, letter, ok := strings.Cut(want, " is "); ok {
				n := map[string]int{"n2": 1, "two": 1}[label]
				got, want = string(d.Status.Phases[len(d.Status.Phases)-1].FanOut.Outcomes[n]), letter
			}
			if !strings.HasPrefix(got, want) {
				t.Errorf("it is\n%s\nwant\n%s", got, want)
			}
			if strings.HasPrefix(want, foreign) && !strings.Contains(got, workload.EvidenceName(w.run, item)) {
				t.Errorf("nothing says which ConfigMap: %s", got)
			}
		})
	}
}

// What the operator evaluates itself it can evaluate again: no evidence is better than that.
func TestKeptEvidenceOfConstraintsIsHeldAgainstThem(t *testing.T) {
	unknown := server(">= 1.30")
	unknown.Name = "OS.release.ID"
	for want, c := range map[string]recipe.Constraint{
		"Passed : 1 constraint holds":          server(">= 1.30"),
		"Failed TestsFailed: 1 constraint":     server(">= 1.99"),
		"Error EvidenceIncomplete: ConfigMap ": unknown,
	} {
		w := newWorld(t)
		w.reads(recipe.Recipe{Constraints: []recipe.Constraint{c}})
		seen, item := w.untilKept("readiness")
		kept := seen.Kept[item]
		kept.State, kept.Reason, kept.Summary, kept.Tests = v1alpha1.PhasePassed, "", v1alpha1.Summary{Total: 1, Passed: 1}, nil
		if want[0] == 'P' {
			kept.Message = "1 constraint holds"
		}
		d := w.decide(seen)
		if got := endOf(&d, item); !strings.HasPrefix(got, want) {
			t.Errorf("it is\n%s\nwant\n%s", got, want)
		}
	}
}

// What was kept of an earlier step is what that could read. Where a failure was read since, nothing is retried, and nothing is foreign.
func TestAFailureOutweighsWhatWasKept(t *testing.T) {
	w := newWorld(t, goPhase("a", tries(1)))
	w.scripts = map[string]script{"a": runs("fail TestA")}
	seen, item := w.untilKept("a")
	kept := seen.Kept[item]
	kept.State, kept.Reason, kept.Message = v1alpha1.PhaseError, v1alpha1.ReasonNodeLost, "so"
	d := w.decide(seen)
	if p := d.Status.Phases[0]; p.State != v1alpha1.PhaseFailed || p.Retries != 0 || len(d.Keep[0].Phase.Notes) > 0 {
		t.Errorf("phase is %+v, with notes %q", p, d.Keep[0].Phase.Notes)
	}
}

// What is foreign is as good as lost, and what was lost is tried again where the phase allows it.
func TestKeptEvidenceOfSomethingElseIsRetried(t *testing.T) {
	w := newWorld(t, goPhase("a", tries(1)))
	w.scripts = map[string]script{"a": runs("pass TestA")}
	seen, item := w.untilKept("a")
	seen.Kept[item].Name = "b"
	d := w.decide(seen)
	if p := d.Status.Phases[0]; p.State != v1alpha1.PhaseRunning || p.Restarts != 1 || p.Retries != 1 || d.After > time.Minute {
		t.Errorf("phase is %+v", p)
	}
}
