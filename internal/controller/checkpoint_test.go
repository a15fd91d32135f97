package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/podlog"
	"github.com/validation-operator/validation-operator/internal/workload"
)

func TestWhenACheckpointIsDue(t *testing.T) {
	long := podlog.State{Bytes: 10 << 20, Lines: 1}
	saved := savedAt{at: epoch, bytes: 9 << 20}
	tests := []struct {
		name   string
		state  podlog.State
		failed int
		saved  savedAt
		after  time.Duration
		want   bool
	}{
		{"a short log", podlog.State{Bytes: 1000, Lines: 10}, 0, savedAt{at: epoch}, time.Hour, false},
		{"a short log with a failure", podlog.State{Bytes: 1000, Lines: 10}, 1, savedAt{at: epoch}, noticeEvery, true},
		{"the same failure", podlog.State{Bytes: 2000, Lines: 20}, 1, savedAt{at: epoch, bytes: 1000, failed: 1}, time.Hour, false},
		{"another failure", podlog.State{Bytes: 2000, Lines: 20}, 2, savedAt{at: epoch, bytes: 1000, failed: 1}, checkpointEvery, true},
		{"one after the other", podlog.State{Bytes: 2000, Lines: 20}, 2, savedAt{at: epoch, bytes: 1000, failed: 1}, checkpointEvery - 1, false},
		{"a failure of a moment ago", podlog.State{Bytes: 1000, Lines: 10}, 1, savedAt{at: epoch}, noticeEvery - 1, false},
		{"many short lines", podlog.State{Bytes: 1 << 20, Lines: 100_000}, 0, savedAt{at: epoch}, noticeEvery, true},
		{"one MiB more", long, 0, saved, noticeEvery, true},
		{"a little more", podlog.State{Bytes: 9<<20 + 1, Lines: 1}, 0, saved, noticeEvery, false},
		{"a little more, for long", podlog.State{Bytes: 9<<20 + 1, Lines: 1}, 0, saved, checkpointEvery, true},
		{"nothing more", podlog.State{Bytes: 9 << 20, Lines: 1}, 0, saved, time.Hour, false},
		{"the end", podlog.State{Bytes: 10 << 20, Lines: 1, Ended: true}, 1, saved, time.Hour, false},
	}
	for _, test := range tests {
		if got := test.saved.due(test.state, test.failed, epoch.Add(test.after)); got != test.want {
			t.Errorf("%s: due is %t", test.name, got)
		}
	}
}

// failingLog is the beginning of a long log in which a test has failed.
func failingLog() string {
	var out strings.Builder
	out.WriteString("\x16=== RUN   TestA\n    a_test.go:7: it is broken\n\x16--- FAIL: TestA (0.00s)\n\x16=== RUN   TestB\n")
	for i := range 100 {
		fmt.Fprintf(&out, "line %d\n", i)
	}
	return out.String()
}

// reading is a bench whose operator has read the failing log of a running pod, written its checkpoint, and was killed.
func killedWhileReading(t *testing.T) (*bench, plan.Job, *corev1.Pod) {
	t.Helper()
	run := newRun(started)
	b := newBench(t, interceptor.Funcs{}, run)
	k := podOf(t, run)
	b.logs.text[k.Name+"/validator"] = failingLog()
	pod := plan.Look(k)
	job := plan.Job{Name: jobOf(t, run).Name, Item: workload.Item{Attempt: 1, Phase: "a"}, Pods: []plan.Pod{pod}}
	seen := plan.Observed{Jobs: []plan.Job{job}}
	b.follows.read(client.ObjectKeyFromObject(run), job.Name, pod, epoch)
	for pod.Log.Stream.Lines < 100 {
		<-b.read
		b.follows.look(&pod)
	}
	b.clock.SetTime(epoch.Add(noticeEvery))
	b.checkpoint(t.Context(), b.stored(t, run), plan.Decision{Follow: []types.UID{pod.UID}}, seen)
	b.follows.set.Close()
	b.follows = newFollows(b.logs, func(client.ObjectKey) {
		select {
		case b.read <- struct{}{}:
		default:
		}
	})
	t.Cleanup(b.follows.set.Close)
	return b, job, k
}

