package cluster

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

func TestNoRoom(t *testing.T) {
	said := func(node string, status corev1.ConditionStatus, reason, message string) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionFalse},
			{Type: corev1.PodScheduled, Status: status, Reason: reason, Message: message},
		}}}
	}
	tests := map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"a full cluster": {said("", corev1.ConditionFalse, "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."),
			": 0/1 nodes are available: 1 Insufficient cpu. To mend: make room"},
		"a gate":                          {said("", corev1.ConditionFalse, "SchedulingGated", "Scheduling is blocked"), ": Scheduling is blocked. To mend"},
		"nothing said":                    {said("", corev1.ConditionFalse, "Unschedulable", ""), ": Unschedulable. To mend"},
		"a pod that has a node by now":    {said("a", corev1.ConditionFalse, "Unschedulable", "no room"), ""},
		"a pod that has a node":           {said("a", corev1.ConditionTrue, "", ""), ""},
		"a scheduler that fails":          {said("", corev1.ConditionFalse, "SchedulerError", "timed out"), ""},
		"a pod that nobody has looked at": {&corev1.Pod{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var f finding.Finding
			is := NoRoom(&f, tt.pod)
			if is != (tt.want != "") || is != (f.Skip == finding.CouldNotRun) || f.Failed() {
				t.Errorf("no room = %t, found %+v, want %t", is, f, tt.want != "")
			}
			if !strings.Contains(f.Why, tt.want) {
				t.Errorf("says %q, want %q in it", f.Why, tt.want)
			}
		})
	}
}

func TestWordsOfSchedulers(t *testing.T) {
	tests := map[string]struct{ full, volumeless bool }{
		"0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.":                                               {full: true},
		"0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No victims.":                             {full: true},
		"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.":                                               {volumeless: true},
		"0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) didn't find available persistent volumes to bind.": {volumeless: true},
		"0/1 nodes are available: 1 node(s) did not have enough free storage.":                                                     {volumeless: true},
		"0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't find available persistent volumes to bind.":              {full: true},
		"all nodes are unavailable: 3 node(s) resource fit failed.":                                                                {full: true},
		"its group is not complete": {},
	}
	for words, want := range tests {
		if Full(words) != want.full || LacksVolume(words) != want.volumeless {
			t.Errorf("%q: full = %t, lacks a volume = %t, want %+v", words, Full(words), LacksVolume(words), want)
		}
	}
}
