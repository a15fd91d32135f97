package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
)

// What testdata/checks/flood prints.
const floodLines, floodLineBytes, floodBursts = 25_000, 2000, 200

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

var _ = Describe("A log of 75 MB and more, and the operator killed while it is written", Ordered, ContinueOnFailure, func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	BeforeAll(func(ctx SpecContext) {
		quiet(ctx)
		namespace = newNamespace(ctx, "restricted")
		config, err := ctrl.GetConfig()
		Expect(err).NotTo(HaveOccurred())
		clientset, err := kubernetes.NewForConfig(config)
		Expect(err).NotTo(HaveOccurred())
		names := []string{"followed", "deleted"}
		for _, name := range names {
			run := newRun(namespace, name, tests("flood"), validator(func(v *v1alpha1.Validator) {
				v.Env = []v1alpha1.EnvVar{{Name: "FIRST_FAILS", Value: "yes"}, {Name: "BURSTS", Value: "300"}, {Name: "UNTIL_OPEN", Value: "yes"}}
			}))
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		pods := map[string]string{}
		for _, name := range names {
			awaitRun(ctx, newRun(namespace, name), HaveField("Status.Phases", ContainElement(HaveField("Running", "TestFlood"))))
			var found corev1.PodList
			Expect(k8s.List(ctx, &found, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelRun: name})).To(Succeed())
			Expect(found.Items).To(HaveLen(1))
			pods[name] = found.Items[0].Name
		}

		By("the kubelet having rotated the failure away")
		for _, pod := range pods {
			Eventually(ctx, func() ([]byte, error) {
				first := &corev1.PodLogOptions{Container: "validator", LimitBytes: new(int64(200))}
				return clientset.CoreV1().Pods(namespace).GetLogs(pod, first).DoRaw(ctx)
			}).WithTimeout(patience).Should(And(Not(BeEmpty()), Not(ContainSubstring("TestFirst"))))
		}
		operator := operatorPod(ctx)
		sigkill(ctx, operator)
		for _, name := range pods {
			pod := &corev1.Pod{}
			Expect(k8s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, pod)).To(Succeed())
			Expect(pod.Status.ContainerStatuses).To(ConsistOf(HaveField("State.Running", Not(BeNil()))), "it prints on")
		}
		kubectl(ctx, "-n", namespace, "delete", "pod", pods["deleted"], "--grace-period=0", "--force")
		isBack(ctx, operator)
		kubectl(ctx, "-n", namespace, "exec", pods["followed"], "-c", "validator", "--", "program.test", "open")
	})

	It("is Failed by the test whose failure no process can read any more", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "followed"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), run.Status.Message)
		Expect(run.Status.Failures).To(ContainElement(And(
			HaveField("Test", "TestFirst"), HaveField("Message", ContainSubstring("the first of all lines")),
		)))
		Expect(run.Status.Phases[0].Jobs).To(HaveLen(1))
		tests := resultOf(ctx, run).Phases[0].Tests
		Expect(tests).To(ContainElement(And(HaveField("Name", "TestLast"), HaveField("Status", verdict.Passed))), "read on to its end")
	})

	It("keeps what was read where the pod is deleted as well", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "deleted"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), run.Status.Message)
		Expect(run.Status.Failures).To(ContainElement(HaveField("Test", "TestFirst")))
		Expect(run.Status.Passed).To(Equal("0/3"))
		Expect(resultOf(ctx, run).Phases[0].Log).To(HaveValue(HaveField("Bytes", BeNumerically(">", 0))))
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
