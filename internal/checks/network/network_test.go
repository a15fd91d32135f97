package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	clusterConfig = "search ns.svc.cluster.local svc.cluster.local"
	serviceIP     = "10.96.0.7"
)

// world plays the parts of a cluster that a fake client lacks: pods that run, addresses, and what reaches what.
type world struct {
	client *fake.Clientset
	pods   int
	// domains is whether pods are set up for the cluster's DNS; names is what it knows of the Service.
	domains bool
	names   []string
	// trouble is what stands between the node of a pod and a target; nothing by default.
	trouble func(node, url string) string
	// stuck is a node on which pods do not start, full one that has no room for them, and crowded one that has room for a single pod.
	stuck, full, crowded string
	// affinity is the validator's own.
	affinity *corev1.Affinity
	// starts is how long after its creation a server is ready.
	starts time.Duration
	// says replaces a client's message.
	says string
	// ends is the phase in which clients end.
	ends corev1.PodPhase
}

func newWorld(objects ...runtime.Object) *world {
	w := &world{client: fake.NewClientset(objects...), domains: true, names: []string{serviceIP}, ends: corev1.PodSucceeded}
	w.trouble = func(string, string) string { return "" }
	w.client.PrependReactor("create", "services", func(action clienttesting.Action) (bool, runtime.Object, error) {
		service := created(action).(*corev1.Service)
		service.Spec.ClusterIP, service.Spec.ClusterIPs = serviceIP, []string{serviceIP}
		return false, nil, nil
	})
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		w.run(created(action).(*corev1.Pod))
		return false, nil, nil
	})
	return w
}

func created(action clienttesting.Action) runtime.Object {
	return action.(clienttesting.CreateAction).GetObject()
}

// run plays scheduler and kubelet.
func (w *world) run(pod *corev1.Pod) {
	w.pods++
	pod.UID, pod.ResourceVersion = types.UID(fmt.Sprint("pod-", w.pods)), "1"
	pod.Spec.NodeName = "a"
	if affinity := pod.Spec.Affinity; affinity != nil {
		pod.Spec.NodeName = affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values[0]
	}
	if node := pod.Spec.NodeName; node == w.full || node == w.crowded && pod.Spec.Containers[0].Env[0].Value == probe.Connect {
		pod.Spec.NodeName = ""
		pod.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled,
			Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "1 Insufficient cpu."}}}
		return
	}
	if pod.Spec.NodeName == w.stuck {
		pod.Status = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}}
		return
	}
	env := map[string]string{}
	for _, v := range pod.Spec.Containers[0].Env {
		env[v.Name] = v.Value
	}
	if env[probe.Variable] == probe.Serve {
		pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.0.0.%d", w.pods),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
		w.later(pod)
		return
	}
	message := w.says
	if message == "" {
		message = w.message(pod.Spec.NodeName, env)
	}
	pod.Status = corev1.PodStatus{Phase: w.ends, ContainerStatuses: []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: message}}}}}
}

// later has a pod be pending first, and come to its state after a while.
func (w *world) later(pod *corev1.Pod) {
	if w.starts == 0 {
		return
	}
	then := pod.DeepCopy()
	then.Namespace, then.ResourceVersion = "ns", "2"
	pod.Status = corev1.PodStatus{Phase: corev1.PodPending}
	time.AfterFunc(w.starts, func() {
		_ = w.client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("pods"), then, then.Namespace)
	})
}

// message is what a probe leaves.
func (w *world) message(node string, env map[string]string) string {
	var outcome any
	switch env[probe.Variable] {
	case probe.Connect:
		var targets []probe.Target
		if err := json.Unmarshal([]byte(env[probe.TargetsVariable]), &targets); err != nil {
			return err.Error()
		}
		troubles := map[string]string{}
		for _, target := range targets {
			troubles[target.Name] = w.trouble(node, target.URL)
		}
		outcome = troubles
	case probe.Resolve:
		var names []string
		if err := json.Unmarshal([]byte(env[probe.TargetsVariable]), &names); err != nil {
			return err.Error()
		}
		found := probe.Resolution{Search: []string{"example.com"}, Servers: []string{"1.1.1.1"}}
		if w.domains {
			found = probe.Resolution{Search: strings.Fields(clusterConfig)[1:], Servers: []string{"10.96.0.10"},
				Addresses: map[string][]string{}, Trouble: map[string]string{}}
			for _, name := range names {
				found.Addresses[name] = w.names
				if len(w.names) == 0 {
					found.Trouble[name] = "i/o timeout"
				}
			}
		}
		outcome = found
	}
	data, err := json.Marshal(outcome)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func (w *world) forbid(verb, resource string) *world {
	w.client.PrependReactor(verb, resource, func(action clienttesting.Action) (bool, runtime.Object, error) {
		// try itself looks at what is left in the run's namespace.
		return verb != "list" || action.GetNamespace() != "ns", nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no rule"))
	})
	return w
}

// try runs a check in the world, sees that it leaves nothing behind, and compares what it says.
func (w *world) try(t *testing.T, check func(context.Context, *cluster.Bench) *finding.Finding, skip finding.Skip, words ...string) {
	t.Helper()
	self := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "validator", Namespace: "ns", UID: "self"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Image: "validator:dev"}}, Affinity: w.affinity},
	}
	bench := cluster.At(w.client, nil, self).Bench("TestNetwork")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	f := check(ctx, bench)
	bench.Clear(t.Errorf)
	for resource, left := range map[string]int{"pods": len(must(w.client.CoreV1().Pods("ns").List(t.Context(), metav1.ListOptions{})).Items),
		"services": len(must(w.client.CoreV1().Services("ns").List(t.Context(), metav1.ListOptions{})).Items)} {
		if left != 0 {
			t.Errorf("%d %s are left", left, resource)
		}
	}

	text := f.Why
	for _, problem := range f.Problems {
		text += "\n" + problem.String()
	}
	if f.Skip != skip {
		t.Errorf("skip = %q, want %q", f.Skip, skip)
	}
	switch {
	case skip != "" && f.Failed():
		t.Errorf("fails, want a skip: %s", text)
	case skip == "" && len(words) == 0 && !f.Passed():
		t.Errorf("want a pass: %s", text)
	case skip == "" && len(words) > 0 && !f.Failed():
		t.Error("want a failure")
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("says %q, want %q in it", text, word)
		}
	}
}

