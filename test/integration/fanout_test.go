package integration

import (
	"fmt"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("A phase on many nodes", func() {
	It("of which some fail, some are cordoned and one vanishes names exactly those, though the operator is killed in the middle", func(ctx SpecContext) {
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

	It("can be suspended and resumed, and does nothing twice that has ended", func(ctx SpecContext) {
		namespace, nodes, image := newNamespace(ctx), startFleet("rests", 6), "registry.test/rests-fleet"
		open := make(chan struct{})
		nodes.runs(image, func(node string) podlet.GoTest {
			if slices.Contains(nodes.names[:2], node) {
				return suiteOf(good)
			}
			return suiteOf(podlet.GoTestCase{Name: "TestGood", Run: podlet.Gate(open)})
		})
		run := newRun(namespace, "rests-fleet", image, nodes.onEach(2))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Phases).To(ConsistOf(HaveField("FanOut", HaveValue(And(HaveField("Passed", BeEquivalentTo(2)),
				HaveField("Active", HaveEach(HaveField("Running", "TestGood"))), HaveField("Active", HaveLen(2)))))))
		})
		edit(ctx, run, suspend(true))
		rests := atRest(ctx, run)
		Expect(rests.Status.Phases).To(ConsistOf(HaveField("State", v1alpha1.PhasePending)))
		Expect(podsRunning(ctx, Default, run)).To(BeEmpty())
		close(open)
		edit(ctx, run, suspend(false))
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(phaseNamed(out, "deployment")).To(And(HaveField("FanOut.Passed", BeEquivalentTo(6)), HaveField("Retries", BeZero()), HaveField("Flaky", false)))
		Expect(jobsCreated(run)).To(HaveLen(8), "the two that were stopped ran again, and nothing else")
		Expect(resultOf(ctx, out).Phases[0].Items).To(HaveLen(6))
	})

	It("can be cancelled, after which nothing of it runs", func(ctx SpecContext) {
		namespace, nodes, image := newNamespace(ctx), startFleet("ends", 6), "registry.test/ends-fleet"
		nodes.runs(image, func(node string) podlet.GoTest {
			if node == nodes.names[0] {
				return suiteOf(good)
			}
			return suiteOf(podlet.GoTestCase{Name: "TestGood", Run: podlet.Hang()})
		})
		run := newRun(namespace, "ends-fleet", image, nodes.onEach(3))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Phases).To(ConsistOf(HaveField("FanOut", HaveValue(And(HaveField("Passed", BeEquivalentTo(1)),
				HaveField("Active", HaveLen(3)), HaveField("Active", HaveEach(HaveField("Running", "TestGood"))))))))
		})
		edit(ctx, run, cancel(true))
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictCancelled), out.Status.Message)
		p := phaseNamed(out, "deployment")
		Expect(p).To(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonCancelled)))
		Expect(*p.FanOut).To(And(HaveField("Passed", BeEquivalentTo(1)), HaveField("Errored", BeEquivalentTo(5)), HaveField("Active", BeEmpty()),
			HaveField("Outcomes", "PEEENN")))
		Expect(p.Message).To(And(ContainSubstring("1 of 6 nodes passed"), ContainSubstring("2 not run")))
		Expect(podsRunning(ctx, Default, run)).To(BeEmpty())
		Expect(jobsCreated(run)).To(HaveLen(4))
	})

	It("retries one node alone, and says that it was flaky", func(ctx SpecContext) {
		namespace, nodes, image := newNamespace(ctx), startFleet("flaky", 4), "registry.test/flaky-fleet"
		var once sync.Once
		nodes.runs(image, func(node string) podlet.GoTest {
			return suiteOf(podlet.GoTestCase{Name: "TestGood", Run: func(p *podlet.Process) {
				if _, listing := p.Flag("test.list"); node == nodes.names[2] && !listing {
					once.Do(func() { podlet.Steps(podlet.DeletePod(), podlet.Hang())(p) })
				}
			}})
		})
		run := newRun(namespace, "flaky-fleet", image, nodes.onEach(4), retries(1))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(phaseNamed(out, "deployment")).To(And(HaveField("Flaky", true), HaveField("Retries", BeEquivalentTo(1)), HaveField("FanOut.Passed", BeEquivalentTo(4))))
		kept := resultOf(ctx, out).Phases[0]
		for _, item := range kept.Items {
			Expect(item.Flaky).To(Equal(item.Node == nodes.names[2]), item.Node)
		}
		Expect(kept.Earlier).To(ConsistOf(And(HaveField("Node", nodes.names[2]), HaveField("Reason", v1alpha1.ReasonPodDeleted))))
		Expect(jobsCreated(run)).To(HaveLen(5))
	})

	It("where none matches, or the one that does is not ready, is in error at once", func(ctx SpecContext) {
		namespace, nodes, image := newNamespace(ctx), startFleet("unready", 2), "registry.test/unready-fleet"
		nodes.runs(image, func(string) podlet.GoTest { return suiteOf(good) })
		Expect(nodes.SetReady(nodes.names[1], false)).To(Succeed())
		unready := newRun(namespace, "unready-fleet", image, nodes.onEach(2))
		none := newRun(namespace, "no-fleet", image, phase(func(p *v1alpha1.Phase) {
			p.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{fleetLabel: "nowhere"}}
		}))
		Expect(k8s.Create(ctx, unready)).To(Succeed())
		Expect(k8s.Create(ctx, none)).To(Succeed())
		out := settled(ctx, unready, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError))
		p := phaseNamed(out, "deployment")
		Expect(p.Message).To(And(ContainSubstring("1 of 2 nodes passed"), ContainSubstring("exclude it by nodes.exclude")))
		Expect(p.FanOut.Failing).To(ConsistOf(BeItem("", nodes.names[1], errored, v1alpha1.ReasonNodeNotReady)))

		out = settled(ctx, none, 1)
		Expect(phaseNamed(out, "deployment")).To(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonNoNodes),
			HaveField("Message", ContainSubstring(fleetLabel+"=nowhere"))))
		Expect(jobsCreated(none)).To(BeEmpty())
	})
})
