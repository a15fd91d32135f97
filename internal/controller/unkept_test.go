package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// quota refuses ConfigMaps for as long as it is full, and counts how often.
type quota struct{ refused, taken int }

func (q *quota) funcs(full *bool) interceptor.Funcs {
	return interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if _, ok := o.(*corev1.ConfigMap); ok && *full {
			q.refused++
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, o.GetName(), errors.New("exceeded quota: small"))
		}
		q.taken++
		return c.Create(ctx, o, opts...)
	}}
}

// itemised is a run whose phase a has one check on three nodes, all of which have passed, and whose phase b runs.
func itemised(run *v1alpha1.ValidationRun) {
	started(run)
	a := &run.Status.Phases[0]
	a.State, a.FanOut = v1alpha1.PhasePassed, &v1alpha1.FanOutStatus{Items: 3, Nodes: 3, Passed: 3, Outcomes: "PPP"}
	run.Status.Message = "phase b (2 of 2): due"
	run.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReconciling, Message: run.Status.Message}}
}

// on is the evidence of the item of phase a on a node.
func on(node string) []plan.Keeping {
	return []plan.Keeping{{As: workload.Item{Attempt: 1, Phase: "a", Node: node}, Phase: report.Phase{
		Name: "a", Node: node, State: v1alpha1.PhasePassed, Tests: []report.Test{{Name: "TestOn" + node, Status: verdict.Passed}},
	}}}
}

