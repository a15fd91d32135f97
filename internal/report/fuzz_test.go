package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// FuzzPack: whatever a check printed and however small the limits, each part keeps to them, each file is YAML, JSON or XML that reads back
// as what was written, no status is lost, nothing unproven looks like a success, and the same result gives the same parts.
func FuzzPack(f *testing.F) {
	for _, s := range []string{
		"", "\n", "\n\na\n\n", "  a\n b\n", "- a: b #c", "a:", "null", "No", "1e3", "\x00\x1b\x7f\xff", "a\r\nb\r", "\ta\t\n",
		"🚀\u2028x\u0085", "0x10", "2026-01-01", "<<", "]]>", "<a b='c'>&d;</a>", "<![CDATA[", "phase conformance",
		"---\n...\n", "|2+\n x", `"\`, "'", "&a *a !t %d @ `", "{a: b}", "[1]", "? x", "a\n ", "\ufeff", "~",
	} {
		f.Add(s, s, "x\n"+s, uint8(0), 0, 300)
		f.Add("Test", "a"+s+"\nb", s+"\n\n", uint8(0x9d), 3_000, 5_000)
	}
	f.Fuzz(func(t *testing.T, name, head, tail string, choice uint8, total, part int) {
		limits := Limits{Total: 1 + total&0xfffff, PartBytes: 2_000 + part&0xfffff}
		r := fuzzResult(name, head, tail, choice)
		for _, limits := range []Limits{{Total: 1 << 30, PartBytes: 1 << 30}, limits} {
			parts, err := Pack(r, "r", limits)
			if err != nil {
				continue // too small for even the statuses, and said so
			}
			got := checkParts(t, parts, r, limits)
			if limits.Total == 1<<30 {
				want := r.Phases[0] // whose names come from the API server, and are made inert at the end alone
				want.Node, want.Image, want.Earlier[0].Node, want.Earlier[0].Image = inert(name), inert(head), inert(name), inert(head)
				if diff := cmp.Diff(want, got.Phases[0]); diff != "" {
					t.Errorf("the phase changed (-want +got):\n%s", diff)
				}
			}
			again, err := Pack(r, "r", limits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parts, again); diff != "" {
				t.Errorf("made again it differs:\n%s", diff)
			}
		}
		for _, failure := range Failures(r.Phases) {
			if len(failure.Test) > NameBytes || len(failure.Message) > MessageBytes {
				t.Errorf("%+v is too long", failure)
			}
		}
	})
}

// fuzzResult is a result with the given texts wherever texts can be; choice says what came out.
func fuzzResult(name, head, tail string, choice uint8) Result {
	pick := func(n uint8) uint8 {
		i := choice % n
		choice /= n
		return i
	}
	states := []v1alpha1.PhaseState{v1alpha1.PhaseFailed, v1alpha1.PhasePassed, v1alpha1.PhaseError, v1alpha1.PhaseSkipped, v1alpha1.PhaseRunning}
	verdicts := []v1alpha1.Verdict{v1alpha1.VerdictFailed, v1alpha1.VerdictPassed, v1alpha1.VerdictCancelled, v1alpha1.VerdictSkipped}
	statuses := []verdict.Status{verdict.Error, verdict.Passed, verdict.Skipped}
	out := verdict.Outcome{
		State: states[pick(5)], Reason: name, Message: head, Notes: []string{tail},
		Tests: []verdict.Test{
			{Name: name, Package: tail, Status: verdict.Passed, Output: gotest.Output{Head: head}},
			{Name: "TestY", Status: statuses[pick(3)], Output: gotest.Output{Head: head, Tail: tail, Cut: 12}},
			{
				Name: head, Status: statuses[pick(3)], Reason: tail,
				Attributes: []gotest.Attribute{{Key: head, Value: tail}, {Key: name, Value: head}},
				Constraints: []gotest.Constraint{
					{Name: name, Expected: head, Actual: tail, Severity: gotest.SeverityWarning, Remediation: head},
					{Name: tail, Actual: head, Passed: choice%3 == 0, Severity: name, Remediation: tail},
				},
				Artifacts:   []gotest.Artifact{{Label: name, Data: []byte(head), Bytes: int64(len(head)), SHA256: tail}, {Label: tail, Bytes: 7}},
				Remediation: tail, SkipKind: gotest.SkipKind(name),
			},
		},
	}
	stream := gotest.Result{Lines: 1, Output: gotest.Output{Head: tail + head}, Anomalies: map[gotest.Anomaly]int64{"GluedLine": 2}}
	info := PhaseInfo{Name: "conformance", StartTime: start, Node: name, Image: head, LogGaps: []string{tail}}
	phase := NewPhase(info, out, stream)
	phase.Earlier, phase.Retries, phase.Flaky = []Phase{NewPhase(info, out, stream)}, 1, true
	r := Result{Run: Run{Name: "x", Trigger: tail}, Message: head, Verdict: verdicts[pick(4)], Phases: []Phase{phase}}
	if len(head)%2 == 0 {
		r.Phases = append(r.Phases, NotRun("later", name, tail))
	}
	raw := Phase{Name: "raw", State: v1alpha1.PhasePassed, Message: head, Node: tail, Tests: []Test{ // not made by NewPhase
		{Name: "TestRaw", Status: verdict.Passed, Reason: tail, Output: &Output{Text: head + tail}},
	}}
	item := NewPhase(PhaseInfo{Name: "merged", Node: tail}, out, stream)
	item.Check = head
	silent := Phase{Name: "merged", Node: name, State: states[choice%5], Message: tail, Output: &Output{Text: inert(head + tail)}}
	r.Phases = append(r.Phases, raw, Merge(Phase{Name: "merged", State: states[choice%5], Message: head}, []Phase{item, silent}))
	return r
}

// FuzzScalar: a string reads back as it was written, wherever it stands.
func FuzzScalar(f *testing.F) {
	f.Add("a: b")
	f.Fuzz(func(t *testing.T, text string) {
		type object struct {
			Value string            `json:"value"`
			Map   map[string]string `json:"map"`
			Items []object          `json:"items"`
			List  []string          `json:"list"`
		}
		text = inert(text)
		want := object{
			Value: text, Map: map[string]string{Clip(text, NameBytes): text, "z": text}, List: []string{text, "x", text},
			Items: []object{{Value: text, Items: []object{{Value: text, Map: map[string]string{}, Items: []object{}}, {Value: text}}}},
		}
		data, err := marshalYAML(want)
		if err != nil {
			t.Fatal(err)
		}
		var got object
		if err := yaml.Unmarshal(data, &got); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("it changed (-want +got):\n%s\n%s", diff, data)
		}
	})
}