// The next operator has what was read of a log whose beginning has been rotated away since.
func TestALogIsReadOnFromItsCheckpoint(t *testing.T) {
	b, job, k := killedWhileReading(t)
	b.logs.text[k.Name+"/validator"] = failingLog()[len(failingLog())-200:] + "\x16--- PASS: TestB (0.00s)\n\x16FAIL\n"
	k.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch), ExitCode: 1,
	}}
	job.Pods[0] = plan.Look(k)
	run := b.stored(t, newRun())
	if err := b.follow(t.Context(), run, []types.UID{job.Pods[0].UID}, plan.Observed{Jobs: []plan.Job{job}}); err != nil {
		t.Fatal(err)
	}
	pod := await(t, b, job.Pods[0])
	tests := pod.Log.Stream.Tests
	if len(tests) != 2 || tests[0].Outcome != gotest.Fail || tests[1].Outcome != gotest.Pass || pod.Log.Stream.Overall != gotest.Fail {
		t.Errorf("read is %+v", pod.Log.Stream)
	}
	if want := "    a_test.go:7: it is broken\n"; tests[0].Output.Head != want {
		t.Errorf("the failed test printed %q", tests[0].Output.Head)
	}
	if pod.Log.Missing != "" || pod.Log.Stream.Lines != 106 {
		t.Errorf("missing is %q of %d lines", pod.Log.Missing, pod.Log.Stream.Lines)
	}
}

// Of a pod that was deleted while no operator was there, what was read counts.
func TestAPodThatIsGoneIsRecalledFromItsCheckpoint(t *testing.T) {
	b, job, _ := killedWhileReading(t)
	run := b.stored(t, newRun())
	pods, err := b.lookClosely(t.Context(), b.kinOf(run, nil), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: job.Name}})
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	pod := pods[0]
	if !pod.Gone || pod.UID != "pod-uid" || pod.Validator.Started.IsZero() || pod.Log.Missing == "" || pod.Log.Progress.Failed != 1 {
		t.Errorf("recalled is %+v", pod)
	}
}

// What the container said last was seen with its end, and is in the checkpoint though the log was not read that far.
func TestAPodThatIsGoneIsRecalledWithItsTerminationMessage(t *testing.T) {
	b, job, k := killedWhileReading(t)
	run := b.stored(t, newRun())
	c, err := b.readCheckpoint(t.Context(), run, job.Item)
	if err != nil || c == nil {
		t.Fatalf("no checkpoint: %v", err)
	}
	k.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch), ExitCode: 1, Message: "\x16--- FAIL: TestB (0.00s)\n",
	}}
	c.Pod = plan.Look(k)
	c.object.BinaryData[checkpointKey] = c.encode(c.stream)
	if err := b.Client.Update(t.Context(), c.object); err != nil {
		t.Fatal(err)
	}
	pods, err := b.lookClosely(t.Context(), b.kinOf(run, nil), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: job.Name}})
	if err != nil || len(pods) != 1 {
		t.Fatalf("%d pods, %v", len(pods), err)
	}
	if tests := pods[0].Log.Witness.Tests; len(tests) != 1 || tests[0].Name != "TestB" || tests[0].Outcome != gotest.Fail {
		t.Errorf("the termination message is %+v", tests)
	}
}

// A checkpoint of another pod, or one that cannot be read, is none: the log is read from its beginning.
func TestACheckpointThatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(*testing.T, *bench, *plan.Job){
		"another pod":       func(_ *testing.T, _ *bench, job *plan.Job) { job.Pods[0].UID = "other" },
		"another container": func(_ *testing.T, _ *bench, job *plan.Job) { job.Pods[0].Validator.ID = "containerd://2" },
		"damaged": func(t *testing.T, b *bench, job *plan.Job) {
			cm := &corev1.ConfigMap{}
			key := client.ObjectKey{Namespace: "ns", Name: workload.CheckpointName(newRun(), job.Item)}
			if err := b.Client.Get(t.Context(), key, cm); err != nil {
				t.Fatal(err)
			}
			cm.BinaryData[checkpointKey] = cm.BinaryData[checkpointKey][:20]
			if err := b.Client.Update(t.Context(), cm); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, job, k := killedWhileReading(t)
			spoil(t, b, &job)
			b.logs.text[k.Name+"/validator"] = passingLog
			job.Pods[0].Validator.Exit = nil
			if err := b.follow(t.Context(), b.stored(t, newRun()), []types.UID{job.Pods[0].UID}, plan.Observed{Jobs: []plan.Job{job}}); err != nil {
				t.Fatal(err)
			}
			pod := job.Pods[0]
			for b.follows.look(&pod); pod.Log.Stream.Lines < 3; b.follows.look(&pod) {
				<-b.read
			}
			if tests := pod.Log.Stream.Tests; len(tests) != 1 || tests[0].Outcome != gotest.Pass {
				t.Errorf("read is %+v", tests)
			}
		})
	}
}

