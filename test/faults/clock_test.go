package faults

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// skewed is the prefix of namespaces whose pods run on a node of their own, with a clock of its own.
const skewed = "skewed-"

// shifted is a clock that is wrong.
type shifted struct{ by time.Duration }

var _ clock.PassiveClock = shifted{}

func (c shifted) Now() time.Time                  { return time.Now().Add(c.by) }
func (c shifted) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
func (c shifted) nodeOptions(n string) podlet.Options {
	return podlet.Options{Name: n, Now: c.Now, Schedules: podlet.InNamespaces(skewed + n)}
}

var _ = Describe("A clock that is an hour wrong", func() {
	It("lets nothing pass, fail or end that would not by a right one", func(ctx SpecContext) {
		var stories []func()
		for name, by := range map[string]time.Duration{"ahead": time.Hour, "behind": -time.Hour} {
			onNode := startNode(shifted{by}.nodeOptions(name))
			stories = append(stories, func() {
				play(ctx, scene{prefix: "faults-operator-" + name + "-", clock: shifted{by}}, func(s *story) { s.keepsTime(ctx) })
			}, func() {
				play(ctx, scene{prefix: skewed + name + "-", node: onNode}, func(s *story) { s.keepsTime(ctx) })
			})
		}
		atOnce(stories...)
	})
})

// keepsTime tells what has to be the same by every clock.
func (s *story) keepsTime(ctx context.Context) {
	GinkgoHelper()
	open := make(chan struct{})
	waiting := s.run(ctx, "goes-on", phases(suite("first", s.image("goes-on", tests(good, until(open)))), smoke("second", s.image("smoke", podlet.Runs()))))
	hanging := s.run(ctx, "hangs", phases(suite("only", s.image("hangs", tests(good, podlet.GoTestCase{Name: "TestHangs", Run: podlet.Hang()})))),
		func(r *v1alpha1.ValidationRun) {
			r.Spec.Phases[0].Timeout = &metav1.Duration{Duration: 2 * time.Second}
		})
	retrying := s.twoPhases(ctx, "retries")
	deleted := s.run(ctx, "pod-deleted", phases(suite("only", s.image("pod-deleted", tests(good, podlet.GoTestCase{
		Name: "TestDeleted", Run: podlet.Steps(podlet.OnTERM(podlet.Exit(0)), podlet.DeletePod(), podlet.Hang()),
	})))))
	runs(ctx, waiting, "first")
	By("restarting the operator")
	s.operator.stop()
	s.start()
	Consistently(ctx, func(g Gomega) {
		latest := eventually(ctx, waiting, func(Gomega, *v1alpha1.ValidationRun) {})
		g.Expect(latest.Status.Verdict).To(BeEmpty(), latest.Status.Message)
	}).WithTimeout(2 * time.Second).Should(Succeed())
	close(open)
	all := []*v1alpha1.ValidationRun{passes(ctx, waiting, 1), passes(ctx, retrying, 1)}
	hung := settled(ctx, hanging, 1)
	Expect(hung.Status.Phases[0]).To(And(HaveField("State", v1alpha1.PhaseError), HaveField("Reason", v1alpha1.ReasonDeadlineExceeded)), s.namespace)
	gone := settled(ctx, deleted, 1)
	Expect(gone.Status.Phases[0]).To(And(HaveField("State", v1alpha1.PhaseError), HaveField("Reason", v1alpha1.ReasonPodDeleted)), s.namespace)
	for _, run := range append(all, hung, gone) {
		Expect(run.Status.CompletionTime.Time).NotTo(BeTemporally("<", run.Status.StartTime.Time), run.Name)
		for _, p := range resultOf(ctx, run).Phases {
			if p.StartTime != nil {
				Expect(*p.CompletionTime).NotTo(BeTemporally("<", *p.StartTime), "%s of %s", p.Name, run.Name)
			}
		}
	}
}
