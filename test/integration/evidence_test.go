package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("Evidence", func() {
	const inMemory = "in the operator's memory alone"

	It("that a quota has no room for is kept once it has, though the pod is gone", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		quota := limitConfigMaps(ctx, namespace, 2) // kube-root-ca.crt and the frozen spec
		open := make(chan struct{})
		node.Script("registry.test/evidence", *tests(podlet.GoTestCase{Name: "TestProven", Output: "it was measured\n"}))
		node.Script("registry.test/evidence-later", *tests(podlet.GoTestCase{Name: "TestLater", Run: podlet.Gate(open)}))
		run := newRun(namespace, "evidence", "registry.test/evidence", func(r *v1alpha1.ValidationRun) {
			r.Spec.Phases = append(r.Spec.Phases, v1alpha1.Phase{
				Name: "later", GoTest: &v1alpha1.GoTest{Package: "./checks/later"},
				Validator: &v1alpha1.PhaseValidator{Image: new("registry.test/evidence-later")},
			})
		})
		Expect(k8s.Create(ctx, run)).To(Succeed())

		By("going on without it, and saying so")
		waits := eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Message).To(And(ContainSubstring(inMemory), ContainSubstring("exceeded quota")))
			g.Expect(states(r)).To(HaveExactElements(passed, v1alpha1.PhaseRunning))
		})
		Expect(waits.Status.Conditions).To(ContainElement(And(HaveField("Type", v1alpha1.ConditionReconciling), HaveField("Message", ContainSubstring(inMemory)))))
		Expect(k8s.Delete(ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: waits.Status.Phases[0].Jobs[0]}},
			client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())

		By("keeping it as soon as there is room")
		Expect(k8s.Patch(ctx, quota, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"hard":{"count/configmaps":"9"}}}`)))).To(Succeed())
		Eventually(ctx, func(g Gomega) {
			kept := &corev1.ConfigMapList{}
			g.Expect(k8s.List(ctx, kept, client.InNamespace(namespace), client.MatchingLabels{
				v1alpha1.LabelComponent: "evidence", v1alpha1.LabelPhase: "deployment",
			})).To(Succeed())
			g.Expect(kept.Items).To(HaveLen(1))
		}).Should(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.Message).NotTo(ContainSubstring(inMemory))
		})

		close(open)
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		first := resultOf(ctx, out).Phases[0]
		Expect(first).To(And(HaveField("State", passed), HaveField("Notes", BeEmpty())))
		Expect(first.Tests).To(ConsistOf(HaveField("Name", "TestProven")))
	})
})
