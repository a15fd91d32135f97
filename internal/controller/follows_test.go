package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/podlog"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

func jobOf(t *testing.T, run *v1alpha1.ValidationRun) *batchv1.Job {
	t.Helper()
	job, err := workload.Job(run, &run.Spec.Phases[0], workload.Item{Attempt: 1, Phase: "a"})
	if err != nil {
		t.Fatal(err)
	}
	job.UID = "job-uid"
	return job
}

// podOf is a pod of jobOf whose validator runs.
func podOf(t *testing.T, run *v1alpha1.ValidationRun) *corev1.Pod {
	t.Helper()
	job := jobOf(t, run)
	at := metav1.NewTime(epoch)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: job.Name + "-abcde", Namespace: "ns", UID: "pod-uid", Labels: job.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &at, ContainerStatuses: []corev1.ContainerStatus{{
			Name: workload.ValidatorContainer, ContainerID: "containerd://1",
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}},
		}}},
	}
}

func TestListing(t *testing.T) {
	whole := podlog.State{Drained: true, Ended: true}
	tests := []struct {
		name  string
		text  string
		state podlog.State
		want  plan.Listing
	}{
		{"tests", "TestA\nTestB\nok  \tx\t0.01s\n", whole, plan.Listing{Read: true, Tests: []string{"TestA", "TestB"}}},
		{"none", "", whole, plan.Listing{Read: true}},
		{"a gap", "TestA\n", podlog.State{Drained: true, Ended: true, Gaps: []podlog.Gap{{After: 3, Reason: podlog.GapOverlapLost}}},
			plan.Listing{Lost: "lines are missing or damaged after line 3: OverlapLost"}},
		{"no end", "TestA\n", podlog.State{Ended: true, Failure: "connection refused"},
			plan.Listing{Lost: "its end could not be read: connection refused"}},
		{"too long", strings.Repeat("TestA\n", maxList/6+1), whole, plan.Listing{Failed: "it is longer than 1048576 bytes"}},
		{"too long, and no end", strings.Repeat("TestA\n", maxList/6+1), podlog.State{Ended: true, Failure: "connection refused"},
			plan.Listing{Failed: "it is longer than 1048576 bytes"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sink := &listSink{}
			for line := range strings.Lines(test.text) {
				if n, err := sink.Write([]byte(line)); n != len(line) || err != nil {
					t.Fatalf("%d, %v", n, err)
				}
			}
			var got plan.Listing
			sink.listing(test.state, &got)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(sink.text) > maxList {
				t.Errorf("it holds %d bytes", len(sink.text))
			}
		})
	}
}

func TestMissing(t *testing.T) {
	gap := []podlog.Gap{{After: 7, Reason: podlog.GapUnstamped}}
	tests := []struct {
		name  string
		state podlog.State
		want  string
		gaps  int
	}{
		{"nothing", podlog.State{Drained: true, Ended: true}, "", 0},
		{"still read", podlog.State{}, "it was not read to its end", 0},
		{"unreadable", podlog.State{Ended: true, Failure: "x"}, "its end could not be read: x", 0},
		{"a gap", podlog.State{Drained: true, Gaps: gap}, "lines are missing or damaged after line 7: Unstamped", 1},
		{"a gap and no end", podlog.State{Failure: "x", Gaps: gap}, "lines are missing or damaged after line 7: Unstamped", 1},
	}
	for _, test := range tests {
		if why, gaps := missing(test.state); why != test.want || len(gaps) != test.gaps {
			t.Errorf("%s: %q, %v; want %q", test.name, why, gaps, test.want)
		}
	}
}

const passingLog = "\x16=== RUN   TestA\n\x16--- PASS: TestA (0.00s)\n\x16PASS\n"

// await looks at a pod until its log has ended.
func await(t *testing.T, b *bench, pod plan.Pod) plan.Pod {
	t.Helper()
	giveUp := time.After(20 * time.Second)
	for {
		if b.follows.look(&pod); pod.Log.Ended {
			return pod
		}
		select {
		case <-b.read:
		case <-giveUp:
			t.Fatal("the log does not end")
		}
	}
}

func TestFollowedLogsAreRead(t *testing.T) {
	b := newBench(t, interceptor.Funcs{})
	k := podOf(t, newRun())
	b.logs.text[k.Name+"/validator"] = passingLog
	k.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch),
	}}
	pod := plan.Look(k)
	b.follows.look(&pod)
	if !pod.Log.Since.IsZero() {
		t.Errorf("a log that nobody reads is read since %s", pod.Log.Since)
	}
	b.follows.read(types.NamespacedName{Namespace: "ns", Name: "run"}, "job", pod, epoch)
	pod = await(t, b, pod)
	if !pod.Log.Since.Equal(epoch) || pod.Log.Missing != "" || pod.Log.Stream.Overall != gotest.Pass || len(pod.Log.Stream.Tests) != 1 {
		t.Errorf("read is %+v", pod.Log)
	}
}

// A pod whose phase says that it has ended writes no more, even if nobody saw how its container ended.
func TestTheLogOfAnEndedPodEnds(t *testing.T) {
	b := newBench(t, interceptor.Funcs{})
	k := podOf(t, newRun())
	b.logs.text[k.Name+"/validator"] = passingLog
	k.Status.Phase = corev1.PodFailed
	pod := plan.Look(k)
	b.follows.read(types.NamespacedName{Namespace: "ns", Name: "run"}, "job", pod, epoch)
	await(t, b, pod)
}

func TestPodsThatAreGoneAreRemembered(t *testing.T) {
	b := newBench(t, interceptor.Funcs{})
	key := types.NamespacedName{Namespace: "ns", Name: "run"}
	pod := plan.Look(podOf(t, newRun()))
	pod.Trouble = &verdict.Trouble{Reason: "x"}
	b.follows.read(key, "job", pod, epoch)
	if got := b.follows.gone(key, "job", []plan.Pod{pod}); len(got) > 0 {
		t.Errorf("a pod that is there is gone: %+v", got)
	}
	if got := b.follows.gone(key, "other", nil); len(got) > 0 {
		t.Errorf("a pod of another Job is gone: %+v", got)
	}
	got := b.follows.gone(key, "job", nil)
	if len(got) != 1 || !got[0].Gone || got[0].Trouble == nil {
		t.Errorf("gone is %+v", got)
	}
	b.follows.keepOnly(types.NamespacedName{Namespace: "ns", Name: "other"}, nil)
	b.follows.keepOnly(key, []types.UID{pod.UID})
	if b.follows.entry(pod.UID) == nil {
		t.Error("the pod that counts is forgotten")
	}
	b.follows.keepOnly(key, nil)
	if b.follows.entry(pod.UID) != nil {
		t.Error("the pod is remembered")
	}
}
