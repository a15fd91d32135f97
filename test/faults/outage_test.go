package faults

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("The API server", func() {
	It("is restarted, and is away for a minute, while runs are in all their states", func(ctx SpecContext) {
		play(ctx, scene{}, func(s *story) {
			ends, goesOn := make(chan struct{}), make(chan struct{})
			ending := s.run(ctx, "ends-meanwhile", phases(suite("first", s.image("ends", tests(good, until(ends), bad))), smoke("second", s.image("second", podlet.Runs()))),
				func(r *v1alpha1.ValidationRun) { r.Spec.Phases[0].OnFailure = v1alpha1.Continue })
			going := s.run(ctx, "goes-on", phases(suite("only", s.image("goes-on", tests(good, until(goesOn), good2)))))
			waiting := s.run(ctx, "waits", phases(smoke("only", s.image("waits", podlet.Runs()))), func(r *v1alpha1.ValidationRun) {
				r.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "recipe", Key: "recipe.yaml"}}
			})
			starting := s.run(ctx, "starts", phases(smoke("only", "registry.test/"+s.namespace+"/later")))
			deleted := s.run(ctx, "deleted", phases(smoke("only", s.image("deleted", podlet.Runs(podlet.Hang())))))
			runs(ctx, ending, "first")
			runs(ctx, going, "only")
			runs(ctx, deleted, "only")
			waits(ctx, waiting, v1alpha1.ReasonInputMissing)
			waits(ctx, starting, v1alpha1.ReasonImagePullFailed)

			By("restarting it")
			Expect(plane.KillAPIServer()).To(Succeed())
			Expect(plane.StartAPIServer()).To(Succeed())
			s.isBack(ctx, going)

			By("taking it away")
			Expect(k8s.Delete(ctx, deleted)).To(Succeed())
			Expect(plane.KillAPIServer()).To(Succeed())
			close(ends)
			s.image("later", podlet.Runs())
			Consistently(s.operator.ended).WithTimeout(time.Minute).ShouldNot(Receive())
			// A controller manager that has lost its lease ends and is started anew. This one has none: it would wait for its watches, and take
			// the node, which could not renew its own, for lost once it can say so. The next one needs an API server.
			plane.KillControllerManager()
			Expect(plane.StartAPIServer()).To(Succeed())
			Expect(plane.StartControllerManager()).To(Succeed())
			Expect(k8s.Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "recipe"}, Data: map[string]string{"recipe.yaml": "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"},
			})).To(Succeed())
			close(goesOn)

			passes(ctx, going, 1)
			passes(ctx, waiting, 1)
			passes(ctx, starting, 1)
			out := settled(ctx, ending, 1)
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), out.Status.Message)
			Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 4, Passed: 3, Failed: 1}))
			Eventually(ctx, func() bool { return isGone(ctx, deleted) }).Should(BeTrue())
			machine := &corev1.Node{}
			Expect(k8s.Get(ctx, client.ObjectKey{Name: node.Name()}, machine)).To(Succeed())
			Expect(machine.Spec.Taints).To(BeEmpty(), "other stories run on this node, too")
		})
	})
})

// isBack waits until the operator has seen a change of a run, which changes nothing of what it does.
func (s *story) isBack(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	edit(ctx, run, func(r *v1alpha1.ValidationRun) { r.Spec.HistoryLimit = new(int32(7)) })
	eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
		g.Expect(r.Status.Attempt).To(BeEquivalentTo(1))
		g.Expect(r.Status.Verdict).To(BeEmpty(), r.Status.Message)
	})
	Expect(s.operator.ended).NotTo(Receive())
}

var good2 = podlet.GoTestCase{Name: "TestGoodAsWell"}
