package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// What testdata/checks/flood prints.
const floodLines, floodLineBytes, floodBursts = 250_000, 200, 200

var _ = Describe("A log of 50 MB that the kubelet rotates", Ordered, ContinueOnFailure, func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	BeforeAll(func(ctx SpecContext) {
		quiet(ctx)
		namespace = newNamespace(ctx, "restricted")
		for name, env := range map[string][]v1alpha1.EnvVar{"passes": nil, "fails": {{Name: "FIRST_FAILS", Value: "yes"}}} {
			run := newRun(namespace, name, tests("flood"), validator(func(v *v1alpha1.Validator) { v.Env = env }))
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
	})

	It("is read to its last line, and nothing is lost unsaid", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "passes"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Status.Message)
		p := resultOf(ctx, run).Phases[0]
		Expect(p.Log).To(lackNothingUnsaid())
		if len(p.Log.Gaps) == 0 {
			Expect(p.Tests).To(HaveLen(3 + floodBursts))
			Expect(p.Anomalies).To(BeEmpty())
		}

		By("though the kubelet has but a part of it left")
		config, err := ctrl.GetConfig()
		Expect(err).NotTo(HaveOccurred())
		clientset, err := kubernetes.NewForConfig(config)
		Expect(err).NotTo(HaveOccurred())
		left, err := clientset.CoreV1().Pods(namespace).GetLogs(p.Pod, &corev1.PodLogOptions{Container: "validator"}).DoRaw(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(len(left)).To(BeNumerically("<", floodLines*floodLineBytes))
	})

	It("does not hide a failure of its first test", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "fails"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), run.Status.Message)
		Expect(run.Status.Passed).To(Equal("2/3"))
		Expect(run.Status.Failures).To(ConsistOf(And(
			HaveField("Test", "TestFirst"), HaveField("Message", ContainSubstring("the first of all lines")),
		)))
		Expect(resultOf(ctx, run).Phases[0].Log).To(lackNothingUnsaid())
	})
})

// lackNothingUnsaid matches a log that was read whole, or that says it was not: a follow of a kubelet's ends, or goes on with the next file,
// without the rest of a rotated one where a busy node lets it fall behind.
func lackNothingUnsaid() gomegatypes.GomegaMatcher {
	return HaveValue(Or(
		And(HaveField("Lines", BeNumerically(">=", floodLines)), HaveField("Bytes", BeNumerically(">=", floodLines*floodLineBytes))),
		HaveField("Gaps", Not(BeEmpty())),
	))
}
