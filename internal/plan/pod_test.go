package plan

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// sight is a pod in few words.
type sight struct {
	trouble string // its reason
	blocked string // its reason, with ! where it is final
	runs    string // the container of ours that runs
	exit    string // how the validator ended
	noList  string // why there is no list
	ended   bool
}

func see(pod Pod) sight {
	out := sight{ended: pod.Ended, noList: pod.Listing.Failed}
	if pod.Trouble != nil {
		out.trouble = pod.Trouble.Reason
	}
	if b := pod.Blocked; b != nil {
		out.blocked = b.Reason
		if b.Final {
			out.blocked += "!"
		}
	}
	switch {
	case pod.List.Running():
		out.runs = "list"
	case pod.Validator.Running():
		out.runs = "validator"
	}
	if pod.Validator.Exit != nil {
		out.exit = pod.Validator.Exit.String()
	}
	return out
}

func TestLook(t *testing.T) {
	const code0, code1, sigterm, sigkill = "exit code 0", "exit code 1", "exit code 143 (signal 15)", "exit code 137 (signal 9)"
	tests := []struct {
		name   string
		shapes []shape
		want   sight
	}{
		{"no node", []shape{unbound(corev1.PodReasonUnschedulable, "0/3 nodes are available")}, sight{blocked: v1alpha1.ReasonUnschedulable}},
		{"a scheduling gate", []shape{unbound(corev1.PodReasonSchedulingGated, "")}, sight{}},
		{"taken by the kubelet", nil, sight{}},
		{"creating the first container", []shape{list(waitingFor("ContainerCreating", ""))}, sight{}},
		{"lists", []shape{list(runningSince(2))}, sight{runs: "list"}},
		{"between list and validator", []shape{list(exited(0, "Completed", 2, 3))}, sight{}},
		{"validates", []shape{validator(runningSince(4))}, sight{runs: "validator"}},
		{"passed", []shape{validator(exited(0, "Completed", 4, 9)), phase(corev1.PodSucceeded)}, sight{exit: code0, ended: true}},
		{"failed", []shape{validator(exited(1, "Error", 4, 9)), phase(corev1.PodFailed)}, sight{exit: code1, ended: true}},

		{"the list fails", []shape{list(exited(2, "Error", 2, 3)), message("flag provided but not defined\n"), phase(corev1.PodFailed)},
			sight{noList: "it ended with exit code 2: flag provided but not defined", ended: true}},
		{"no binary to list", []shape{list(notStarted("no such file")), phase(corev1.PodFailed)}, sight{trouble: v1alpha1.ReasonStartFailed, ended: true}},
		{"no binary of the package", []shape{validator(notStarted(`exec: "a.test": executable file not found in $PATH`)), phase(corev1.PodFailed)},
			sight{trouble: v1alpha1.ReasonStartFailed, exit: "exit code 128", ended: true}},
		{"no binary to run", []shape{validator(notStarted("no such file")), phase(corev1.PodFailed)},
			sight{trouble: v1alpha1.ReasonStartFailed, exit: "exit code 128", ended: true}},
		{"out of memory while listing", []shape{list(exited(137, "OOMKilled", 2, 3)), phase(corev1.PodFailed)},
			sight{trouble: v1alpha1.ReasonOOMKilled, noList: "it ended with " + sigkill, ended: true}},
		{"out of memory", []shape{validator(exited(137, "OOMKilled", 4, 9)), phase(corev1.PodFailed)},
			sight{trouble: v1alpha1.ReasonOOMKilled, exit: sigkill, ended: true}},
		{"a child out of memory, hidden by exit code 0", []shape{validator(exited(0, "OOMKilled", 4, 9)), phase(corev1.PodSucceeded)},
			sight{trouble: v1alpha1.ReasonOOMKilled, exit: code0, ended: true}},

		{"past its deadline", []shape{validator(exited(137, "Error", 4, 601)), failed("DeadlineExceeded", "Pod was active too long")},
			sight{trouble: v1alpha1.ReasonDeadlineExceeded, exit: sigkill, ended: true}},
		{"exit 0 when its deadline told it to stop", []shape{validator(exited(0, "Completed", 4, 600)), failed("DeadlineExceeded", "")},
			sight{trouble: v1alpha1.ReasonDeadlineExceeded, exit: code0, ended: true}},
		{"ended long before an injected container met the deadline", []shape{validator(exited(0, "Completed", 4, 9)), failed("DeadlineExceeded", "")},
			sight{exit: code0, ended: true}},
		{"past its deadline, unseen", []shape{validator(lostSight()), failed("DeadlineExceeded", "")},
			sight{trouble: v1alpha1.ReasonDeadlineExceeded, exit: sigkill, ended: true}},
		{"past its deadline while listing", []shape{list(exited(137, "Error", 2, 601)), failed("DeadlineExceeded", "")},
			sight{trouble: v1alpha1.ReasonDeadlineExceeded, noList: "it ended with " + sigkill, ended: true}},

		{"evicted by its node", []shape{
			validator(exited(137, "Error", 4, 9)), failed("Evicted", "The node was low on resource: memory."),
			disrupted(8, corev1.PodReasonTerminationByKubelet, "The node was low on resource: memory."),
		}, sight{trouble: v1alpha1.ReasonEvicted, exit: sigkill, ended: true}},
		{"evicted by its node, unseen", []shape{
			validator(lostSight()), failed("Evicted", "The node was low on resource: memory."), disrupted(8, corev1.PodReasonTerminationByKubelet, ""),
		}, sight{trouble: v1alpha1.ReasonEvicted, exit: sigkill, ended: true}},
		{"evicted for its scratch space", []shape{
			validator(exited(137, "Error", 4, 9)), failed("Evicted", `Usage of EmptyDir volume "x" exceeds the limit "1Mi".`),
			disrupted(8, corev1.PodReasonTerminationByKubelet, ""),
		}, sight{trouble: v1alpha1.ReasonEvicted, exit: sigkill, ended: true}},
		{"drained", []shape{validator(runningSince(4)), deleted(6), disrupted(6, "EvictionByEvictionAPI", "Eviction API: evicting")},
			sight{trouble: v1alpha1.ReasonEvicted, runs: "validator"}},
		{"drained, and ended", []shape{
			validator(exited(143, "Error", 4, 7)), phase(corev1.PodFailed), deleted(6), disrupted(6, "EvictionByEvictionAPI", "Eviction API: evicting"),
		}, sight{trouble: v1alpha1.ReasonEvicted, exit: sigterm, ended: true}},
		{"drained long after it had passed", []shape{
			validator(exited(0, "Completed", 4, 5)), phase(corev1.PodSucceeded), deleted(306), disrupted(306, "EvictionByEvictionAPI", ""),
		}, sight{exit: code0, ended: true}},
		{"drained, by a kubelet whose clock is behind", []shape{
			validator(exited(0, "Completed", 4, 5)), phase(corev1.PodSucceeded), deleted(9), disrupted(9, "EvictionByEvictionAPI", ""),
		}, sight{trouble: v1alpha1.ReasonEvicted, exit: code0, ended: true}},
		{"preempted by the scheduler", []shape{
			validator(exited(143, "Error", 4, 9)), phase(corev1.PodFailed), deleted(8),
			disrupted(8, corev1.PodReasonPreemptionByScheduler, "preempting to accommodate a higher priority pod"),
		}, sight{trouble: v1alpha1.ReasonPreempted, exit: sigterm, ended: true}},
		{"preempted by the kubelet", []shape{
			validator(exited(137, "Error", 4, 9)), failed("Preempting", "Preempted in order to admit critical pod"),
			disrupted(8, corev1.PodReasonTerminationByKubelet, "Pod was preempted by Kubelet to accommodate a critical pod."),
		}, sight{trouble: v1alpha1.ReasonPreempted, exit: sigkill, ended: true}},
		{"its node shuts down", []shape{
			validator(exited(143, "Error", 4, 9)), failed("Terminated", "Pod was terminated in response to imminent node shutdown."),
			disrupted(8, corev1.PodReasonTerminationByKubelet, "Pod was terminated in response to imminent node shutdown."),
		}, sight{trouble: v1alpha1.ReasonNodeShutdown, exit: sigterm, ended: true}},
		{"its node was shutting down", []shape{rejected("NodeShutdown", "Pod was rejected as the node is shutting down.")},
			sight{trouble: v1alpha1.ReasonNodeShutdown, ended: true}},
		{"its node does not answer", []shape{
			validator(runningSince(4)), deleted(300), disrupted(300, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
		}, sight{trouble: v1alpha1.ReasonNodeLost, runs: "validator"}},
		{"its node is gone", []shape{
			validator(runningSince(4)), phase(corev1.PodFailed), disrupted(300, "DeletionByPodGC", "PodGC: node no longer exists"),
		}, sight{trouble: v1alpha1.ReasonNodeLost, runs: "validator", ended: true}},
		{"a disruption that did not come about", []shape{validator(runningSince(4)), disrupted(6, "EvictionByEvictionAPI", ""), func(pod *corev1.Pod) {
			pod.Status.Conditions[1].Status = corev1.ConditionFalse
		}}, sight{runs: "validator"}},

		{"a device is not there", []shape{rejected("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present")},
			sight{trouble: v1alpha1.ReasonPodRejected, ended: true}},
		{"the node is full", []shape{rejected("OutOfcpu", "Node didn't have enough resource: cpu")},
			sight{trouble: v1alpha1.ReasonPodRejected, ended: true}},
		{"deleted before it started", []shape{deleted(1)}, sight{trouble: v1alpha1.ReasonPodDeleted}},
		{"deleted while it ran", []shape{validator(exited(2, "Error", 4, 9)), phase(corev1.PodFailed), deleted(8)},
			sight{trouble: v1alpha1.ReasonPodDeleted, exit: "exit code 2", ended: true}},
		{"deleted long after it had ended", []shape{validator(exited(1, "Error", 4, 7)), phase(corev1.PodFailed), deleted(309)},
			sight{exit: code1, ended: true}},
		{"restarted", []shape{validator(runningSince(9)), restarted(1)}, sight{trouble: v1alpha1.ReasonPodReplaced, runs: "validator"}},
		{"restarted, and passed", []shape{validator(exited(0, "Completed", 9, 12)), restarted(1), phase(corev1.PodSucceeded)},
			sight{trouble: v1alpha1.ReasonPodReplaced, exit: code0, ended: true}},
		{"the runtime lost the container", []shape{validator(lostSight()), restarted(1), phase(corev1.PodFailed)},
			sight{trouble: v1alpha1.ReasonEvidenceIncomplete, exit: sigkill, ended: true}},
		{"failed without a word", []shape{rejected("", "")}, sight{trouble: v1alpha1.ReasonEvidenceIncomplete, ended: true}},

		{"beside containers of others", []shape{validator(exited(0, "Completed", 4, 9)), injected(runningSince(1))}, sight{exit: code0}},
		{"beside one that fails", []shape{validator(exited(0, "Completed", 4, 9)), injected(exited(1, "Error", 1, 10)), phase(corev1.PodFailed)},
			sight{exit: code0, ended: true}},
		{"beside one without an image", []shape{list(runningSince(2)), injected(waitingFor("ImagePullBackOff", ""))}, sight{runs: "list"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Look(newPod(test.shapes...))
			if diff := cmp.Diff(test.want, see(got), cmp.AllowUnexported(sight{})); diff != "" {
				t.Errorf("(-want +got)\n%s\ntrouble: %+v", diff, got.Trouble)
			}
			if got.Trouble != nil && got.Trouble.Message == "" {
				t.Error("trouble without a message")
			}
		})
	}
}

func TestLookTimesAndIdentity(t *testing.T) {
	pod := newPod(validator(exited(0, "Completed", 4, 9)), phase(corev1.PodSucceeded), func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses[0].ImageID = "example.test/v@sha256:1234"
		pod.Status.ContainerStatuses[0].ContainerID = "containerd://older"
	})
	got := Look(pod)
	if got.Name != pod.Name || got.UID != pod.UID || got.Node != "node-1" || !got.Started.Equal(epoch) || got.Deadline != 600 {
		t.Errorf("pod is %+v", got)
	}
	v := got.Validator
	if v.ID != "containerd://1" || v.ImageDigest != "sha256:1234" || !v.Started.Equal(at(4).Time) || !v.Finished.Equal(at(9).Time) {
		t.Errorf("validator is %+v", v)
	}
	never := Look(newPod(validator(notStarted("x")))).Validator
	if !never.Started.IsZero() || !never.StartFailed || never.Running() {
		t.Errorf("a container that was never started is %+v", never)
	}
}

