package controller

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	manyItems  = 2000
	manyActive = 64
)

// large is a run of which phase a has as many items as a phase may have: the last of them run, and all others have passed.
func large(run *v1alpha1.ValidationRun) {
	started(run)
	f := &v1alpha1.FanOutStatus{Items: manyItems, Outcomes: strings.Repeat("P", manyItems-manyActive) + strings.Repeat(".", manyActive)}
	for n := manyItems - manyActive; n < manyItems; n++ {
		item := largeItem(n)
		f.Active = append(f.Active, v1alpha1.ItemStatus{
			Check: item.Check, State: v1alpha1.PhaseRunning, StartTime: run.Status.StartTime, Jobs: []string{workload.JobName(run, item)},
		})
	}
	run.Status.Phases[0].FanOut = f
}

func largeItem(n int) workload.Item {
	return workload.Item{Attempt: 1, Phase: "a", Check: fmt.Sprintf("check-%04d", n)}
}

// largeJobs are the Jobs of a large run and their pods.
func largeJobs(run *v1alpha1.ValidationRun) (jobs []batchv1.Job, pods []corev1.Pod) {
	for n := range manyItems {
		job := labelled(run, largeItem(n), false)
		job.UID = types.UID(fmt.Sprintf("job-%d", n))
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: job.Name + "-x", Namespace: job.Namespace, UID: types.UID(fmt.Sprintf("pod-%d", n)), Labels: job.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		}}
		pod.Status.StartTime = new(metav1.NewTime(epoch))
		if n < manyItems-manyActive {
			job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
			pod.Status.Phase = corev1.PodSucceeded
		}
		jobs, pods = append(jobs, *job), append(pods, pod)
	}
	return jobs, pods
}

// A pass over a run of thousands of Jobs asks for none of them by itself, and asks the events about a few at a time.
func TestAPassOverManyItemsAsksLittle(t *testing.T) {
	run := newRun(large)
	jobs, pods := largeJobs(run)
	objects := []client.Object{run}
	for i := range jobs {
		objects = append(objects, &jobs[i], &pods[i])
	}
	calls := map[string]int{}
	b := newBench(t, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			calls["get"]++
			return c.Get(ctx, key, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			calls[fmt.Sprintf("list %T", list)]++
			return c.List(ctx, list, opts...)
		},
	}, objects...)
	b.clock.Step(patience)
	for _, test := range []struct {
		after  time.Duration
		events int
	}{
		{0, asksAtOnce}, {0, asksAtOnce}, {0, asksAtOnce}, {0, asksAtOnce}, {0, 0}, {answerFresh, asksAtOnce},
	} {
		b.clock.Step(test.after)
		clear(calls)
		seen, err := b.observe(t.Context(), run)
		if err != nil || len(seen.Jobs) != manyItems {
			t.Fatalf("%d Jobs, %v", len(seen.Jobs), err)
		}
		want := map[string]int{"list *v1.JobList": 1, "list *v1.PodList": 1}
		if test.events > 0 {
			want["list *v1.EventList"] = test.events
		}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Errorf("calls (-want +got)\n%s", diff)
		}
	}
}

// What the events said of an object that starts at last is forgotten, and so is what they said of a run that is gone.
func TestAnswersAreForgotten(t *testing.T) {
	run := newRun(started)
	job := jobOf(t, run)
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "e", Namespace: "ns"}, Reason: "FailedCreate", Note: "exceeded quota: small",
		Regarding: corev1.ObjectReference{Kind: "Job", Name: job.Name},
	}
	b := newBench(t, interceptor.Funcs{}, run, job, event)
	b.clock.Step(patience)
	seen, err := b.observe(t.Context(), run)
	if err != nil || seen.Jobs[0].Blocked == nil || seen.Jobs[0].Blocked.Reason != v1alpha1.ReasonQuotaExceeded {
		t.Fatalf("blocked by %+v, %v", seen.Jobs[0].Blocked, err)
	}
	seen.Jobs[0].Blocked.Final = true
	if seen, err = b.observe(t.Context(), run); err != nil || seen.Jobs[0].Blocked.Final {
		t.Errorf("a decision has changed what is remembered: %v", err)
	}
	if err := b.Client.Create(t.Context(), podOf(t, run)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.observe(t.Context(), run); err != nil || len(b.answers.of) > 0 {
		t.Errorf("remembered are %v, %v", b.answers.of, err)
	}
}

// A pod of another Job of the same name says nothing about this one.
func TestPodsOfAnotherJobOfTheName(t *testing.T) {
	run := newRun(started)
	job, pod := jobOf(t, run), podOf(t, run)
	pod.OwnerReferences[0].UID = "an-earlier-job"
	b := newBench(t, interceptor.Funcs{}, run, job, pod)
	seen, err := b.observe(t.Context(), run)
	if err != nil || len(seen.Jobs) != 1 || len(seen.Jobs[0].Pods) > 0 {
		t.Errorf("seen is %+v, %v", seen.Jobs, err)
	}
}

// Where the checkpoint of one log cannot be read, the others are read all the same.
func TestALogThatCannotBeResumedKeepsNoOtherWaiting(t *testing.T) {
	run := newRun(started)
	first, second := plan.Look(podOf(t, run)), plan.Look(podOf(t, run))
	first.UID, second.UID = "first", "second"
	items := []workload.Item{{Attempt: 1, Phase: "a"}, {Attempt: 1, Phase: "b"}}
	b := newBench(t, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if key.Name == workload.CheckpointName(run, items[0]) {
				return context.DeadlineExceeded
			}
			return c.Get(ctx, key, o, opts...)
		},
	}, run)
	b.clock.Step(time.Minute)
	err := b.follow(t.Context(), run, []types.UID{"first", "second"}, plan.Observed{Jobs: []plan.Job{
		{Name: "one", Item: items[0], Pods: []plan.Pod{first}}, {Name: "two", Item: items[1], Pods: []plan.Pod{second}},
	}})
	if err == nil || b.follows.entry("first") != nil || b.follows.entry("second") == nil {
		t.Errorf("the error is %v, and %d logs are read", err, b.follows.open())
	}
}

func BenchmarkLookAtManyJobs(b *testing.B) {
	run := newRun(large)
	jobs, pods := largeJobs(run)
	r := &Reconciler{follows: newFollows(nil, nil)}
	b.Cleanup(r.follows.set.Close)
	b.ReportAllocs()
	for b.Loop() {
		k := r.kinOf(run, pods)
		for i := range jobs {
			if _, err := r.lookAtJob(b.Context(), k, &jobs[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
