package integration

import (
	"fmt"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// The pods of a node that has left are collected after 40 to 60 seconds, whatever one sets: both stories wait for it at the same time.
var _ = Describe("A node that leaves in mid-run", Ordered, ContinueOnFailure, func() {
	var (
		late *v1alpha1.ValidationRun
		lost corev1.Pod // on the node that has left
		left time.Time
	)

	BeforeAll(func(ctx SpecContext) {
		namespace, nodes, began := newNamespace(ctx), startFleet("leaves", 2), make(chan struct{})
		nodes.runs("registry.test/leaves-fleet", func(node string) podlet.GoTest {
			if node == nodes.names[0] {
				return suiteOf(good)
			}
			return suiteOf(podlet.GoTestCase{Name: "TestGood", Run: podlet.Steps(podlet.Signal(began), podlet.Hang())})
		})
		node.Script("registry.test/late", podlet.Runs())
		late = newRun(namespace, "late", "registry.test/leaves-fleet", nodes.onEach(2), func(r *v1alpha1.ValidationRun) {
			r.Spec.Phases[0].OnFailure = v1alpha1.Continue
			image := "registry.test/late"
			r.Spec.Phases = append(r.Spec.Phases, v1alpha1.Phase{Name: "alone", Exclusive: true, Container: &v1alpha1.Container{Command: []string{"/smoke"}},
				Validator: &v1alpha1.PhaseValidator{Image: &image}})
		})
		Expect(k8s.Create(ctx, late)).To(Succeed())
		Eventually(ctx, began).Should(BeClosed())
		var pods corev1.PodList
		Expect(k8s.List(ctx, &pods, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelRun: late.Name})).To(Succeed())
		i := slices.IndexFunc(pods.Items, func(p corev1.Pod) bool { return p.Spec.NodeName == nodes.names[1] })
		Expect(i).To(BeNumerically(">=", 0))
		lost = pods.Items[i]
		Expect(nodes.Remove(nodes.names[1])).To(Succeed())
		left = time.Now()
	})

	It("is named by a phase on many of which some fail and some are cordoned, though the operator is killed in the middle", func(ctx SpecContext) {
		const parallelism = 20
		namespace, nodes, many := newNamespace(ctx), startFleet("large", 200), "registry.test/large-fleet"
		failing := []string{nodes.names[13], nodes.names[77], nodes.names[150]}
		cordoned := []string{nodes.names[40], nodes.names[120]}
		vanishing, began := nodes.names[90], make(chan struct{})
		begin := sync.OnceFunc(func() { close(began) })
		// The first go on only once as many run as may.
		crowded := make(chan struct{})
		crowd := sync.OnceFunc(func() { close(crowded) })
		meets := podlet.GoTestCase{Name: "TestGood", Run: func(p *podlet.Process) {
			if nodes.active.Load() == parallelism {
				crowd()
			}
			p.Wait(crowded)
		}}
		nodes.runs(many, func(node string) podlet.GoTest {
			switch {
			case slices.Contains(nodes.names[:parallelism], node) && slices.Contains(failing, node):
				return suiteOf(meets, bad)
			case slices.Contains(nodes.names[:parallelism], node):
				return suiteOf(meets, podlet.GoTestCase{Name: "TestBad"})
			case slices.Contains(failing, node):
				return suiteOf(good, bad)
			case node == vanishing:
				return suiteOf(good, podlet.GoTestCase{Name: "TestBad", Run: podlet.Steps(func(*podlet.Process) { begin() }, podlet.Hang())})
			}
			return suiteOf(good, podlet.GoTestCase{Name: "TestBad"})
		})
		for _, name := range cordoned {
			Expect(nodes.Cordon(name, true)).To(Succeed())
		}
		run := newRun(namespace, "large-fleet", many, nodes.onEach(parallelism))
		Expect(k8s.Create(ctx, run)).To(Succeed())

		By("killing the operator in the middle")
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Phases).To(ConsistOf(HaveField("FanOut.Passed", BeNumerically(">", 40))), r.Status.Message)
		})
		operator.kill()
		operator.start()

		By("taking a node away")
		Eventually(ctx, began).WithTimeout(3 * time.Minute).Should(BeClosed())
		Expect(nodes.Remove(vanishing)).To(Succeed())

		Eventually(ctx, current(ctx, run)).WithTimeout(5 * time.Minute).Should(HaveCondition(v1alpha1.ConditionComplete, "True", "Failed"))
		out := settled(ctx, run, 1)
		p := phaseNamed(out, "deployment")
		Expect(p).To(And(HaveField("State", failed), HaveField("Reason", v1alpha1.ReasonTestsFailed)))
		Expect(*p.FanOut).To(And(HaveField("Items", BeEquivalentTo(200)), HaveField("Passed", BeEquivalentTo(194)), HaveField("Failed", BeEquivalentTo(3)),
			HaveField("Errored", BeEquivalentTo(3)), HaveField("Skipped", BeZero()), HaveField("Nodes", BeEquivalentTo(200)),
			HaveField("NodesPassed", BeEquivalentTo(194)), HaveField("Active", BeEmpty())), p.Message)
		Expect(p.FanOut.Failing).To(ConsistOf(
			BeItem("", failing[0], failed, v1alpha1.ReasonTestsFailed), BeItem("", failing[1], failed, v1alpha1.ReasonTestsFailed),
			BeItem("", failing[2], failed, v1alpha1.ReasonTestsFailed),
			BeItem("", cordoned[0], errored, v1alpha1.ReasonNodeUnschedulable), BeItem("", cordoned[1], errored, v1alpha1.ReasonNodeUnschedulable),
			BeItem("", vanishing, errored, v1alpha1.ReasonNodeLost),
		))
		Expect(p.Message).To(HavePrefix("194 of 200 nodes passed"))
		for _, name := range slices.Concat(failing, cordoned, []string{vanishing}) {
			Expect(p.Message).To(ContainSubstring(name))
		}
		Expect(out.Status.Message).To(ContainSubstring("194 of 200 nodes passed"))
		Expect(p.FanOut.Failing[:3]).To(HaveEach(HaveField("State", failed)), "what is proven comes first")
		Expect(out.Status.Failures).To(ContainElement(And(HaveField("Node", failing[0]), HaveField("Test", "TestBad"))))

		By("being whole in the result")
		items := resultOf(ctx, out).Phases[0].Items
		var names []string
		counts := map[v1alpha1.PhaseState]int{}
		for _, item := range items {
			names = append(names, item.Node)
			counts[item.State]++
		}
		Expect(names).To(ConsistOf(nodes.names))
		Expect(counts).To(Equal(map[v1alpha1.PhaseState]int{passed: 194, failed: 3, errored: 3}))

		By("staying within its bounds")
		Expect(mostActive(run, "deployment")).To(Equal(parallelism))
		Expect(nodes.most.Load()).To(BeEquivalentTo(parallelism))
		told, largest := statuses(run)
		Expect(largest).To(BeNumerically("<", 32<<10))
		Expect(jobsCreated(run)).To(HaveLen(198), "a cordoned node gets no Job, and no node two")
		AddReportEntry("status", fmt.Sprintf("%d writes, the largest of %d bytes; %d validators at a time", len(told), largest, nodes.most.Load()))
	}, SpecTimeout(12*time.Minute))

	It("is waited for by an exclusive phase, as its pod outlives the phase before", func(ctx SpecContext) {
		Eventually(ctx, current(ctx, late)).WithTimeout(4 * time.Minute).Should(HaveCondition(v1alpha1.ConditionComplete, "True", ""))
		out := settled(ctx, late, 1)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("deployment", errored, v1alpha1.ReasonNodeLost), BePhase("alone", passed, "")), out.Status.Message)
		told, _ := statuses(late)
		Expect(told).To(ContainElement(HaveField("Phases", ContainElement(And(HaveField("Name", "alone"), HaveField("State", v1alpha1.PhasePending),
			HaveField("Message", "it is exclusive, and waits for the pods of deployment to be gone"))))))
		// Nobody but the pod garbage collector writes the status of a pod whose kubelet is gone.
		ended := slices.DeleteFunc(requests(late.Namespace), func(e controlplane.AuditEvent) bool {
			return e.Resource != "pods" || e.Subresource != "status" || e.Name != lost.Name || e.Received.Before(left)
		})
		Expect(ended).NotTo(BeEmpty(), "the node's pod is there until somebody finds that it has no node, and ends it")
		made := jobsCreated(late)
		Expect(ended[0].Received).To(BeTemporally("<", made[len(made)-1].Received))
	}, SpecTimeout(6*time.Minute))
})