// testsOf are the tests of phase a as a result has them, and its notes.
func testsOf(t *testing.T, b *bench, run *v1alpha1.ValidationRun) (tests, notes []string) {
	t.Helper()
	phase, err := b.allRuns(t.Context(), run, plan.Decision{Status: run.Status}, &plan.Observed{}, run.Status.Phases[0], itemsBytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range phase.Tests {
		tests = append(tests, test.Name)
	}
	return tests, phase.Notes
}

func TestEvidenceThatIsRefusedIsHeldAndKeptLater(t *testing.T) {
	full, q := false, &quota{}
	b := newBench(t, q.funcs(&full), newRun(itemised))
	run := b.stored(t, newRun())
	keep := func(node string) {
		t.Helper()
		var seen plan.Observed
		if err := b.keep(t.Context(), run, on(node), &seen); err != nil || seen.Kept[on(node)[0].As] == nil {
			t.Fatalf("%v, %+v", err, seen.Kept)
		}
	}
	keep("n1")
	full = true
	keep("n2")
	keep("n3")

	var said []string
	look := func() time.Duration {
		d := plan.Decision{Status: *run.Status.DeepCopy()}
		wait := b.keepHeld(t.Context(), run, &d)
		if d.Status.Conditions[0].Message != d.Status.Message {
			t.Errorf("the condition says %q, and status %q", d.Status.Conditions[0].Message, d.Status.Message)
		}
		said = append(said, strings.TrimPrefix(d.Status.Message, "phase b (2 of 2): due"))
		return wait
	}
	wants := func(text string) {
		t.Helper()
		if last := said[len(said)-1]; text == "" && last != "" || !strings.Contains(last, text) {
			t.Errorf("status says %q, want %q", last, text)
		}
		want := []string{"TestOnn1", "TestOnn2", "TestOnn3"}
		if tests, notes := testsOf(t, b, run); !slices.Equal(tests, want) || len(notes) > 0 {
			t.Errorf("the result would have %v, and say %q", tests, notes)
		}
	}
	before := q.refused
	if wait := look(); wait != keepSoon {
		t.Errorf("the next look is in %s", wait)
	}
	wants("the evidence of 2 Jobs is in the operator's memory alone, and tried again (QuotaExceeded: creating ConfigMap")
	if q.refused != before {
		t.Error("it is tried at once again")
	}
	var waits []time.Duration
	for range 6 {
		b.clock.Step(look())
		waits = append(waits, look())
	}
	if diff := cmp.Diff([]time.Duration{4 * time.Second, 8 * time.Second, 16 * time.Second, keepLate, keepLate, keepLate}, waits); diff != "" {
		t.Errorf("it is tried again after (-want +got)\n%s", diff)
	}
	if q.refused != before+6 {
		t.Errorf("%d tries for six times, of which each stops at the first refusal", q.refused-before)
	}
	wants("of 2 Jobs")

	full = false
	b.clock.Step(keepLate)
	if wait := look(); wait != 0 {
		t.Errorf("with nothing left the next look is in %s", wait)
	}
	wants("")
	b.unkept.forget(client.ObjectKeyFromObject(run))
	wants("")
	if b.unkept.bytes != 0 {
		t.Errorf("%d bytes are held", b.unkept.bytes)
	}
}

// What is held is the outcome, as what is kept is: a pass that was cut off may not be told otherwise by a pod that is gone.
func TestWhatIsHeldIsTheOutcome(t *testing.T) {
	full := true
	b := newBench(t, (&quota{}).funcs(&full), newRun())
	run := b.stored(t, newRun())
	var first, again plan.Observed
	if err := b.keep(t.Context(), run, kept("3 passed"), &first); err != nil {
		t.Fatal(err)
	}
	full = false
	if err := b.keep(t.Context(), run, kept("the pod was deleted"), &again); err != nil {
		t.Fatal(err)
	}
	if again.Kept[itemKept].Message != "3 passed" {
		t.Errorf("the outcome is %+v", again.Kept[itemKept])
	}
	if p := evidenceOf(t, b); p.Message != "3 passed" {
		t.Errorf("the result would say %+v", p)
	}
}

// A failure that was read outweighs what is held, as it does what is kept: by then the log may have brought it.
func TestAFailureOutweighsWhatIsHeld(t *testing.T) {
	failed := kept("1 failed")
	failed[0].Phase.State = v1alpha1.PhaseFailed
	for i := range 20 { // so that it takes more room than what it outweighs
		failed[0].Phase.Tests = append(failed[0].Phase.Tests, report.Test{Name: fmt.Sprint("Test", i), Status: verdict.Failed})
	}
	lost := kept("the pod was deleted")
	lost[0].Phase.State = v1alpha1.PhaseError
	for _, test := range []struct {
		what           string
		first, again   []plan.Keeping
		refused, holds bool
		fill           int // how much of others' is held meanwhile
		want           string
	}{
		{"a failure that can be kept", lost, failed, false, false, 0, "1 failed"},
		{"a failure that is refused as well", lost, failed, true, true, 0, "1 failed"},
		{"a failure for which there is no room", lost, failed, true, false, maxUnkept, "1 failed"},
		{"what was held is a failure", failed, lost, false, true, 0, "1 failed"},
		{"another failure", failed, kept("2 failed"), false, true, 0, "1 failed"},
	} {
		t.Run(test.what, func(t *testing.T) {
			full := true
			b := newBench(t, (&quota{}).funcs(&full), newRun())
			run := b.stored(t, newRun())
			var first, again plan.Observed
			if err := b.keep(t.Context(), run, test.first, &first); err != nil || b.unkept.phase(run, itemKept) == nil {
				t.Fatalf("nothing is held, %v", err)
			}
			if test.fill > 0 {
				b.unkept.hold(run, workload.Item{Attempt: 1, Phase: "b"}, make([]byte, test.fill-b.unkept.bytes), plan.Block{}, epoch)
			}
			full = test.refused
			if err := b.keep(t.Context(), run, test.again, &again); err != nil {
				t.Fatal(err)
			}
			if got := again.Kept[itemKept]; got == nil || got.Message != test.want {
				t.Errorf("the outcome is %+v", got)
			}
			held := b.unkept.phase(run, itemKept)
			if holds := held != nil; holds != test.holds || holds && held.Message != test.want {
				t.Errorf("held is %+v", held)
			}
			said, err := b.keptEvidence(t.Context(), run, itemKept)
			if err != nil || said == nil && test.fill == 0 || said != nil && said.Message != test.want {
				t.Errorf("the result would say %+v, %v", said, err)
			}
		})
	}
}

// The same log comes to the same result, whether its evidence could be kept or not.
func TestWhatIsHeldIsBoundedAsWhatIsKept(t *testing.T) {
	loud := kept("1 passed")
	loud[0].Phase.Tests = []report.Test{{Name: "TestA", Status: verdict.Passed, Output: &report.Output{Text: strings.Repeat("a line\n", evidenceBytes/4)}}}
	var came []report.Phase
	for _, full := range []bool{false, true} {
		b := newBench(t, (&quota{}).funcs(&full), newRun())
		var seen plan.Observed
		if err := b.keep(t.Context(), b.stored(t, newRun()), loud, &seen); err != nil {
			t.Fatal(err)
		}
		came = append(came, *seen.Kept[itemKept])
	}
	if diff := cmp.Diff(came[0], came[1]); diff != "" || came[0].Tests[0].Output.CutBytes == 0 {
		t.Errorf("what was held is not as what was kept (-kept +held)\n%.1000s", diff)
	}
}

func TestWhatIsHeldIsBoundedAndLetGo(t *testing.T) {
	other := newRun(started, func(r *v1alpha1.ValidationRun) { r.Name, r.UID = "other", "other-uid" })
	run, u := newRun(started), &unkept{}
	item := func(n int) workload.Item { return workload.Item{Attempt: 1, Phase: "a", Node: fmt.Sprint(n)} }
	n := 0
	for n <= maxUnkept>>20 && u.hold(run, item(n), make([]byte, 1<<20), plan.Block{}, epoch) {
		n++
	}
	if n != maxUnkept>>20 {
		t.Errorf("%d MiB are held", n)
	}
	if u.hold(other, item(0), []byte("x"), plan.Block{}, epoch) {
		t.Error("there is room for another run's")
	}
	if !u.hold(run, item(0), make([]byte, 10), plan.Block{}, epoch) || u.bytes != (n-1)<<20+10 {
		t.Errorf("%d bytes are held after one was held anew", u.bytes)
	}
	for what, change := range map[string]func(*v1alpha1.ValidationRun){
		"the verdict":     func(r *v1alpha1.ValidationRun) { r.Status.Verdict = v1alpha1.VerdictPassed },
		"another attempt": func(r *v1alpha1.ValidationRun) { r.Status.Attempt = 2 },
	} {
		u := &unkept{}
		u.hold(run, item(1), []byte("x"), plan.Block{}, epoch)
		if u.settle(run); u.bytes != 1 {
			t.Errorf("what a run that goes on needs is let go before %s", what)
		}
		if u.settle(newRun(started, change)); u.bytes != 0 || len(u.of) != 0 {
			t.Errorf("after %s it is still held", what)
		}
	}
	if anew := newRun(started, func(r *v1alpha1.ValidationRun) { r.UID = "anew" }); u.phase(anew, item(1)) != nil || u.all(anew) != nil {
		t.Error("a run made anew has the evidence of the old one")
	}
}

// What is added to a message is seen behind any other, and the conditions that say the same go on to say it.
func TestSay(t *testing.T) {
	long := strings.Repeat("m", 2*report.MessageBytes)
	for _, tt := range []struct{ before, what, want string }{
		{"", "held", "held"},
		{"phase a: due", "held", "phase a: due; held"},
		{long, "held", report.Clip(long, report.MessageBytes-len("; held")) + "; held"},
		{"phase a: due", long, "phase a: due; " + report.Clip(long, report.MessageBytes/2)},
	} {
		status := v1alpha1.ValidationRunStatus{Message: tt.before, Conditions: []metav1.Condition{{Message: tt.before}, {Message: "another"}}}
		say(&status, tt.what)
		if status.Message != tt.want || len(status.Message) > report.MessageBytes {
			t.Errorf("%.20q and %.20q are %q, want %q", tt.before, tt.what, status.Message, tt.want)
		}
		if got := status.Conditions; got[0].Message != tt.want || got[1].Message != "another" {
			t.Errorf("%.20q and %.20q: the conditions say %q and %q", tt.before, tt.what, got[0].Message, got[1].Message)
		}
	}
}
