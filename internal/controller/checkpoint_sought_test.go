package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// sealed has the API server fail at the checkpoint of phase a, as it does where it cannot decrypt it, for as long as that is so.
func sealed(is *bool) interceptor.Funcs {
	name := workload.CheckpointName(newRun(), itemKept)
	return interceptor.Funcs{Get: func(
		ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption,
	) error {
		if _, ok := o.(*corev1.ConfigMap); ok && key.Name == name && *is {
			return apierrors.NewInternalError(errors.New("unable to transform key"))
		}
		return c.Get(ctx, key, o, opts...)
	}}
}

// unreadable is a bench on which a run's validator has passed, and of what was read of its log nothing can be had. The Job may be gone.
func unreadable(t *testing.T, is *bool, there bool, changes ...func(*v1alpha1.ValidationRun)) (*bench, *v1alpha1.ValidationRun) {
	t.Helper()
	run := newRun(func(run *v1alpha1.ValidationRun) {
		run.Spec.Phases[0] = v1alpha1.Phase{Name: "a", GoTest: &v1alpha1.GoTest{Package: "./a"}}
		run.Spec.SetDefaults()
		started(run)
	})
	job, pod := jobOf(t, run), podOf(t, run)
	run.Status.Phases[0].Jobs = []string{job.Name}
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch), FinishedAt: metav1.NewTime(epoch.Add(time.Minute)),
	}}
	for _, change := range changes {
		change(run)
	}
	objects := []client.Object{run}
	if there {
		objects = append(objects, job, pod)
	}
	b := newBench(t, sealed(is), objects...)
	b.logs.text[pod.Name+"/validator"] = passingLog
	return b, run
}

// passAt is a pass at a time, of which everything but the checkpoint has to work, and what status then says of phase a.
func (b *bench) passAt(t *testing.T, run *v1alpha1.ValidationRun, after time.Duration) (phaseState, error) {
	t.Helper()
	b.clock.SetTime(epoch.Add(after))
	_, err := b.pass(t.Context(), b.stored(t, run))
	if err != nil && !strings.Contains(err.Error(), "getting the checkpoint of a log") {
		t.Fatal(err)
	}
	return b.stored(t, run).Status.Phases[0], err
}

// A checkpoint that cannot be read is waited for, since there may be a failure in it, but not past the attempt's timeout or for long after it
// was cancelled. What is then said is never that the phase passed.
func TestACheckpointThatCannotBeReadEndsWithTheAttempt(t *testing.T) {
	limit := newRun().Spec.Timeout.Duration
	for _, there := range []bool{true, false} {
		is := true
		b, run := unreadable(t, &is, there)
		for _, after := range []time.Duration{5 * time.Minute, time.Hour, limit - time.Second, limit + time.Second} {
			if p, err := b.passAt(t, run, after); p.State != v1alpha1.PhaseRunning || err == nil {
				t.Errorf("the Job is there: %t: after %s phase a is %s (%s), %v", there, after, p.State, p.Message, err)
			}
		}
		p, err := b.passAt(t, run, limit+2*time.Minute+time.Second)
		if p.State != v1alpha1.PhaseError || err != nil || there && !strings.Contains(p.Message, "unable to transform key") {
			t.Errorf("the Job is there: %t: in the end phase a is %s (%s), %v", there, p.State, p.Message, err)
		}
	}
}

func TestACheckpointThatCannotBeReadEndsWithACancel(t *testing.T) {
	for there, want := range map[bool]v1alpha1.PhaseState{true: v1alpha1.PhaseError, false: v1alpha1.PhaseNotRun} {
		is := true
		b, run := unreadable(t, &is, there, func(run *v1alpha1.ValidationRun) { run.Spec.Cancel = true })
		for _, after := range []time.Duration{5 * time.Minute, 6 * time.Minute} {
			if p, err := b.passAt(t, run, after); p.State != v1alpha1.PhaseRunning || err == nil {
				t.Errorf("the Job is there: %t: after %s phase a is %s (%s), %v", there, after, p.State, p.Message, err)
			}
		}
		if p, err := b.passAt(t, run, 7*time.Minute); p.State != want || p.Reason != v1alpha1.ReasonCancelled || err != nil {
			t.Errorf("the Job is there: %t: in the end phase a is %s %s (%s), %v", there, p.State, p.Reason, p.Message, err)
		}
	}
}

// What is mended in time is read as if nothing had been in the way.
func TestACheckpointThatCanBeReadAgain(t *testing.T) {
	is := true
	b, run := unreadable(t, &is, true)
	if _, err := b.passAt(t, run, 5*time.Minute); err == nil {
		t.Error("nothing was in the way")
	}
	is = false
	if _, err := b.passAt(t, run, 6*time.Minute); err != nil || len(b.follows.sought) > 0 {
		t.Errorf("it is still looked for: %+v, %v", b.follows.sought, err)
	}
	pod := podOf(t, run)
	if e := b.follows.entry(pod.UID); e == nil || !e.since.Equal(epoch.Add(6*time.Minute)) {
		t.Errorf("the log is read by %+v", e)
	}
}

// Of a run that is being deleted nothing is judged any more: nothing has to be read of it.
func TestACheckpointThatCannotBeReadHoldsNoDeletionUp(t *testing.T) {
	is := true
	b, run := unreadable(t, &is, false, func(run *v1alpha1.ValidationRun) {
		run.DeletionTimestamp = &metav1.Time{Time: epoch.Add(time.Minute)}
	})
	b.clock.SetTime(epoch.Add(5 * time.Minute))
	if _, err := b.pass(t.Context(), b.stored(t, run)); err != nil {
		t.Fatal(err)
	}
	left := &v1alpha1.ValidationRun{}
	if err := b.Live.Get(t.Context(), client.ObjectKeyFromObject(run), left); !apierrors.IsNotFound(err) {
		t.Errorf("the run is left, with finalizers %v, %v", left.Finalizers, err)
	}
}
