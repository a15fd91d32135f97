package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// loud is the evidence of one test that printed much.
func loud(item workload.Item, state v1alpha1.PhaseState, bytes int) plan.Keeping {
	text := strings.Repeat("a line that the test has printed\n", bytes/33)
	return plan.Keeping{As: item, Phase: report.Phase{Name: item.Phase, Check: item.Check, Node: item.Node, State: state, Tests: []report.Test{
		{Name: "TestA", Status: verdict.Status(state), Output: &report.Output{Text: text}},
	}}}
}

func sizeOf(t *testing.T, v any) int {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// A phase that was retried again and again takes no more memory than one that was not, and what had to be cut for that says so.
func TestWhatAResultTakes(t *testing.T) {
	run := newRun(started)
	b := newBench(t, interceptor.Funcs{})
	const retries = 10
	for restart := range int32(retries + 1) {
		state := v1alpha1.PhaseError
		if restart == retries {
			state = v1alpha1.PhasePassed
		}
		k := loud(workload.Item{Attempt: 1, Phase: "a", Restart: restart}, state, evidenceBytes/10*9)
		if _, err := b.keepOne(t.Context(), run, &k, evidenceBytes); err != nil {
			t.Fatal(err)
		}
	}
	a := &run.Status.Phases[0]
	a.State, a.Retries, a.Restarts = v1alpha1.PhasePassed, retries, retries
	result, err := b.result(t.Context(), run, plan.Decision{Status: run.Status}, &plan.Observed{})
	if err != nil {
		t.Fatal(err)
	}
	p := result.Phases[0]
	if size := sizeOf(t, p); size > roomFor(2) || len(p.Earlier) != retries {
		t.Errorf("%d bytes of %d earlier runs", size, len(p.Earlier))
	}
	if first := p.Earlier[0].Tests[0].Output; first.CutBytes < 1<<20 || len(first.Text) < 1<<20 || p.Tests[0].Output.CutBytes != 0 {
		t.Errorf("of the first run %d bytes are left and %d are missing, of the last %d", len(first.Text), first.CutBytes, p.Tests[0].Output.CutBytes)
	}
	for phases := range 40 {
		if all := phases * roomFor(phases); all > resultBytes || roomFor(phases) > itemsBytes {
			t.Errorf("%d phases take %d bytes", phases, all)
		}
	}
}

// Of the items of a large phase no more is kept than a result has room for: to read all of it in one pass must not take longer than one may.
// What did not pass is kept whole as long as there is little of it, and a snapshot in any case, since it is put together from that.
func TestWhatIsKeptOfItems(t *testing.T) {
	large := func(failed int32) func(*v1alpha1.ValidationRun) {
		return func(run *v1alpha1.ValidationRun) {
			started(run)
			for i, name := range []string{"a", v1alpha1.PhaseSnapshot} {
				run.Status.Phases[i].Name = name
				run.Status.Phases[i].FanOut = &v1alpha1.FanOutStatus{Items: 2000, Failed: failed}
			}
		}
	}
	for _, test := range []struct {
		what   string
		phase  string
		state  v1alpha1.PhaseState
		failed int32
		beside int // so many others that failed end with it
		least  int
		most   int
	}{
		{"one that passed", "a", v1alpha1.PhasePassed, 0, 0, 100, itemsBytes / 2 / 2000},
		{"one that was skipped", "a", v1alpha1.PhaseSkipped, 0, 0, 4 << 10, itemsBytes / 2 / 2000},
		{"the first that failed", "a", v1alpha1.PhaseFailed, 0, 0, 1 << 20, 11 << 17},
		{"the hundredth that failed", "a", v1alpha1.PhaseFailed, 99, 0, 128 << 10, itemsBytes / 2 / 100},
		{"the hundredth that failed, at once with others", "a", v1alpha1.PhaseError, 89, 10, 128 << 10, itemsBytes / 2 / 100},
		{"a part of the snapshot", v1alpha1.PhaseSnapshot, v1alpha1.PhasePassed, 0, 0, 1 << 20, 11 << 17},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{}, newRun(large(test.failed)))
			run := b.stored(t, newRun())
			var what []plan.Keeping
			for n := range test.beside {
				what = append(what, loud(workload.Item{Attempt: 1, Phase: "a", Node: fmt.Sprint("n", n)}, v1alpha1.PhaseFailed, 1))
			}
			item := workload.Item{Attempt: 1, Phase: test.phase, Node: "last"}
			var seen plan.Observed
			if err := b.keep(t.Context(), run, append(what, loud(item, test.state, 1<<20)), &seen); err != nil {
				t.Fatal(err)
			}
			phase, err := report.DecodePhase(b.configMap(t, workload.EvidenceName(run, item)).BinaryData[evidenceKey])
			if err != nil {
				t.Fatal(err)
			}
			size, cut := sizeOf(t, phase), phase.Tests[0].Output.CutBytes
			if size < test.least || size > test.most || (cut > 0) != (test.most < 1<<20) {
				t.Errorf("%d bytes are kept, and %d are cut", size, cut)
			}
			if got := seen.Kept[item]; sizeOf(t, got) != size {
				t.Errorf("what counts is %d bytes, and what is kept %d", sizeOf(t, got), size)
			}
		})
	}
}
