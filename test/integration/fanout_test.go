package integration

import (
	"slices"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("A phase on many nodes", func() {
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
