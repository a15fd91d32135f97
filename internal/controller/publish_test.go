package controller

import (
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// next is a decision that changes status as told.
func next(run *v1alpha1.ValidationRun, after time.Duration, change func(*status)) plan.Decision {
	d := plan.Decision{Status: *run.Status.DeepCopy(), After: after, Finalizer: true}
	change(&d.Status)
	return d
}

func progress(test string) func(*status) {
	return func(s *status) { s.Phases[0].Running, s.Message = test, "running "+test }
}

func TestPublishWritesProgressEveryTenSeconds(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun(started))
	run := b.stored(t, newRun())
	publish := func(change func(*status), after time.Duration) time.Duration {
		t.Helper()
		wait, err := b.publish(t.Context(), run, next(run, after, change))
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	shown := func() string { return b.stored(t, run).Status.Phases[0].Running }

	publish(progress("TestA"), time.Minute)
	if got := shown(); got != "TestA" {
		t.Fatalf("the first progress shows as %q", got)
	}
	b.clock.Step(4 * time.Second)
	if wait := publish(progress("TestB"), time.Minute); shown() != "TestA" || wait != 6*time.Second {
		t.Errorf("4s later %q shows, and the next look is in %s", shown(), wait)
	}
	if wait := publish(progress("TestB"), 2*time.Second); wait != 2*time.Second {
		t.Errorf("what is due in 2s is looked at in %s", wait)
	}
	if wait := publish(progress("TestB"), 0); wait != 6*time.Second {
		t.Errorf("with nothing else due the next look is in %s", wait)
	}
	publish(func(s *status) { s.Phases[0].Reason = v1alpha1.ReasonUnschedulable }, 0)
	if got := b.stored(t, run).Status.Phases[0].Reason; got != v1alpha1.ReasonUnschedulable {
		t.Errorf("what is no progress waits: reason is %q", got)
	}
	b.clock.Step(10 * time.Second)
	publish(progress("TestC"), 0)
	if got := shown(); got != "TestC" {
		t.Errorf("10s later %q shows", got)
	}
}

func TestPublishWritesNothingWhereNothingChanged(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun(started))
	run := b.stored(t, newRun())
	before := run.ResourceVersion
	if wait, err := b.publish(t.Context(), run, next(run, time.Minute, func(*status) {})); err != nil || wait != time.Minute {
		t.Errorf("%s, %v", wait, err)
	}
	if after := b.stored(t, run).ResourceVersion; after != before {
		t.Errorf("resourceVersion went from %s to %s", before, after)
	}
}

func TestPublishOfAStaleRunLosesAndTellsNobody(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun(started))
	run := b.stored(t, newRun())
	other := run.DeepCopy()
	other.Labels = map[string]string{"edited": "meanwhile"}
	if err := b.Client.Update(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	_, err := b.publish(t.Context(), run, next(run, 0, func(s *status) { s.Phases[0].State = v1alpha1.PhasePassed }))
	if !errors.Is(err, errStale) {
		t.Errorf("the error is %v", err)
	}
	if got := b.stored(t, run).Status.Phases[0].State; got != v1alpha1.PhaseRunning {
		t.Errorf("phase a is %s", got)
	}
	if told := b.told(); len(told) > 0 {
		t.Errorf("events of what was not written: %v", told)
	}
}

func TestPublishTellsAfterItHasWritten(t *testing.T) {
	b := newBench(t, interceptor.Funcs{}, newRun(started))
	run := b.stored(t, newRun())
	if _, err := b.publish(t.Context(), run, next(run, 0, func(s *status) { s.Phases[0].State = v1alpha1.PhasePassed })); err != nil {
		t.Fatal(err)
	}
	if told := b.told(); !slices.Equal(told, []string{"Normal PhasePassed Phase a is Passed"}) {
		t.Errorf("events are %v", told)
	}
}

// What was read of a log stays until status holds what it came to: the pod may be gone when the next pass would read it again.
func TestALogIsKeptUntilStatusHoldsItsOutcome(t *testing.T) {
	listless := func(run *v1alpha1.ValidationRun) {
		one := int32(1)
		run.Spec.Phases[0] = v1alpha1.Phase{Name: "a", GoTest: &v1alpha1.GoTest{Package: "./a", Manifest: v1alpha1.ManifestNever, ExpectedTests: &one}}
		run.Spec.SetDefaults()
		started(run)
	}
	job, pod := jobOf(t, newRun(listless)), podOf(t, newRun(listless))
	b := newBench(t, interceptor.Funcs{}, newRun(listless), job, pod)
	b.logs.text[pod.Name+"/validator"] = "\x16=== RUN   TestA\n\x16--- FAIL: TestA (0.00s)\n\x16FAIL\n"
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch), FinishedAt: metav1.NewTime(epoch), ExitCode: 1,
	}}
	pass := func(run *v1alpha1.ValidationRun) error {
		_, err := b.pass(t.Context(), run)
		return err
	}
	if err := b.Client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	if err := pass(b.stored(t, newRun())); err != nil {
		t.Fatal(err)
	}
	await(t, b, plan.Look(pod))

	stale := b.stored(t, newRun())
	edited := stale.DeepCopy()
	edited.Labels = map[string]string{"edited": "meanwhile"}
	if err := b.Client.Update(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	if err := pass(stale); !errors.Is(err, errStale) {
		t.Fatalf("the error is %v", err)
	}
	if err := b.Client.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 3 {
		if err = pass(b.stored(t, newRun())); err == nil {
			break
		}
	}
	if got := b.stored(t, newRun()).Status.Phases[0]; err != nil || got.State != v1alpha1.PhaseFailed {
		t.Errorf("phase a is %s: %s, %v", got.State, got.Message, err)
	}
	if b.follows.entry(pod.UID) != nil {
		t.Error("the pod is still followed")
	}
}

func TestReconcileOfARunThatIsGoneForgetsIt(t *testing.T) {
	b := newBench(t, interceptor.Funcs{})
	key := client.ObjectKeyFromObject(newRun())
	b.published.mark(key, epoch)
	if _, err := b.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	if len(b.published.at) > 0 {
		t.Error("it is remembered")
	}
}