func must[T any](list T, err error) T {
	if err != nil {
		panic(err)
	}
	return list
}

func TestDNS(t *testing.T) {
	kubeDNS := &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Name: "kube-dns", Namespace: metav1.NamespaceSystem, Labels: map[string]string{"k8s-app": "kube-dns"}}}
	t.Run("names are known", func(t *testing.T) { newWorld().try(t, DNS, "") })
	t.Run("the name server does not answer", func(t *testing.T) {
		w := newWorld()
		w.names = nil
		w.try(t, DNS, "", "to have the address 10.96.0.7", "none at the name servers 10.96.0.10: i/o timeout", "k8s-app=kube-dns")
	})
	t.Run("another address", func(t *testing.T) {
		w := newWorld()
		w.names = []string{"192.0.2.1"}
		w.try(t, DNS, "", "to have the address 10.96.0.7; found 192.0.2.1")
	})
	t.Run("a cluster without DNS", func(t *testing.T) {
		w := newWorld()
		w.domains = false
		w.try(t, DNS, finding.NotApplicable, "no DNS")
	})
	t.Run("kubelets that do not know of it", func(t *testing.T) {
		w := newWorld(kubeDNS)
		w.domains = false
		w.try(t, DNS, "", "the Service kube-system/kube-dns", `at ["1.1.1.1"]`, "set clusterDNS")
	})
	t.Run("without the right to look", func(t *testing.T) {
		w := newWorld().forbid("list", "services")
		w.domains = false
		w.try(t, DNS, finding.CouldNotRun, "the right to list services in the namespace kube-system")
	})
	t.Run("without the right to create Services", func(t *testing.T) {
		newWorld().forbid("create", "services").try(t, DNS, finding.CouldNotRun, "the right to create services in the namespace ns")
	})
	t.Run("without the right to create pods", func(t *testing.T) {
		newWorld().forbid("create", "pods").try(t, DNS, finding.CouldNotRun, "the right to create pods in the namespace ns")
	})
	t.Run("a probe that says nothing", func(t *testing.T) {
		w := newWorld()
		w.says = "Killed"
		w.try(t, DNS, "", `found "Killed" as its termination message`)
	})
	t.Run("a probe that does not start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.stuck = "a"
			w.try(t, DNS, "", "to succeed", "ImagePullBackOff", "waited 5m0s", "see the events of the namespace ns")
		})
	})
}

func TestRouting(t *testing.T) {
	blocked := func(part string) func(string, string) string {
		return func(_, url string) string {
			if strings.Contains(url, part) {
				return "i/o timeout"
			}
			return ""
		}
	}
	t.Run("it answers", func(t *testing.T) { newWorld().try(t, Routing, "") })
	t.Run("not at the Service's address", func(t *testing.T) {
		w := newWorld()
		w.trouble = blocked(serviceIP)
		w.try(t, Routing, "", "to answer at the address 10.96.0.7", "at its own address alone: i/o timeout", "kube-proxy")
	})
	t.Run("nowhere", func(t *testing.T) {
		w := newWorld()
		w.trouble = blocked("http")
		w.try(t, Routing, "", "nor at its own address 10.0.0.1", "NetworkPolicy")
	})
	t.Run("at the Service's address alone", func(t *testing.T) {
		w := newWorld()
		w.trouble = blocked("10.0.0.1")
		w.try(t, Routing, "")
	})
	t.Run("a client that says too little", func(t *testing.T) {
		w := newWorld()
		w.says = `{"pod":""}`
		w.try(t, Routing, "", "the client to try two addresses")
	})
	t.Run("a client that fails", func(t *testing.T) {
		w := newWorld()
		w.ends = corev1.PodFailed
		w.try(t, Routing, "", "on node a to succeed; found it Failed")
	})
	t.Run("a server that does not start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.stuck = "a"
			w.try(t, Routing, "", "on node a to be ready", "ImagePullBackOff")
		})
	})
	t.Run("without the right to create pods", func(t *testing.T) {
		newWorld().forbid("create", "pods").try(t, Routing, finding.CouldNotRun, "create pods")
	})
	t.Run("a full cluster", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.full = "a"
			// The validator may itself be meant for one node.
			pinned := &corev1.Pod{}
			pin("a")(pinned)
			w.affinity = pinned.Spec.Affinity
			w.try(t, Routing, finding.CouldNotRun, "1 Insufficient cpu. To mend: make room")
		})
	})
	t.Run("without the right to watch pods", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.stuck = "a"
			w.client.PrependWatchReactor("pods", func(clienttesting.Action) (bool, watch.Interface, error) {
				return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no rule"))
			})
			w.try(t, Routing, finding.CouldNotRun, "the right to watch pods")
		})
	})
}

