package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// ItemOutcome is what came out of one Job of a phase that is made of many: of one check, on one node, or both.
type ItemOutcome struct {
	Check          string              `json:"check,omitempty"`
	Node           string              `json:"node,omitempty"`
	State          v1alpha1.PhaseState `json:"state"`
	Reason         string              `json:"reason,omitempty"`
	Message        string              `json:"message,omitempty"`
	StartTime      *time.Time          `json:"startTime,omitempty"`
	CompletionTime *time.Time          `json:"completionTime,omitempty"`
	Flaky          bool                `json:"flaky,omitempty"`
	Retries        int32               `json:"retries,omitempty"`
	Job            string              `json:"job,omitempty"`
	Pod            string              `json:"pod,omitempty"`
	ImageDigest    string              `json:"imageDigest,omitempty"`
	ExitCode       *int32              `json:"exitCode,omitempty"`
	// Output is what was printed outside of any test, where the item did not pass.
	Output *Output `json:"output,omitempty"`
}

// maxItemNotes is how many notes of items a phase keeps.
const maxItemNotes = 100

// Merge puts a phase together that many Jobs made. The frame says what came out of the whole; each item, with its Check or Node
// set, is what one Job left. All items are kept, and their tests know whose they are.
func Merge(frame Phase, items []Phase) Phase {
	p := frame
	p.Notes, p.Tests, p.Earlier = slices.Clone(p.Notes), slices.Clone(p.Tests), slices.Clone(p.Earlier)
	var notes []string
	for _, item := range items {
		p.Items = append(p.Items, newItem(item))
		for _, t := range item.Tests {
			t.Check, t.Node = line(item.Check), line(item.Node)
			p.Tests = append(p.Tests, t)
		}
		for _, run := range item.Earlier {
			run.Check, run.Node = item.Check, cmp.Or(run.Node, item.Node)
			p.Earlier = append(p.Earlier, run)
		}
		for _, note := range item.Notes {
			notes = append(notes, Clip(whose(item.Check, item.Node)+": "+note, MessageBytes))
		}
		p.count(item)
	}
	if more := len(notes) - maxItemNotes; more > 0 {
		notes = append(notes[:maxItemNotes], fmt.Sprintf("%d more notes", more))
	}
	p.Notes = append(p.Notes, notes...)
	return p
}

func newItem(p Phase) ItemOutcome {
	out := ItemOutcome{
		Check: line(p.Check), Node: line(p.Node), State: p.State, Reason: clipLine(p.Reason, reasonBytes), Message: Clip(p.Message, MessageBytes),
		StartTime: p.StartTime, CompletionTime: p.CompletionTime, Flaky: p.Flaky, Retries: p.Retries,
		Job: p.Job, Pod: p.Pod, ImageDigest: p.ImageDigest, ExitCode: p.ExitCode,
	}
	if !good(p.status()) {
		out.Output = p.Output
	}
	return out
}

// count adds what was counted of an item.
func (p *Phase) count(item Phase) {
	for class, n := range item.Anomalies {
		all := map[string]int64{class: n}
		for other, m := range p.Anomalies {
			all[other] += m
		}
		p.Anomalies = all
	}
	if item.Log == nil {
		return
	}
	log := Log{}
	if p.Log != nil {
		log = *p.Log
	}
	log.Lines, log.Bytes, log.Gaps = log.Lines+item.Log.Lines, log.Bytes+item.Log.Bytes, slices.Clone(log.Gaps)
	for _, gap := range item.Log.Gaps {
		if len(log.Gaps) < maxItemNotes {
			log.Gaps = append(log.Gaps, Clip(whose(item.Check, item.Node)+": "+gap, MessageBytes))
		}
	}
	p.Log = &log
}

// whose names an item, for a message.
func whose(check, node string) string {
	var out []string
	if check != "" {
		out = append(out, "check "+check)
	}
	if node != "" {
		out = append(out, "on "+node)
	}
	return strings.Join(out, " ")
}

// itemKey tells the items of a phase apart, and their tests.
type itemKey struct{ check, node string }

func (t Test) item() itemKey       { return itemKey{t.Check, t.Node} }
func (i ItemOutcome) key() itemKey { return itemKey{i.Check, i.Node} }
func (i ItemOutcome) phase() Phase {
	return Phase{State: i.State, StartTime: i.StartTime, CompletionTime: i.CompletionTime}
}
func (i ItemOutcome) title() string { return cmp.Or(i.Message, i.Reason, string(i.State)) }

// itemCases are the items as tests, those of which no test shows what came out.
func (p Phase) itemCases(cases []testCase) []testCase {
	shown, bad := map[itemKey]bool{}, map[itemKey]bool{}
	for _, c := range cases {
		shown[c.item()] = true
		bad[c.item()] = bad[c.item()] || c.bad()
	}
	var out []testCase
	for _, i := range p.Items {
		status := i.phase().status()
		if shown[i.key()] && (good(status) || bad[i.key()]) {
			continue
		}
		out = append(out, testCase{
			Test: Test{
				Name: strings.TrimSpace("phase " + p.Name + " " + whose(i.Check, i.Node)), Status: status, Reason: i.Reason,
				DurationSeconds: i.phase().duration().Seconds(), Output: i.Output, Check: i.Check, Node: i.Node,
			},
			raw: string(i.State), message: i.title(), title: i.title(), flaky: i.Flaky && status == verdict.Passed,
		})
	}
	return out
}

// ofItem tells whether an earlier run of a phase is one of the Job that a test is of. Where each check has a single Job, that may
// have been on any node.
func (p Phase) ofItem(run Phase, t Test) bool {
	if len(p.Items) == 0 {
		return true
	}
	return run.Check == t.Check && (run.Node == t.Node || !p.onNodes(t.Check))
}

// onNodes tells whether a check, or the whole phase, has a Job for each of several nodes, and not merely one that ran somewhere.
func (p Phase) onNodes(check string) bool {
	jobs := 0
	for _, i := range p.Items {
		if i.Check == check {
			jobs++
		}
	}
	return jobs > 1 || jobs == 1 && check == ""
}

// where tells apart the tests of the same name in a phase of many Jobs.
func (p Phase) where(t Test) []string {
	if p.onNodes(t.Check) {
		return nonEmpty(line(t.Check), line(t.Node))
	}
	return nonEmpty(line(t.Check))
}
