package podlet

import (
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func startFleet(t *testing.T, name string, others ...string) *Node {
	t.Helper()
	fleet, err := Start(&plane.Connection, Options{Name: name, Nodes: others, Schedules: AsksForNode, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fleet.Stop(); err != nil {
			t.Error(err)
		}
	})
	return fleet
}

// asksFor makes the pods of a Job ask for a node by its name.
func asksFor(node string) func(*batchv1.Job) {
	return func(job *batchv1.Job) {
		job.Spec.Template.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{
					Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
				}},
			}}},
		}}
	}
}

func TestPodAsksForANode(t *testing.T) {
	t.Parallel()
	fleet := startFleet(t, "ask-1", "ask-2", "ask-3")
	namespace := newNamespace(t)
	fleet.Script("registry.test/"+namespace, Runs(func(p *Process) { p.Printf("on %s\n", p.Pod.Spec.NodeName) }))
	if err := fleet.Cordon("ask-3", true); err != nil {
		t.Fatal(err)
	}
	runJob(t, namespace, Runs(Exit(9)), asksFor("ask-3"))
	awaitPod(t, namespace, "to be unschedulable", func(pod *corev1.Pod) bool {
		return hasCondition(pod, corev1.PodScheduled, corev1.ConditionFalse, corev1.PodReasonUnschedulable)
	})
	if err := fleet.Cordon("ask-3", false); err != nil {
		t.Fatal(err)
	}
	awaitJob(t, namespace, batchv1.JobComplete)
	pod := awaitPod(t, namespace, "to end", terminated)
	log, err := readLog(t, pod, &corev1.PodLogOptions{})
	if want := "on ask-3\n"; err != nil || log != want || pod.Spec.NodeName != "ask-3" {
		t.Errorf("on node %s log is %q, %v, want %q", pod.Spec.NodeName, log, err, want)
	}
}

func TestNodeIsTakenAway(t *testing.T) {
	t.Parallel()
	fleet := startFleet(t, "gone-1", "gone-2")
	namespace, began := newNamespace(t), make(chan struct{})
	fleet.Script("registry.test/"+namespace, Runs(Signal(began), Hang()))
	runJob(t, namespace, Runs(Exit(9)), asksFor("gone-2"))
	awaitSignal(t, began)
	if err := fleet.Remove("gone-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Nodes().Get(t.Context(), "gone-2", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("getting the node: %v, want that it is not found", err)
	}
	pod := awaitPod(t, namespace, "to be bound", func(pod *corev1.Pod) bool { return pod.Spec.NodeName == "gone-2" })
	if log, err := readLog(t, pod, &corev1.PodLogOptions{}); err == nil {
		t.Errorf("its log is %q, want an error", log)
	}
	if err := fleet.Cordon("gone-2", true); err == nil || fmt.Sprint(err) != "node gone-2 is none of this podlet's" {
		t.Errorf("cordoning it: %v", err)
	}
}

func TestNodeIsNotReady(t *testing.T) {
	t.Parallel()
	fleet := startFleet(t, "unready-1", "unready-2")
	for _, ready := range []bool{false, true} {
		if err := fleet.SetReady("unready-2", ready); err != nil {
			t.Fatal(err)
		}
		node, err := client.CoreV1().Nodes().Get(t.Context(), "unready-2", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && (c.Status == corev1.ConditionTrue) != ready {
				t.Errorf("condition is %+v, want %v", c, ready)
			}
		}
	}
}