func node(name string, change func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	if change != nil {
		change(n)
	}
	return n
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }
func notReady(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionFalse }
func tainted(n *corev1.Node) {
	n.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
}

func TestReachability(t *testing.T) {
	a, b, c := node("a", nil), node("b", nil), node("c", nil)
	t.Run("all reach all", func(t *testing.T) {
		w := newWorld(a, b, c)
		asked := map[string]int{}
		w.trouble = func(node, url string) string { asked[node]++; return "" }
		w.try(t, Reachability, "")
		if asked["a"] != 2 || asked["b"] != 2 || asked["c"] != 2 {
			t.Errorf("ways tried by node = %v, want each to try two", asked)
		}
	})
	t.Run("one way is blocked", func(t *testing.T) {
		w := newWorld(a, b, c)
		w.trouble = func(node, url string) string {
			if node == "a" && strings.Contains(url, "10.0.0.3:") {
				return "i/o timeout"
			}
			return ""
		}
		w.try(t, Reachability, "", "expected pods on node a to reach pods on node c; found i/o timeout at 10.0.0.3. To mend",
			"no firewall between a and c")
	})
	t.Run("one way was not tried", func(t *testing.T) {
		w := newWorld(a, b)
		w.says = `{"0":""}`
		w.try(t, Reachability, "", "expected pods on node a to reach pods on node b; found that the client did not try")
	})
	t.Run("pods do not start on one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(a, b, c)
			w.stuck = "b"
			w.trouble = func(node, _ string) string { return "asked on node " + node }
			w.try(t, Reachability, "", "on node b to be ready", "ImagePullBackOff", "node a to reach pods on node c", "asked on node c")
		})
	})
	t.Run("pods take their time on the others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(a, b, c)
			w.stuck, w.starts = "a", time.Second
			w.trouble = func(node, _ string) string { return "asked on node " + node }
			w.try(t, Reachability, "", "on node a to be ready", "ImagePullBackOff", "node b to reach pods on node c", "asked on node c")
		})
	})
	t.Run("one is full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(a, b, c)
			w.full, w.starts = "a", time.Second
			w.try(t, Reachability, "")
		})
	})
	t.Run("one has room for a server alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(a, b, c)
			w.crowded, w.starts = "a", time.Second
			w.try(t, Reachability, "")
		})
	})
	t.Run("one of two is full", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(a, b)
			w.full = "b"
			w.try(t, Reachability, finding.CouldNotRun, "of 2 nodes, 1 had room for a pod")
		})
	})
	t.Run("one node", func(t *testing.T) { newWorld(a).try(t, Reachability, finding.NotApplicable, "one node") })
	t.Run("others are left out", func(t *testing.T) {
		w := newWorld(a, b, node("d", cordoned), node("e", notReady), node("f", tainted))
		w.trouble = func(node, _ string) string {
			if node > "b" {
				return "asked on node " + node
			}
			return ""
		}
		w.try(t, Reachability, "")
	})
	t.Run("one is left", func(t *testing.T) {
		newWorld(a, node("d", cordoned)).try(t, Reachability, finding.CouldNotRun, "of 2 nodes, 1 are healthy", "uncordon")
	})
	t.Run("without the right to list nodes", func(t *testing.T) {
		newWorld(a, b).forbid("list", "nodes").try(t, Reachability, finding.CouldNotRun, "list nodes")
	})
	t.Run("without the right to create pods", func(t *testing.T) {
		newWorld(a, b).forbid("create", "pods").try(t, Reachability, finding.CouldNotRun, "create pods")
	})
	t.Run("of many nodes, twenty", func(t *testing.T) {
		var many []runtime.Object
		for i := range 25 {
			many = append(many, node(fmt.Sprintf("n%02d", i), nil))
		}
		w := newWorld(many...)
		w.try(t, Reachability, "")
		if w.pods != 2*maxNodes {
			t.Errorf("%d pods were made, want two for each of %d nodes", w.pods, maxNodes)
		}
	})
}
