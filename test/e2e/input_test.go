package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var _ = Describe("A run whose ConfigMaps are not there yet", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx, "restricted") })

	It("says which one it waits for, and goes on when they appear", func(ctx SpecContext) {
		create := func(name, key, text string) {
			GinkgoHelper()
			Expect(k8s.Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{key: text},
			})).To(Succeed())
		}
		run := newRun(namespace, "inputs", tests("behave", "TestInputs"), validator(func(v *v1alpha1.Validator) {
			v.Volumes = []v1alpha1.Volume{{Name: "extra", ConfigMap: &v1alpha1.ConfigMapVolume{Name: "limits"}}}
			v.VolumeMounts = []v1alpha1.VolumeMount{{Name: "extra", MountPath: "/data/extra"}}
		}))
		run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "recipe", Key: "r.yaml"}}
		Expect(k8s.Create(ctx, run)).To(Succeed())

		By("waiting for an input")
		awaitRun(ctx, run, And(
			HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonInputMissing),
			HaveField("Status.Message", ContainSubstring("ConfigMap recipe does not exist")),
		))
		create("recipe", "r.yaml", "{kind: RecipeResult, apiVersion: aicr.nvidia.com/v1alpha1}")

		By("waiting for a volume")
		awaitRun(ctx, run, And(
			HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonInputMissing),
			HaveField("Status.Message", ContainSubstring(`configmap "limits" not found`)),
		))
		create("limits", "limits.yaml", "latency: 1s")

		run = complete(ctx, run)
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Status.Message)
		Expect(resultOf(ctx, run).Phases[1].Tests).To(ConsistOf(HaveField("Attributes", HaveKey("read"))))
	})
})
