package faults

import (
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// preemptedOnce is a test binary whose first pod is preempted.
func preemptedOnce() podlet.Script {
	var n atomic.Int32
	return tests(good, podlet.GoTestCase{Name: "TestLast", Run: func(p *podlet.Process) {
		if n.Add(1) == 1 {
			podlet.Steps(podlet.Preempt(), podlet.Hang())(p)
		}
	}})
}

func retried(p v1alpha1.Phase) v1alpha1.Phase {
	p.Retries = new(int32(2))
	return p
}

var _ = Describe("Caches that are behind", func() {
	It("make no second Job, and no other verdict", func(ctx SpecContext) {
		var stories []func()
		for _, behind := range []string{"jobs", "pods", "validationruns", "jobs pods", "jobs pods validationruns"} {
			stories = append(stories, func() {
				play(ctx, scene{fault: lagging(500*time.Millisecond, strings.Fields(behind)...)}, func(s *story) {
					run := s.run(ctx, "behind", phases(retried(suite("first", s.image("first", preemptedOnce()))), smoke("second", s.image("second", podlet.Runs()))))
					out := passes(ctx, run, 1)
					Expect(out.Status.Phases[0]).To(And(HaveField("Flaky", true), HaveField("Jobs", HaveLen(2))), behind)

					By("editing it twice in a row")
					edit(ctx, run, trigger("a"))
					eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
						g.Expect(r.Status.Attempt).To(BeEquivalentTo(2))
						g.Expect(r.Status.Inputs).NotTo(BeEmpty())
					})
					edit(ctx, run, trigger("b"))
					passes(ctx, run, 3)
				})
			})
		}
		atOnce(stories...)
	})
})
