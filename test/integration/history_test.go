package integration

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

func historyLimit(n int32) change {
	return func(run *v1alpha1.ValidationRun) { run.Spec.HistoryLimit = &n }
}

var _ = Describe("History", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("names as many attempts as its limit says, and of no other is anything kept", func(ctx SpecContext) {
		node.Script("registry.test/history", podlet.Runs())
		run := newRun(namespace, "history", "registry.test/history", container(), historyLimit(2))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		settled(ctx, run, 1)
		for n := int64(2); n <= 5; n++ {
			annotate(ctx, run, fmt.Sprint(n))
			settled(ctx, run, n)
		}
		configMaps := func(g Gomega) (names []string) {
			for _, name := range childrenOf(ctx, g, run) {
				if name, is := strings.CutPrefix(name, "ConfigMap/"); is {
					names = append(names, name)
				}
			}
			return names
		}
		Expect(current(ctx, run)(Default).Status.History).To(HaveExactElements(
			HaveField("ConfigMap", "history-result-4"), HaveField("ConfigMap", "history-result-3")))
		Eventually(ctx, configMaps).Should(ConsistOf("history-spec-5", "history-result-5", "history-result-4", "history-result-3"))

		By("wanting less of it")
		edit(ctx, run, historyLimit(1))
		Eventually(ctx, configMaps).Should(ConsistOf("history-spec-5", "history-result-5", "history-result-4"))
		edit(ctx, run, historyLimit(0))
		Eventually(ctx, configMaps).Should(ConsistOf("history-spec-5", "history-result-5"))
		Expect(current(ctx, run)(Default).Status.History).To(BeEmpty())

		By("keeping the last that was complete, while the next one runs")
		node.Script("registry.test/history", podlet.Runs(podlet.Hang()))
		annotate(ctx, run, "6")
		Expect(eventually(ctx, run, started).Status.LastCompleted).To(HaveValue(HaveField("ConfigMap", "history-result-5")))
		Expect(configMaps(Default)).To(ConsistOf("history-spec-6", "history-result-5"))
	})

	It("does not let a run grow, however many attempts it has", func(ctx SpecContext) {
		attempts := int64(6)
		if long() {
			attempts = 200
		}
		for name, data := range map[string]map[string]string{
			"aicr-recipe": {"recipe.yaml": "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"}, "aicr-snapshot": {"snapshot.yaml": "measurements: [{type: K8s, subtypes: [{subtype: server, data: {version: v1.37.1}}]}]"},
		} {
			Expect(k8s.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data})).To(Succeed())
		}
		var pods atomic.Int32
		node.Script("registry.test/many-tests", *tests(good, absent))
		node.Script("registry.test/many-retried", podlet.Runs(func(p *podlet.Process) {
			if pods.Add(1)%2 == 1 {
				podlet.Evict("memory")(p)
			}
		}))
		run := newRun(namespace, "many", "registry.test/many-tests", recipe("aicr-recipe"), historyLimit(3), cleanup(v1alpha1.CleanupAlways, time.Hour),
			func(run *v1alpha1.ValidationRun) {
				run.Spec.Snapshot = &v1alpha1.SnapshotSource{ConfigMap: &v1alpha1.ConfigMapKey{Name: "aicr-snapshot", Key: "snapshot.yaml"}}
				run.Spec.Phases = append(run.Spec.Phases, v1alpha1.Phase{
					Name: "retried", Container: &v1alpha1.Container{Command: []string{"/smoke"}}, Retries: new(int32(1)),
					Validator: &v1alpha1.PhaseValidator{Image: new("registry.test/many-retried")},
				})
			})
		Expect(k8s.Create(ctx, run)).To(Succeed())
		most := 0
		for n := int64(1); ; n++ {
			out := eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
				most = max(most, len(childrenOf(ctx, g, run)))
				g.Expect(r.Status.Attempt).To(Equal(n))
				g.Expect(r.Status.Verdict).NotTo(BeEmpty())
			})
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), "attempt %d: %s", n, out.Status.Message)
			Expect(out.Status.Phases[2].Flaky).To(BeTrue())
			if n == attempts {
				break
			}
			annotate(ctx, run, fmt.Sprint(n))
		}
		settled(ctx, run, attempts)
		// The three inputs, the results of this attempt and of those in history, a Job and a pod for each of the three pods that ran, the
		// ServiceAccount and its RoleBinding. What was evicted may be gone before.
		const atRest = 3 + (1 + 3) + 2*3 + 2
		Eventually(ctx, func(g Gomega) int { return len(childrenOf(ctx, g, run)) }).Should(BeNumerically("<=", atRest))
		// While an attempt runs there is the evidence of the three pods, too, and until it is set up the inputs of the one before.
		Expect(most).To(BeNumerically("<=", atRest+3+3), "at most %d objects at once in %d attempts", most, attempts)
		AddReportEntry("objects at once", fmt.Sprintf("%d at most in %d attempts, %d at rest", most, attempts, atRest))
	}, SpecTimeout(30*time.Minute))
})
