package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var _ = Describe("The sample of a demonstration", func() {
	const namespace = "aicr-validation"
	collectOnFailure(func() string { return namespace })

	It("needs a recipe and an image, and passes with at least fifteen checks", func(ctx SpecContext) {
		idle(ctx) // it measures
		DeferCleanup(func(ctx SpecContext) { kubectl(ctx, "delete", "-k", "../../config/samples/demo", "--wait=false") })
		kubectl(ctx, "apply", "-k", "../../config/samples/demo")
		run := complete(ctx, newRun(namespace, "cluster-check"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Status.Message)
		Expect(run.Status.Phases).To(HaveExactElements(
			And(HaveField("Name", "preflight"), HaveField("State", passed)),
			And(HaveField("Name", "snapshot"), HaveField("State", passed)),
			And(HaveField("Name", "readiness"), HaveField("State", passed)),
			And(HaveField("Name", "deployment"), HaveField("State", passed)),
			And(HaveField("Name", "performance"), HaveField("State", passed)),
			And(HaveField("Name", "conformance"), HaveField("State", passed)),
		))
		Expect(run.Status.Summary.Passed).To(BeNumerically(">=", 15+4)) // checks, three constraints, and the snapshot
		readiness := resultOf(ctx, run).Phases[2]
		Expect(readiness.Tests).To(ContainElement(And(HaveField("Name", "constraint K8s.server.version"), HaveField("Constraints", ConsistOf(
			And(HaveField("Expected", ">= 1.30"), HaveField("Passed", true)))))))
		Expect(readiness.Tests).To(ContainElement(And(HaveField("Name", "constraint OS.release.ID"), HaveField("Constraints", ConsistOf(
			And(HaveField("Severity", "warning"), HaveField("Remediation", ContainSubstring("Ubuntu"))))))))
	})
})
