package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var _ = Describe("The sample of a demonstration", func() {
	const namespace = "aicr-validation"
	collectOnFailure(func() string { return namespace })

	It("passes all four phases with at least ten checks", func(ctx SpecContext) {
		quiet(ctx) // it measures
		DeferCleanup(func(ctx SpecContext) { kubectl(ctx, "delete", "-k", "../../config/samples/demo", "--wait=false") })
		kubectl(ctx, "apply", "-k", "../../config/samples/demo")
		run := complete(ctx, newRun(namespace, "cluster-check"))
		Expect(run.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Status.Message)
		Expect(run.Status.Phases).To(HaveExactElements(
			And(HaveField("Name", "readiness"), HaveField("State", passed)),
			And(HaveField("Name", "deployment"), HaveField("State", passed)),
			And(HaveField("Name", "performance"), HaveField("State", passed)),
			And(HaveField("Name", "conformance"), HaveField("State", passed)),
		))
		Expect(run.Status.Summary.Passed).To(BeNumerically(">=", 10))
	})
})