func TestLookTakesTheDigestOfAnyImageID(t *testing.T) {
	for id, want := range map[string]string{
		"": "", "sha256:12": "sha256:12", "docker-pullable://example.test/v@sha256:12": "sha256:12", "example.test:5000/a/v@sha256:12": "sha256:12",
	} {
		if got := digest(id); got != want {
			t.Errorf("digest(%q) = %q, want %q", id, got, want)
		}
	}
}

// A second of the kubelet's is the whole second: what ends in the same one as the deadline is taken for ended by it.
// A kubelet whose clock is behind does not make its containers seem to have run for long.
func TestLookCorrectsAClockThatIsBehind(t *testing.T) {
	pod := newPod(validator(exited(0, "Completed", -896, -890)), list(exited(0, "Completed", -898, -897)))
	pod.Status.StartTime.Time = epoch.Add(-15 * time.Minute)
	got := Look(pod)
	want := []time.Time{epoch, at(2).Time, at(4).Time, at(10).Time}
	if diff := cmp.Diff(want, []time.Time{got.Started, got.List.Started, got.Validator.Started, got.Validator.Finished}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A validator that exits with 0 because its pod is deleted has not passed, by whatever clock its kubelet tells the time.
func TestLookTakesNoEndByDeletionForAPass(t *testing.T) {
	const behind = 3600
	pod := newPod(validator(exited(0, "Completed", 4-behind, 12-behind)))
	pod.Status.StartTime.Time = pod.Status.StartTime.Add(-behind * time.Second)
	deleted := at(10)
	pod.DeletionTimestamp = &deleted
	if got := Look(pod).Trouble; got == nil || got.Reason != v1alpha1.ReasonPodDeleted {
		t.Errorf("trouble is %v, want %s", got, v1alpha1.ReasonPodDeleted)
	}
}

func TestEndedByComparesWholeSeconds(t *testing.T) {
	for _, finished := range []int{599, 600, 601} {
		t.Run(fmt.Sprint(finished), func(t *testing.T) {
			pod := newPod(validator(exited(0, "Completed", 4, finished)), failed("DeadlineExceeded", ""))
			pod.Status.StartTime.Time = pod.Status.StartTime.Add(300 * time.Millisecond)
			if got, want := Look(pod).Trouble != nil, finished >= 600; got != want {
				t.Errorf("trouble is %v, want %v", got, want)
			}
		})
	}
}
