package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// printed is what a stream of this text shows, of a binary that still runs.
func printed(text string) (out gotest.Result) {
	stream := gotest.NewStream(gotest.DefaultLimits())
	_, _ = stream.Write([]byte(strings.ReplaceAll(text, "§", "\x16"))) // it never fails
	return stream.Result()
}

const (
	failingTest    = "§=== RUN   TestA\n§--- FAIL: TestA (0.00s)\n§=== RUN   TestB\n§--- FAIL: TestB (0.00s)\n§=== RUN   TestC\n"
	failingSubtest = "§=== RUN   TestA\n§=== RUN   TestA/sub\n§    --- FAIL: TestA/sub (0.00s)\n"
	fineSoFar      = "§=== RUN   TestA\n§--- PASS: TestA (0.00s)\n§=== RUN   TestB\n"
)

// hanging is a world whose one phase runs and hangs, as it is when all of its Jobs do.
func hanging(t *testing.T, phase v1alpha1.Phase) *world {
	t.Helper()
	w := newWorld(t, phase)
	w.has("n1", "n2", "n3")
	w.scripts = map[string]script{"a": runs("hang TestA")}
	for w.second() < 30 {
		wait := w.pass()
		switch {
		case w.wrote:
		case len(w.timers) > 0:
			w.ring()
		default:
			w.now = w.now.Add(wait)
		}
	}
	return w
}

// An attempt of which nobody can say any more what it validates ends by what is known. Status is written now and then, and knows of top-level
// tests alone: a failure that its logs show is one.
func TestWhatEndsBlindlyHasFailedIfALogSaysSo(t *testing.T) {
	type want struct {
		State  v1alpha1.PhaseState
		Failed int32
	}
	for name, test := range map[string]struct {
		text   string
		status int32 // how many have failed by status
		change func(*Job)
		one    want // of a phase of one Job
		many   want // of one on three nodes, of which the second shows this, and the first had a test that failed by status
	}{
		"a failure that status does not know of":      {failingTest, 0, nil, want{"Failed", 2}, want{"Failed", 3}},
		"one that status knows of":                    {failingTest, 2, nil, want{"Failed", 2}, want{"Failed", 3}},
		"one that only status knows of":               {fineSoFar, 2, nil, want{"Failed", 2}, want{"Failed", 3}},
		"that of a subtest":                           {failingSubtest, 0, nil, want{"Failed", 1}, want{"Failed", 2}},
		"none":                                        {fineSoFar, 0, nil, want{"NotRun", 0}, want{"Failed", 1}},
		"one that the termination message shows":      {fineSoFar, 0, func(j *Job) { j.Pods[0].Log.Witness = printed(failingTest) }, want{"Failed", 2}, want{"Failed", 3}},
		"one of another attempt":                      {failingTest, 0, func(j *Job) { j.Item.Attempt = 7 }, want{"NotRun", 0}, want{"Failed", 1}},
		"one of an earlier run, which was begun anew": {failingTest, 0, func(j *Job) { j.Item.Restart = 7 }, want{"NotRun", 0}, want{"Failed", 1}},
		"one of a Job that does not list":             {failingTest, 0, func(j *Job) { j.Item.Unlisted = true }, want{"Failed", 2}, want{"Failed", 3}},
		"one of a second pod":                         {failingTest, 0, func(j *Job) { j.Pods = append([]Pod{{Name: "x"}}, j.Pods...) }, want{"Failed", 2}, want{"Failed", 3}},
		"one of another phase":                        {failingTest, 0, func(j *Job) { j.Item.Phase = "x" }, want{"NotRun", 0}, want{"Failed", 1}},
		"one where the pod is gone":                   {failingTest, 0, func(j *Job) { j.Gone, j.Pods[0].Gone = true, true }, want{"Failed", 2}, want{"Failed", 3}},
		"one that nobody read, since there is no pod": {failingTest, 0, func(j *Job) { j.Pods = nil }, want{"NotRun", 0}, want{"Failed", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			shows := func(seen *Observed, node string) {
				for j := range seen.Jobs {
					if job := &seen.Jobs[j]; job.Item.Node == node {
						job.Pods[0].Log.Stream = printed(test.text)
						if test.change != nil {
							test.change(job)
						}
					}
				}
			}
			of := func(p *v1alpha1.PhaseStatus) want { return want{p.State, p.Summary.Failed} }

			// The copy of the spec is gone, and the spec has changed since.
			w := hanging(t, goPhase("a"))
			w.lose(workload.ComponentInput)
			w.retrigger("v2")
			w.run.Status.Phases[0].Summary = v1alpha1.Summary{Total: 5, Failed: test.status}
			seen := w.observe()
			shows(&seen, "")
			d := w.decide(seen)
			got := "NotRun"
			if d.Status.History[0].Verdict == v1alpha1.VerdictFailed {
				got = "Failed"
			}
			if got != string(test.one.State) || d.Status.History[0].Summary.Failed != test.one.Failed || d.Status.History[0].Summary.Total != 5 {
				t.Errorf("history has %+v, want %+v", d.Status.History[0], test.one)
			}

			// What was frozen of the nodes is gone.
			w = hanging(t, goPhase("a", onNodes, func(p *v1alpha1.Phase) { p.Parallelism = new(int32(2)) }))
			p := &w.run.Status.Phases[0]
			p.FanOut.Active[0].Summary = v1alpha1.Summary{Total: 5, Failed: 1}
			p.FanOut.Active[1].Summary = v1alpha1.Summary{Total: 5, Failed: test.status}
			p.Summary = v1alpha1.Summary{Total: 10, Failed: 1 + test.status}
			seen = w.observe()
			seen.Nodes = nil
			shows(&seen, "n2")
			d = w.decide(seen)
			if diff := cmp.Diff(test.many, of(&d.Status.Phases[0])); diff != "" {
				t.Errorf("a phase whose nodes are gone (-want +got)\n%s%s", diff, d.Status.Phases[0].Message)
			}

			// Both at once.
			w.lose(workload.ComponentInput)
			w.retrigger("v2")
			d = w.decide(func() Observed { o := w.observe(); shows(&o, "n2"); return o }())
			if h := d.Status.History[0]; h.Verdict != v1alpha1.VerdictFailed || h.Summary.Failed != test.many.Failed {
				t.Errorf("history has %+v, want %+v", h, test.many)
			}
		})
	}
}
