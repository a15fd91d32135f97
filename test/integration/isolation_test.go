package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("A check that is killed for its memory", func() {
	const image = "registry.test/grows"
	five := func(isolation v1alpha1.Isolation) change {
		return phase(func(p *v1alpha1.Phase) {
			p.Isolation, p.Parallelism = isolation, new(int32(2))
			p.GoTest = &v1alpha1.GoTest{Checks: []string{"links", "memory", "grows", "clock", "disks"}}
		})
	}

	It("costs only itself where each has a Job, and nothing that was proven before where they share one", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		node.Script(image, *tests(podlet.GoTestCase{Name: "TestLinks"}, podlet.GoTestCase{Name: "TestMemory"},
			podlet.GoTestCase{Name: "TestGrows", Run: podlet.OOMKill()}, podlet.GoTestCase{Name: "TestClock"}, podlet.GoTestCase{Name: "TestDisks"}))
		apart, together := newRun(namespace, "apart", image, five(v1alpha1.IsolationCheck)), newRun(namespace, "together", image, five(v1alpha1.IsolationPhase))
		Expect(k8s.Create(ctx, apart)).To(Succeed())
		Expect(k8s.Create(ctx, together)).To(Succeed())

		out := settled(ctx, apart, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
		p := phaseNamed(out, "deployment")
		Expect(p).To(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonOOMKilled)))
		Expect(*p.FanOut).To(And(HaveField("Items", BeEquivalentTo(5)), HaveField("Passed", BeEquivalentTo(4)), HaveField("Errored", BeEquivalentTo(1)),
			HaveField("Outcomes", "PPEPP"), HaveField("Nodes", BeZero())))
		Expect(p.FanOut.Failing).To(ConsistOf(BeItem("grows", "", errored, v1alpha1.ReasonOOMKilled)))
		Expect(p.Message).To(And(HavePrefix("4 of 5 checks passed"), ContainSubstring("grows")))
		Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 5, Passed: 4, Errored: 1}))
		kept := resultOf(ctx, out).Phases[1]
		Expect(kept.Items).To(HaveLen(5))
		Expect(kept.Tests).To(ConsistOf(
			And(HaveField("Name", "TestLinks"), HaveField("Status", verdict.Passed)), And(HaveField("Name", "TestMemory"), HaveField("Status", verdict.Passed)),
			And(HaveField("Name", "TestGrows"), HaveField("Status", verdict.Error), HaveField("Check", "grows")),
			And(HaveField("Name", "TestClock"), HaveField("Status", verdict.Passed)), And(HaveField("Name", "TestDisks"), HaveField("Status", verdict.Passed)),
		))
		Expect(mostActive(apart, "deployment")).To(BeNumerically("<=", 2))

		out = settled(ctx, together, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), out.Status.Message)
		Expect(phaseNamed(out, "deployment")).To(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonOOMKilled),
			HaveField("FanOut", BeNil()), HaveField("Summary", v1alpha1.Summary{Total: 5, Passed: 2, Errored: 3})))
		Expect(resultOf(ctx, out).Phases[1].Tests).To(ContainElements(
			And(HaveField("Name", "TestLinks"), HaveField("Status", verdict.Passed)), And(HaveField("Name", "TestMemory"), HaveField("Status", verdict.Passed)),
			And(HaveField("Name", "TestGrows"), HaveField("Status", verdict.Error)),
		))
	})
})
