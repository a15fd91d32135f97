package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/internal/workload"
)

// What a kubelet, the scheduler and the controllers write into pods, by the code of Kubernetes 1.37.

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.NewTime(epoch.Add(time.Duration(seconds) * time.Second))
}

// shape changes a pod into what somebody makes of it.
type shape func(*corev1.Pod)

// newPod is a pod of a phase that lists its tests, as the scheduler bound it and the kubelet took it at second 0.
func newPod(shapes ...shape) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "run-phase-abcde", UID: types.UID("pod-uid")},
		Spec:       corev1.PodSpec{NodeName: "node-1", ActiveDeadlineSeconds: new(int64(600))},
		Status: corev1.PodStatus{
			Phase:     corev1.PodPending,
			StartTime: new(at(0)),
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at(0)},
			},
		},
	}
	initializing := func(name string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: name, Image: "example.test/v:1", State: waitingFor("PodInitializing", "")}}
	}
	pod.Status.InitContainerStatuses = initializing(workload.ListContainer)
	pod.Status.ContainerStatuses = initializing(workload.ValidatorContainer)
	for _, s := range shapes {
		s(pod)
	}
	return pod
}

func waitingFor(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func runningSince(second int) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(second)}}
}

func exited(code int32, reason string, from, to int) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: at(from), FinishedAt: at(to), ContainerID: "containerd://1",
	}}
}

// notStarted is a container whose command could not be executed: pkg/kubelet/kuberuntime gives what the runtime says, and containerd
// says exit code 128 and a start in 1970.
func notStarted(message string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: 128, Reason: "StartError", Message: message,
		StartedAt: metav1.NewTime(time.Unix(0, 0)), FinishedAt: at(5), ContainerID: "containerd://1",
	}}
}

// lostSight is what TerminatePod of pkg/kubelet/status makes of a container whose end it never saw.
func lostSight() corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "ContainerStatusUnknown", Message: "The container could not be located when the pod was terminated",
	}}
}

func list(state corev1.ContainerState) shape {
	return func(pod *corev1.Pod) { pod.Status.InitContainerStatuses[0].State = state }
}

func validator(state corev1.ContainerState) shape {
	return func(pod *corev1.Pod) {
		pod.Status.InitContainerStatuses[0].State = exited(0, "Completed", 2, 3)
		pod.Status.ContainerStatuses[0].State = state
		pod.Status.Phase = corev1.PodRunning
	}
}

func message(text string) shape {
	return func(pod *corev1.Pod) {
		for _, s := range []*corev1.ContainerStatus{&pod.Status.InitContainerStatuses[0], &pod.Status.ContainerStatuses[0]} {
			if s.State.Terminated != nil && s.State.Terminated.ExitCode != 0 {
				s.State.Terminated.Message = text
			}
		}
	}
}

func phase(phase corev1.PodPhase) shape {
	return func(pod *corev1.Pod) { pod.Status.Phase = phase }
}

// failed is a pod that ended with a reason of its own.
func failed(reason, message string) shape {
	return func(pod *corev1.Pod) {
		pod.Status.Phase, pod.Status.Reason, pod.Status.Message = corev1.PodFailed, reason, message
	}
}

// rejected is a pod that the kubelet did not admit: it has no container statuses.
func rejected(reason, message string) shape {
	return func(pod *corev1.Pod) {
		failed(reason, message)(pod)
		pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses = nil, nil
	}
}

func disrupted(second int, reason, message string) shape {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: at(second),
		})
	}
}

// deleted is a pod whose deletion was asked for at a second, with 30 seconds of grace.
func deleted(second int) shape {
	return func(pod *corev1.Pod) {
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = new(at(second+30)), new(int64(30))
	}
}

func restarted(times int32) shape {
	return func(pod *corev1.Pod) { pod.Status.ContainerStatuses[0].RestartCount = times }
}

// unbound is a pod that no node has been found for.
func unbound(reason, message string) shape {
	return func(pod *corev1.Pod) {
		pod.Spec.NodeName, pod.Status.StartTime = "", nil
		pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses = nil, nil
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: message}}
	}
}

// injected are containers that a webhook has put before and beside the validator.
func injected(state corev1.ContainerState) shape {
	return func(pod *corev1.Pod) {
		other := corev1.ContainerStatus{Name: "istio-proxy", Image: "example.test/proxy:1", State: state, RestartCount: 3}
		pod.Status.ContainerStatuses = append([]corev1.ContainerStatus{other}, pod.Status.ContainerStatuses...)
		other.Name = "istio-init"
		pod.Status.InitContainerStatuses = append([]corev1.ContainerStatus{other}, pod.Status.InitContainerStatuses...)
	}
}
