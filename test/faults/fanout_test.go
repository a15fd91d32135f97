package faults

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// pairLabel is on two nodes that take no pods but those that ask for them.
const pairLabel = "test.example/pair"

var _ = Describe("A phase on two nodes", func() {
	It("comes to what each of them proves, though one operator is killed while both run, and one between the two", func(ctx SpecContext) {
		pair := startNode(podlet.Options{Name: "pair-0", Nodes: []string{"pair-1"}, Labels: map[string]string{pairLabel: "yes"}, Schedules: podlet.AsksForNode})
		play(ctx, scene{node: pair, idle: true}, func(s *story) {
			open := map[string]chan struct{}{"pair-0": make(chan struct{}), "pair-1": make(chan struct{})}
			on := suite("each", s.image("each", tests(good, podlet.GoTestCase{Name: "TestWaits", Run: func(p *podlet.Process) {
				p.Wait(open[p.Pod.Spec.NodeName])
			}})))
			on.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{pairLabel: "yes"}}
			first := s.replica(false)
			run := s.run(ctx, "on-two-nodes", phases(on))
			fansOut(ctx, run, "..")

			By("killing the operator while both run, one of which ends meanwhile")
			first.Kill().Wait()
			close(open["pair-1"])
			second := s.replica(false)
			fansOut(ctx, run, ".P")

			By("killing the next one, and the other one ends")
			second.Kill().Wait()
			close(open["pair-0"])
			third := s.replica(false)
			out := passes(ctx, run, 1)
			Expect(out.Status.Phases[0].FanOut).To(HaveValue(And(HaveField("Outcomes", "PP"), HaveField("NodesPassed", BeEquivalentTo(2)))))
			Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 4, Passed: 4}))
			Expect(resultOf(ctx, out).Phases[0].Items).To(ConsistOf(HaveField("Node", "pair-0"), HaveField("Node", "pair-1")))
			s.end(ctx)
			third.Kill().Wait()
		})
	})
})

// fansOut waits until the items of the run's first phase have come to these outcomes, and all others are known to run.
func fansOut(ctx context.Context, run *v1alpha1.ValidationRun, outcomes string) {
	GinkgoHelper()
	eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r.Status.Phases).NotTo(BeEmpty())
		f := r.Status.Phases[0].FanOut
		g.Expect(f).To(HaveValue(HaveField("Outcomes", outcomes)), r.Status.Message)
		g.Expect(f.Active).To(HaveEach(And(HaveField("Reason", ""), HaveField("Jobs", HaveLen(1)))))
	})
}
