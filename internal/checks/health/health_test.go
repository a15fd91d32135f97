package health

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error = %v, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error = %v, want one with %q", err, want)
	}
}

func TestDeployment(t *testing.T) {
	tests := map[string]struct {
		desired    *int32
		generation int64
		status     appsv1.DeploymentStatus
		want       string
	}{
		"complete": {new(int32(2)), 3,
			appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}, ""},
		"one replica by default": {nil, 1,
			appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}, ""},
		"never seen": {nil, 1, appsv1.DeploymentStatus{}, "generation 0 of 1"},
		"not seen since the change": {new(int32(2)), 4,
			appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}, "generation 3 of 4"},
		"scaled to nothing": {new(int32(0)), 1, appsv1.DeploymentStatus{ObservedGeneration: 1}, "no replicas are desired"},
		"some are old": {new(int32(2)), 3,
			appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 1, AvailableReplicas: 2},
			"1 of 2 replicas are of the current"},
		"an old one is left": {new(int32(2)), 3,
			appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 3, UpdatedReplicas: 2, AvailableReplicas: 3},
			"1 replicas of an older"},
		"one is not available": {new(int32(2)), 3,
			appsv1.DeploymentStatus{ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 1},
			"1 of 2 replicas are available"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantError(t, Deployment(&appsv1.Deployment{
				ObjectMeta: metav1.ObjectMeta{Generation: tt.generation},
				Spec:       appsv1.DeploymentSpec{Replicas: tt.desired},
				Status:     tt.status,
			}), tt.want)
		})
	}
}

func TestDaemonSet(t *testing.T) {
	tests := map[string]struct {
		status appsv1.DaemonSetStatus
		want   string
	}{
		"complete": {appsv1.DaemonSetStatus{
			ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 3}, ""},
		"never seen":   {appsv1.DaemonSetStatus{}, "generation 0 of 2"},
		"matches none": {appsv1.DaemonSetStatus{ObservedGeneration: 2}, "no node matches"},
		"one is old": {
			appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 2, NumberAvailable: 3},
			"2 of 3 pods are of",
		},
		"one is broken": {
			appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 2},
			"2 of 3 pods are available",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			wantError(t, DaemonSet(&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Status: tt.status}), tt.want)
		})
	}
}

func TestStatefulSet(t *testing.T) {
	done := appsv1.StatefulSetStatus{
		ObservedGeneration: 2, UpdatedReplicas: 2, AvailableReplicas: 2,
	}
	tests := map[string]struct {
		desired int32
		change  func(*appsv1.StatefulSetStatus)
		want    string
	}{
		"complete":      {2, func(*appsv1.StatefulSetStatus) {}, ""},
		"scaled to 0":   {0, func(*appsv1.StatefulSetStatus) {}, "no replicas are desired"},
		"never seen":    {2, func(s *appsv1.StatefulSetStatus) { *s = appsv1.StatefulSetStatus{} }, "generation 0 of 2"},
		"one is old":    {2, func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas = 1 }, "1 of 2 replicas are of"},
		"one is broken": {2, func(s *appsv1.StatefulSetStatus) { s.AvailableReplicas = 1 }, "1 of 2 replicas are available"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			set := &appsv1.StatefulSet{
				ObjectMeta: metav1.ObjectMeta{Generation: 2}, Spec: appsv1.StatefulSetSpec{Replicas: &tt.desired}, Status: done,
			}
			tt.change(&set.Status)
			wantError(t, StatefulSet(set), tt.want)
		})
	}
}

func TestNodeProblems(t *testing.T) {
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus) corev1.NodeCondition {
		return corev1.NodeCondition{Type: kind, Status: status, Reason: "R", Message: "m"}
	}
	tests := map[string]struct {
		conditions []corev1.NodeCondition
		want       []string
	}{
		"healthy": {[]corev1.NodeCondition{
			condition(corev1.NodeReady, corev1.ConditionTrue), condition(corev1.NodeMemoryPressure, corev1.ConditionFalse),
			condition("SomebodyElses", corev1.ConditionTrue)}, nil},
		"never reported": {nil, []string{"it has no Ready condition"}},
		"lost": {[]corev1.NodeCondition{
			condition(corev1.NodeReady, corev1.ConditionUnknown)}, []string{"Ready is Unknown (R: m)"}},
		"full disk and no processes left": {[]corev1.NodeCondition{
			condition(corev1.NodeDiskPressure, corev1.ConditionTrue), condition(corev1.NodePIDPressure, corev1.ConditionTrue),
			condition(corev1.NodeReady, corev1.ConditionTrue)},
			[]string{"DiskPressure is True (R: m)", "PIDPressure is True (R: m)"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := NodeProblems(&corev1.Node{Status: corev1.NodeStatus{Conditions: tt.conditions}})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("NodeProblems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoMachine(t *testing.T) {
	gone := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	tests := map[string]struct {
		node               corev1.Node
		leaving, noMachine string
	}{
		"a machine": {corev1.Node{Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.37.1-vks.1"}}}, "", ""},
		"on its way out": {corev1.Node{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &gone}},
			"it is being deleted since 2026-01-02T03:04:05Z", "it is being deleted since 2026-01-02T03:04:05Z"},
		"virtual by its label": {corev1.Node{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"type": "virtual-kubelet"}}}, "", "it is a virtual node"},
		"virtual by its version": {corev1.Node{Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: "v1.15.2-vk-v1.6.1"}}},
			"", "it is a virtual node"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Leaving(&tt.node); got != tt.leaving {
				t.Errorf("Leaving = %q, want %q", got, tt.leaving)
			}
			if got := NoMachine(&tt.node); got != tt.noMachine {
				t.Errorf("NoMachine = %q, want %q", got, tt.noMachine)
			}
		})
	}
}

