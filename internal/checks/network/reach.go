package network

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/fleet"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// maxNodes bounds the nodes that are tried: each needs two pods, and the ways between them grow with their square.
const maxNodes = 20

// startTime bounds the start of all servers, pulling the image included.
const startTime = 2 * time.Minute

// station is a node with a server on it.
type station struct {
	node   string
	answer string
	server *corev1.Pod
	client *corev1.Pod
}

// Reachability has a pod on each node ask one on each other node, at the pod's own address.
func Reachability(ctx context.Context, b *cluster.Bench) *finding.Finding {
	w := &work{Bench: b, pins: true}
	w.reachability(ctx)
	return &w.Finding
}

func (w *work) reachability(ctx context.Context) {
	stations, ok := w.stations(ctx)
	if !ok {
		return
	}
	if stations, ok = w.serveOn(ctx, stations); !ok {
		return
	}
	for i := range stations {
		if stations[i].client, ok = w.connect(ctx, others(stations, i), pin(stations[i].node)); !ok {
			return
		}
	}
	clients := w.awaitAll(ctx, stations, func(s station) *corev1.Pod { return s.client }, health.PodFinished)
	tried := 0
	for i := range stations {
		var troubles map[string]string
		if !w.decode(clients[i], &troubles) {
			continue
		}
		tried += w.judgeWays(stations, i, troubles)
	}
	w.Measure("ways", tried)
	if tried == 0 && w.Passed() {
		w.CouldNotRun("none of %d nodes had room for a second pod. To mend: make room", len(stations))
	}
}

// awaitAll waits for a pod of each station, all at once: one that hangs must not take the time from the others.
func (w *work) awaitAll(ctx context.Context, stations []station, of func(station) *corev1.Pod, done func(*corev1.Pod) bool) []seen {
	all := make([]seen, len(stations))
	var waits sync.WaitGroup
	for i := range stations {
		waits.Go(func() { all[i] = w.await(ctx, of(stations[i]), done) })
	}
	waits.Wait()
	return all
}

