package integration

import (
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/podlet"
)

func retries(n int32) change { return phase(func(p *v1alpha1.Phase) { p.Retries = &n }) }

var _ = Describe("A retry", func() {
	It("is for infrastructure alone, and is never hidden", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		preempt, reads := make(chan struct{}), atomic.Int32{}
		node.Script("registry.test/flaky", *tests(good, podlet.GoTestCase{Name: "TestLast", Run: func(p *podlet.Process) {
			if reads.Add(1) == 1 {
				podlet.Steps(podlet.Gate(preempt), podlet.Preempt(), podlet.Hang())(p)
			}
		}}))
		node.Script("registry.test/evicted", podlet.Runs(podlet.Evict("memory")))
		node.Script("registry.test/failed", *tests(good, bad))
		node.Script("registry.test/failed-shut-down", *tests(bad, podlet.GoTestCase{Name: "TestLast", Run: podlet.ShutdownNode()}))
		node.Script("registry.test/panics", *tests(good, podlet.GoTestCase{Name: "TestPanics", Outcome: podlet.GoroutinePanic}))
		hangs("registry.test/times-out", good)
		flaky := newRun(namespace, "flaky", "registry.test/flaky", retries(2))
		evicted := newRun(namespace, "evicted", "registry.test/evicted", container(), retries(1))
		final := map[*v1alpha1.ValidationRun]string{
			newRun(namespace, "failed-shut-down", "registry.test/failed-shut-down", retries(2)):           v1alpha1.ReasonTestsFailed,
			newRun(namespace, "failed", "registry.test/failed", retries(2)):                               v1alpha1.ReasonTestsFailed,
			newRun(namespace, "panics", "registry.test/panics", retries(2)):                               v1alpha1.ReasonPanicked,
			newRun(namespace, "times-out", "registry.test/times-out", retries(2), timeout(2*time.Second)): v1alpha1.ReasonDeadlineExceeded,
		}
		for run := range final {
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		Expect(k8s.Create(ctx, flaky)).To(Succeed())
		Expect(k8s.Create(ctx, evicted)).To(Succeed())

		By("passing at the second try")
		eventually(ctx, flaky, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Phases).To(ConsistOf(HaveField("Running", "TestLast")))
		})
		close(preempt)
		out := settled(ctx, flaky, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		Expect(out.Status.Phases).To(ConsistOf(And(HaveField("Flaky", true), HaveField("Retries", BeEquivalentTo(1)),
			HaveField("Restarts", BeEquivalentTo(1)), HaveField("Jobs", HaveLen(2)), HaveField("Summary.Total", BeEquivalentTo(2)))))
		kept := resultOf(ctx, out).Phases[0]
		Expect(kept.Flaky).To(BeTrue())
		Expect(kept.Earlier).To(ConsistOf(And(
			HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonPreempted), HaveField("Job", out.Status.Phases[0].Jobs[0]),
			HaveField("Tests", ContainElement(And(HaveField("Name", "TestGood"), HaveField("Status", verdict.Passed)))),
		)))
		Expect(childrenOf(ctx, Default, flaky)).NotTo(ContainElement(ContainSubstring("evidence")))

		By("using the retries up")
		out = settled(ctx, evicted, 1)
		Expect(out.Status.Phases).To(ConsistOf(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonEvicted),
			HaveField("Retries", BeEquivalentTo(1)), HaveField("Flaky", false), HaveField("Jobs", HaveLen(2)))))
		Expect(resultOf(ctx, out).Phases[0].Earlier).To(HaveLen(1))

		By("not retrying what the tests came to by themselves")
		for run, reason := range final {
			out := settled(ctx, run, 1)
			Expect(out.Status.Phases).To(ConsistOf(And(HaveField("Reason", reason), HaveField("Retries", BeZero()), HaveField("Jobs", HaveLen(1)))), run.Name)
		}
	})
})