// A failure may be read long before its test ends, and is the failure of the run all the same.
func TestWhateverFailsBringsACheckpoint(t *testing.T) {
	const begun = "\x16=== RUN   TestA\n\x16=== RUN   TestA/sub\n"
	constraint := "\x16=== ATTR  TestA constraint/x {\"expected\":\"1\",\"actual\":\"2\",\"passed\":false,\"severity\":\"%s\"}\n"
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"nothing yet":             {begun, false},
		"a subtest that passed":   {begun + "\x16    --- PASS: TestA/sub (0.00s)\n", false},
		"a subtest that failed":   {begun + "\x16    --- FAIL: TestA/sub (0.00s)\n", true},
		"a constraint that fails": {begun + fmt.Sprintf(constraint, "error"), true},
		"a constraint that warns": {begun + fmt.Sprintf(constraint, "warning"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{})
			k := podOf(t, newRun())
			b.logs.text[k.Name+"/validator"] = test.text + "one more line\n"
			pod := plan.Look(k)
			b.follows.read(types.NamespacedName{Namespace: "ns", Name: "run"}, "job", pod, epoch)
			for b.follows.look(&pod); pod.Log.Stream.Lines < int64(strings.Count(test.text, "\n")); b.follows.look(&pod) {
				<-b.read
			}
			if data, _ := b.follows.paper(pod.UID, b.follows.entry(pod.UID), epoch.Add(noticeEvery)); (data != nil) != test.want {
				t.Errorf("a checkpoint of %d bytes is due", len(data))
			}
		})
	}
}

// A list of tests of which only the beginning fits is none, after a checkpoint as before.
func TestAListThatIsTooLongIsInNoCheckpoint(t *testing.T) {
	for name, test := range map[string]struct {
		list string
		want plan.Listing
	}{
		"a list":       {"TestA\n", plan.Listing{Read: true, Tests: []string{"TestA"}}},
		"one too long": {strings.Repeat("TestA\n", maxList/6+1), plan.Listing{Failed: "it is longer than 1048576 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{})
			k := podOf(t, newRun())
			k.Status.InitContainerStatuses = []corev1.ContainerStatus{{
				Name: workload.ListContainer, ContainerID: "containerd://0", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ContainerID: "containerd://0", StartedAt: metav1.NewTime(epoch), Reason: "Completed",
				}},
			}}
			b.logs.text[k.Name+"/"+workload.ListContainer] = test.list
			b.logs.text[k.Name+"/"+workload.ValidatorContainer] = failingLog()
			pod := plan.Look(k)
			b.follows.read(types.NamespacedName{Namespace: "ns", Name: "run"}, "job", pod, epoch)
			for b.follows.look(&pod); pod.Log.Stream.Lines < 100 || !pod.Listing.Read && pod.Listing.Failed == ""; b.follows.look(&pod) {
				<-b.read
			}
			if diff := cmp.Diff(test.want, pod.Listing); diff != "" {
				t.Errorf("read is (-want +got)\n%s", diff)
			}
			data, _ := b.follows.paper(pod.UID, b.follows.entry(pod.UID), epoch.Add(noticeEvery))
			c, err := decodeCheckpoint(&corev1.ConfigMap{BinaryData: map[string][]byte{checkpointKey: data}})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(c.List) > 0; got != test.want.Read {
				t.Errorf("the checkpoint has a list of %d bytes", len(c.List))
			}
		})
	}
}

// A second checkpoint replaces the first.
func TestCheckpointsAreWrittenOver(t *testing.T) {
	b, job, k := killedWhileReading(t)
	run := b.stored(t, newRun())
	b.clock.SetTime(epoch.Add(resumeAfter + time.Minute))
	b.logs.text[k.Name+"/validator"] = failingLog() + "\x16--- FAIL: TestB (0.00s)\n"
	seen := plan.Observed{Jobs: []plan.Job{job}}
	if err := b.follow(t.Context(), run, []types.UID{job.Pods[0].UID}, seen); err != nil {
		t.Fatal(err)
	}
	pod := job.Pods[0]
	for b.follows.look(&pod); pod.Log.Progress.Failed < 2; b.follows.look(&pod) {
		<-b.read
	}
	b.clock.SetTime(epoch.Add(resumeAfter + 2*time.Minute))
	b.checkpoint(t.Context(), run, plan.Decision{Follow: []types.UID{pod.UID}}, seen)
	c, err := b.readCheckpoint(t.Context(), run, job.Item)
	if err != nil || c == nil || c.stream.Progress().Failed != 2 {
		t.Errorf("the checkpoint is %+v, %v", c, err)
	}
}