func TestPodProblems(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "m"}}
	}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	crashed := func(ago time.Duration, code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: code, Reason: "Error", FinishedAt: metav1.NewTime(now.Add(-ago))}}
	}
	tests := map[string]struct {
		status  corev1.ContainerStatus
		leaving bool
		want    []string
	}{
		"runs":            {corev1.ContainerStatus{State: running}, false, nil},
		"is being made":   {corev1.ContainerStatus{State: waiting("ContainerCreating")}, false, nil},
		"is initializing": {corev1.ContainerStatus{State: waiting("PodInitializing")}, false, nil},
		"loops": {corev1.ContainerStatus{State: waiting("CrashLoopBackOff"), RestartCount: 4}, false,
			[]string{"container c waits in CrashLoopBackOff after 4 restarts: m"}},
		"cannot pull": {corev1.ContainerStatus{State: waiting("ImagePullBackOff")}, false,
			[]string{"container c waits in ImagePullBackOff after 0 restarts: m"}},
		"loops and is on its way out": {corev1.ContainerStatus{State: waiting("CrashLoopBackOff")}, true, nil},
		"runs between two crashes": {
			corev1.ContainerStatus{State: running, RestartCount: 3, LastTerminationState: crashed(4*time.Minute, 1)}, false,
			[]string{"container c crashes again and again: 3 restarts, last ended with exit code 1 (Error)"}},
		"has crashed again": {corev1.ContainerStatus{State: crashed(20*time.Second, 1), RestartCount: 2}, false,
			[]string{"container c crashes again and again: 2 restarts, last ended with exit code 1 (Error)"}},
		"has crashed for the first time": {corev1.ContainerStatus{State: crashed(0, 1)}, false, nil},
		"has ended well":                 {corev1.ContainerStatus{State: crashed(0, 0), RestartCount: 2}, false, nil},
		"has ended well after crashes": {
			corev1.ContainerStatus{State: crashed(0, 0), RestartCount: 3, LastTerminationState: crashed(time.Minute, 1)}, false, nil},
		"crashed long ago": {
			corev1.ContainerStatus{State: running, RestartCount: 3, LastTerminationState: crashed(time.Hour, 1)}, false, nil},
		"crashed once": {
			corev1.ContainerStatus{State: running, RestartCount: 1, LastTerminationState: crashed(time.Minute, 1)}, false, nil},
		"ends by itself and is started again": {
			corev1.ContainerStatus{State: running, RestartCount: 9, LastTerminationState: crashed(time.Minute, 0)}, false, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.status.Name = "c"
			for _, pod := range []*corev1.Pod{
				{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{tt.status}}},
				{Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{tt.status}}},
			} {
				if tt.leaving {
					pod.DeletionTimestamp = &metav1.Time{Time: now}
				}
				if diff := cmp.Diff(tt.want, PodProblems(pod, now)); diff != "" {
					t.Errorf("PodProblems (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestDescribePod(t *testing.T) {
	pod := &corev1.Pod{Status: corev1.PodStatus{
		Phase: corev1.PodPending,
		Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available"}},
		ContainerStatuses: []corev1.ContainerStatus{
			{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}},
			{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}},
		},
		Message: "evicted",
	}}
	want := "Pending; not scheduled: Unschedulable: 0/1 nodes are available; container waits: ContainerCreating; " +
		"container ended with exit code 137 (OOMKilled); evicted"
	if diff := cmp.Diff(want, DescribePod(pod)); diff != "" {
		t.Errorf("DescribePod (-want +got):\n%s", diff)
	}
}
