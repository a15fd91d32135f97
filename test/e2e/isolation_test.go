package e2e

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// checks has the phase run checks of a package, by their names.
func checks(pkg string, names ...string) change {
	return phase(func(p *v1alpha1.Phase) { p.GoTest = &v1alpha1.GoTest{Package: "./" + pkg, Checks: names} })
}

// five are checks of which one needs more memory than there is.
func five() change {
	return checks("misbehave", "before", "eats-memory", "quotes-failure", "no-newline", "last")
}

var _ = Describe("Five checks, of which one is killed for its memory", Ordered, ContinueOnFailure, func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	BeforeAll(func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		Expect(k8s.Create(ctx, newRun(namespace, "isolated", five(), memory("32Mi"), phase(func(p *v1alpha1.Phase) {
			p.Isolation, p.Parallelism = v1alpha1.IsolationCheck, new(int32(2))
		})))).To(Succeed())
		Expect(k8s.Create(ctx, newRun(namespace, "together", five(), memory("32Mi")))).To(Succeed())
	})

	It("costs only that one where each has a Job of its own", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "isolated"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictError), run.Status.Message)
		p := lastPhase(run)
		Expect(p.FanOut).To(HaveValue(And(HaveField("Items", BeEquivalentTo(5)), HaveField("Passed", BeEquivalentTo(4)),
			HaveField("Errored", BeEquivalentTo(1)), HaveField("Outcomes", "PEPPP"))), p.Message)
		Expect(p.FanOut.Failing).To(ConsistOf(And(HaveField("Check", "eats-memory"), HaveField("Reason", beKillReason(ctx, run, "eats-memory")))))
		Expect(p.Message).To(ContainSubstring("eats-memory"))
		Expect(resultOf(ctx, run).Phases).To(ContainElement(And(HaveField("Name", p.Name), HaveField("Items", HaveLen(5)),
			HaveField("Tests", ContainElements(HaveField("Name", "TestLast"), HaveField("Name", "TestBefore"))))))
	})

	It("leaves what was proven before it where they share a Job", func(ctx SpecContext) {
		run := complete(ctx, newRun(namespace, "together"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictError), run.Status.Message)
		p := lastPhase(run)
		Expect(p).To(HaveField("Reason", beKillReason(ctx, run, "")))
		Expect(resultOf(ctx, run).Phases).To(ContainElement(And(HaveField("Name", p.Name),
			HaveField("Tests", ContainElement(And(HaveField("Name", "TestBefore"), HaveField("Status", BeEquivalentTo("Passed"))))))))
	})
})

func lastPhase(run *v1alpha1.ValidationRun) v1alpha1.PhaseStatus {
	return run.Status.Phases[len(run.Status.Phases)-1]
}

var _ = Describe("A phase on each node", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	It("says on how many of how many nodes it passed", func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		run := newRun(namespace, "nodes", tests("behave", "TestPlain"), phase(func(p *v1alpha1.Phase) {
			p.Nodes = &v1alpha1.NodeSelection{Selector: map[string]v1alpha1.LabelValue{corev1.LabelOSStable: "linux"}}
		}))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		run = complete(ctx, run)
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Status.Message)
		Expect(run.Status.Phases[0].Message).To(Equal("1 of 1 nodes passed"))
		Expect(resultOf(ctx, run).Phases[0].Items).To(ConsistOf(HaveField("Node", Not(BeEmpty()))))
	})
})

var _ = Describe("A recipe with mistakes", func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	ends := func(ctx context.Context, recipe string) *v1alpha1.ValidationRun {
		GinkgoHelper()
		namespace = newNamespace(ctx, "restricted")
		Expect(k8s.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "recipe"}, Data: map[string]string{"recipe.yaml": recipe},
		})).To(Succeed())
		run := newRun(namespace, "mistaken")
		run.Spec.Phases = nil
		run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "recipe", Key: "recipe.yaml"}}
		Expect(k8s.Create(ctx, run)).To(Succeed())
		run = complete(ctx, run)
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictError), run.Status.Message)
		return run
	}

	It("says line, field and remedy of a misspelt field", func(ctx SpecContext) {
		run := ends(ctx, "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\nvalidation:\n  deployment:\n    check: [plain]\n")
		Expect(run.Status.Message).To(And(ContainSubstring("line 5"), ContainSubstring("validation.deployment"), ContainSubstring("checks")))
		Expect(run.Status.Phases).To(ConsistOf(HaveField("Reason", v1alpha1.ReasonInvalidRecipe)))
	})

	It("names the checks that the image has, before anything runs", func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		run := newRun(namespace, "unknown", checks("behave", "plain", "plane"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		run = complete(ctx, run)
		Expect(run.Status.Phases[0]).To(HaveField("Reason", v1alpha1.ReasonCheckNotFound), run.Status.Message)
		Expect(run.Status.Message).To(And(ContainSubstring("plane"), ContainSubstring("plain, "), ContainSubstring("subtests")))
		Expect(run.Status.Phases[1]).To(And(HaveField("State", v1alpha1.PhaseNotRun), HaveField("Jobs", BeEmpty())))
	})
})
