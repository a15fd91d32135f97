package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// FuzzEncode: whatever a check printed, the result is YAML, within its limit, that reads back as what was written, and no status
// is lost.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{
		"", "\n", "\n\na\n\n", "  a\n b\n", "- a: b #c", "a:", "null", "No", "1e3", "\x00\x1b\x7f\xff", "a\r\nb\r", "\ta\t\n",
		"🚀\u2028x\u0085", "0x10", "2026-01-01", "<<",
		"---\n...\n", "|2+\n x", `"\`, "'", "&a *a !t %d @ `", "{a: b}", "[1]", "? x", "a\n ", "\ufeff", "~",
	} {
		f.Add(s, s, "x\n"+s, 300)
		f.Add("Test", "a"+s+"\nb", s+"\n\n", 100_000)
	}
	f.Fuzz(func(t *testing.T, name, head, tail string, limit int) {
		limit = 200 + limit&0xfffff
		out := verdict.Outcome{
			State: v1alpha1.PhaseFailed, Reason: name, Message: head, Notes: []string{tail},
			Tests: []verdict.Test{
				{Name: name, Package: tail, Status: verdict.Passed, Output: gotest.Output{Head: head}},
				{Name: "TestY", Status: verdict.Failed, Output: gotest.Output{Head: head, Tail: tail, Cut: 12}},
				{
					Name: head, Status: verdict.Error, Reason: tail,
					Attributes: []gotest.Attribute{{Key: head, Value: tail}, {Key: name, Value: head}},
				},
			},
		}
		stream := gotest.Result{Lines: 1, Output: gotest.Output{Head: tail + head}, Anomalies: map[gotest.Anomaly]int64{"GluedLine": 2}}
		info := PhaseInfo{Name: "conformance", StartTime: start, Node: name, Image: head, LogGaps: []string{tail}}
		phase := NewPhase(info, out, stream)
		r := Result{Run: Run{Name: "x", Trigger: tail}, Message: head, Phases: []Phase{phase, NotRun("later", name, tail)}}

		whole, err := Encode(r, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		got := decode(t, whole)
		want := phase // whose names come from the API server, and are made inert at the end alone
		want.Node, want.Image = inert(want.Node), inert(want.Image)
		if diff := cmp.Diff(want, got.Phases[0]); diff != "" {
			t.Errorf("the phase changed (-want +got):\n%s", diff)
		}
		if got.Run.Trigger != inert(tail) || got.Message != inert(head) {
			t.Errorf("trigger and message are %q and %q", got.Run.Trigger, got.Message)
		}
		bounded, err := Encode(r, limit)
		if err != nil {
			return // too small for even the statuses, and said so
		}
		if bounded.Bytes > int64(limit) {
			t.Errorf("%d bytes, and the limit is %d", bounded.Bytes, limit)
		}
		if diff := cmp.Diff(statuses(r.Phases), statuses(decode(t, bounded).Phases)); diff != "" {
			t.Errorf("statuses changed (-want +got):\n%s", diff)
		}
		for _, failure := range Failures(r.Phases) {
			if len(failure.Test) > NameBytes || len(failure.Message) > MessageBytes {
				t.Errorf("%+v is too long", failure)
			}
		}
	})
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
