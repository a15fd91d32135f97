package e2e

import (
	"fmt"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// crowd is more than the 128 logs that a node's inotify limit lets anybody follow at once.
const crowd = 150

var _ = Describe("More validators on a node than logs of it can be followed", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	It("are all judged right", func(ctx SpecContext) {
		if os.Getenv("E2E_LONG") == "" {
			Skip("takes minutes: set E2E_LONG=1")
		}
		quiet(ctx)
		namespace = newNamespace(ctx, "restricted")
		fates := []string{"passes", "passes", "passes", "fails", "panics"}
		for i := range crowd {
			run := newRun(namespace, fmt.Sprintf("%s-%d", fates[i%len(fates)], i), tests("crowd"), timeout(15*time.Minute),
				validator(func(v *v1alpha1.Validator) { v.Env = []v1alpha1.EnvVar{{Name: "FATE", Value: fates[i%len(fates)]}} }))
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}

		By("all running at the same time")
		running := func(p corev1.Pod) bool {
			for _, c := range p.Status.ContainerStatuses {
				if c.Name == "validator" && c.State.Running != nil {
					return true
				}
			}
			return false
		}
		Eventually(ctx, func(g Gomega) {
			var pods corev1.PodList
			g.Expect(k8s.List(ctx, &pods, client.InNamespace(namespace))).To(Succeed())
			g.Expect(pods.Items).To(HaveLen(crowd))
			g.Expect(pods.Items).To(HaveEach(Satisfy(running)))
		}).WithTimeout(8 * time.Minute).WithPolling(time.Second).Should(Succeed())
		Expect(k8s.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "open"}})).To(Succeed())

		By("and all ending as they should")
		for i := range crowd {
			run := complete(ctx, newRun(namespace, fmt.Sprintf("%s-%d", fates[i%len(fates)], i)))
			want, reason, count := v1alpha1.PhasePassed, "", "3/3"
			switch fates[i%len(fates)] {
			case "fails":
				want, reason, count = v1alpha1.PhaseFailed, v1alpha1.ReasonTestsFailed, "2/3"
			case "panics":
				want, reason, count = v1alpha1.PhaseError, v1alpha1.ReasonPanicked, "1/3"
			}
			p := run.Status.Phases[0]
			Expect([]any{p.State, p.Reason, run.Status.Passed}).To(Equal([]any{want, reason, count}), "%s: %s", run.Name, p.Message)
		}
	})
})
