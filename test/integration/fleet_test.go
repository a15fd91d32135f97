package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// fleetLabel tells the nodes of one fleet from all others.
const fleetLabel = "test.example/fleet"

// fleet is many nodes on one scripted kubelet. Its images are its own.
type fleet struct {
	*podlet.Node
	names []string
	// active is how many programs run now, and most how many ran at a time.
	active, most atomic.Int32
}

// startFleet registers nodes for one spec.
func startFleet(name string, count int) *fleet {
	GinkgoHelper()
	f := &fleet{}
	for i := range count {
		f.names = append(f.names, fmt.Sprintf("%s-%03d", name, i))
	}
	var err error
	f.Node, err = podlet.Start(&plane.Connection, podlet.Options{
		Name: f.names[0], Nodes: f.names[1:], Labels: map[string]string{fleetLabel: name}, Schedules: podlet.AsksForNode,
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(f.Stop()).To(Succeed()) })
	return f
}

// runs scripts an image whose test binary is another on each node, and counts those that run.
func (f *fleet) runs(image string, on func(node string) podlet.GoTest) {
	list := func(p *podlet.Process) { on(p.Pod.Spec.NodeName).Step()(p) }
	run := func(p *podlet.Process) {
		now := f.active.Add(1)
		defer f.active.Add(-1)
		for most := f.most.Load(); now > most && !f.most.CompareAndSwap(most, now); most = f.most.Load() {
		}
		list(p)
	}
	f.Script(image, podlet.Script{Init: podlet.Container{Run: list}, Main: podlet.Container{Run: run}})
}

// onEach has the first phase run on each node of a fleet, so many at a time.
func (f *fleet) onEach(parallelism int32) change {
	return phase(func(p *v1alpha1.Phase) {
		p.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{fleetLabel: v1alpha1.LabelValue(f.names[0][:len(f.names[0])-4])}}
		p.Parallelism = &parallelism
	})
}

func suiteOf(cases ...podlet.GoTestCase) podlet.GoTest { return podlet.GoTest{Tests: cases} }

// phaseNamed is what status says of a phase.
func phaseNamed(run *v1alpha1.ValidationRun, name string) v1alpha1.PhaseStatus {
	GinkgoHelper()
	i := slices.IndexFunc(run.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return p.Name == name })
	Expect(i).To(BeNumerically(">=", 0), "there is no phase %s", name)
	return run.Status.Phases[i]
}

// BeItem matches an item that did not pass.
func BeItem(check, node string, state v1alpha1.PhaseState, reason string) gomegatypes.GomegaMatcher {
	return And(HaveField("Check", check), HaveField("Node", node), HaveField("State", state), HaveField("Reason", reason))
}

// statuses are all states of a run that anybody was told of, with the size of each status in bytes.
func statuses(run *v1alpha1.ValidationRun) (out []v1alpha1.ValidationRunStatus, largest int) {
	GinkgoHelper()
	events, err := controlplane.ReadAudit(plane.AuditLogPath, run.Namespace)
	Expect(err).NotTo(HaveOccurred())
	for _, e := range events {
		if e.Resource != "validationruns" || e.Name != run.Name || e.Verb != "patch" || e.Code != 200 {
			continue
		}
		var told struct {
			Status json.RawMessage `json:"status"`
		}
		Expect(json.Unmarshal(e.Response, &told)).To(Succeed())
		if len(told.Status) == 0 {
			continue
		}
		var status v1alpha1.ValidationRunStatus
		Expect(json.Unmarshal(told.Status, &status)).To(Succeed())
		out, largest = append(out, status), max(largest, len(told.Status))
	}
	Expect(out).NotTo(BeEmpty())
	return out, largest
}

// mostActive is how many items of a phase status ever said were active at a time.
func mostActive(run *v1alpha1.ValidationRun, phase string) (most int) {
	GinkgoHelper()
	all, _ := statuses(run)
	for _, status := range all {
		for _, p := range status.Phases {
			if p.Name == phase && p.FanOut != nil {
				most = max(most, len(p.FanOut.Active))
			}
		}
	}
	return most
}

// podsRunning are the pods of a run that have not ended.
func podsRunning(ctx context.Context, g Gomega, run *v1alpha1.ValidationRun) (names []string) {
	var pods corev1.PodList
	g.Expect(k8s.List(ctx, &pods, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
	for i := range pods.Items {
		if p := &pods.Items[i]; p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			names = append(names, p.Name)
		}
	}
	return names
}