// stations are the nodes to try: those that are healthy and take the validator's pods.
func (w *work) stations(ctx context.Context) ([]station, bool) {
	all := fleet.List(ctx, w, &w.Finding)
	if len(all) == 0 {
		return nil, false
	}
	w.Measure("nodes", len(all))
	if len(all) == 1 {
		w.NotApplicable("the cluster has one node")
		return nil, false
	}
	own, err := w.Own()
	if err != nil {
		w.Refused("get pods in the namespace "+w.Namespace, fmt.Errorf("finding the validator's own pod: %w", err))
		return nil, false
	}
	slices.SortFunc(all, func(a, b corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	var stations []station
	var out []string
	for i := range all {
		if why := leftOut(&all[i], &own.Spec); why != "" {
			out = append(out, all[i].Name)
			w.Note("node %s is left out: %s", all[i].Name, why)
			continue
		}
		stations = append(stations, station{node: all[i].Name, answer: newAnswer()})
	}
	if len(out) > 0 {
		w.Measure("nodes.left-out", strings.Join(out, ","))
	}
	if len(stations) < 2 {
		w.CouldNotRun("of %d nodes, %d are healthy and take the validator's pods. To mend: kubectl uncordon a node, or give the run "+
			"tolerations for the nodes' taints and a nodeSelector that they meet", len(all), len(stations))
		return nil, false
	}
	if len(stations) > maxNodes {
		w.Note("of %d nodes the first %d are tried", len(stations), maxNodes)
		stations = stations[:maxNodes]
	}
	w.Measure("nodes.tried", len(stations))
	return stations, true
}

// leftOut says why a node is not tried; empty if it is. The pods that are to run there have the validator's image, built for its platform,
// and the validator's own demands of nodes.
func leftOut(node *corev1.Node, own *corev1.PodSpec) string {
	if why := health.NoMachine(node); why != "" {
		return why
	}
	if node.Spec.Unschedulable {
		return "it is cordoned"
	}
	if problems := health.NodeProblems(node); len(problems) > 0 {
		return strings.Join(problems, "; ")
	}
	if taint := health.Untolerated(node, own.Tolerations); taint != nil {
		return "it is tainted " + taint.ToString()
	}
	switch info := node.Status.NodeInfo; {
	case info.OperatingSystem != "" && info.OperatingSystem != "linux":
		return "its operating system is " + info.OperatingSystem
	case info.Architecture != "" && info.Architecture != runtime.GOARCH:
		return fmt.Sprintf("its architecture is %s, and the validator's is %s", info.Architecture, runtime.GOARCH)
	case !health.Selected(node, own):
		return "the validator's nodeSelector or affinity leaves it out"
	}
	return ""
}

// serveOn makes a server on each node, and returns those that came to be ready.
func (w *work) serveOn(ctx context.Context, stations []station) ([]station, bool) {
	for i := range stations {
		var ok bool
		if stations[i].server, ok = w.server(ctx, stations[i].answer, nil, pin(stations[i].node)); !ok {
			return nil, false
		}
	}
	// A node on which nothing starts must not take the time from the others.
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	var serving []station
	for i, server := range w.awaitAll(ctx, stations, func(s station) *corev1.Pod { return s.server }, serves) {
		if w.isReady(server) {
			stations[i].server = server.pod
			serving = append(serving, stations[i])
		}
	}
	if len(serving) < 2 && w.Passed() {
		w.CouldNotRun("of %d nodes, %d had room for a pod. To mend: make room on a second one", len(stations), len(serving))
	}
	return serving, len(serving) > 1
}

// noRoom reports whether a pod waits for room. A node that it is pinned to is left out; without a node for it there is nothing to try.
func (w *work) noRoom(pod *corev1.Pod) bool {
	node, words := pinnedTo(pod), cluster.Unschedulable(pod)
	if !w.pins || node == "" || words == "" {
		return cluster.NoRoom(&w.Finding, pod)
	}
	w.Note("node %s is left out: it has no room for pod %s: %s", node, pod.Name, words)
	return true
}

// pin puts a pod on a node, by way of the scheduler, so that what a node demands of pods still holds. What the validator demands of nodes,
// this one meets.
func pin(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.NodeSelector = nil
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchFields: []corev1.NodeSelectorRequirement{{
					Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
				}},
			}}},
		}}
	}
}

// pinnedTo is the node that pin has put a pod on.
func pinnedTo(pod *corev1.Pod) string {
	if a := pod.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
			for _, field := range term.MatchFields {
				if field.Key == metav1.ObjectNameField && len(field.Values) == 1 {
					return field.Values[0]
				}
			}
		}
	}
	return ""
}

// others are the servers on all nodes but one, by their number.
func others(stations []station, but int) []probe.Target {
	var targets []probe.Target
	for i, s := range stations {
		if i != but {
			targets = append(targets, probe.Target{
				Name: strconv.Itoa(i), URL: address(s.server.Status.PodIP, probe.Port), Want: s.answer,
			})
		}
	}
	return targets
}

// judgeWays judges the ways from one node to all others, and returns how many were tried.
func (w *work) judgeWays(stations []station, from int, troubles map[string]string) int {
	tried := 0
	for i, s := range stations {
		if i == from {
			continue
		}
		trouble, found := troubles[strconv.Itoa(i)]
		if !found {
			trouble = "that the client did not try"
		} else {
			tried++
		}
		if trouble != "" {
			w.Fail(fmt.Sprintf("pods on node %s to reach pods on node %s", stations[from].node, s.node),
				fmt.Sprintf("%s at %s", trouble, s.server.Status.PodIP), fmt.Sprintf("see that the network plug-in runs on both nodes, that "+
					"no firewall between %s and %s drops its packets, and that no NetworkPolicy forbids traffic within the namespace %s",
					stations[from].node, s.node, w.Namespace))
		}
	}
	return tried
}
