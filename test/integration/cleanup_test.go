package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

func cleanup(jobs v1alpha1.CleanupJobs, after time.Duration) change {
	return func(run *v1alpha1.ValidationRun) {
		run.Spec.Cleanup = &v1alpha1.Cleanup{Jobs: jobs, After: duration(after)}
	}
}

var _ = Describe("The end of an attempt", func() {
	It("is followed by the deletion of its Jobs as spec.cleanup says, and of an earlier attempt's by the next", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		node.Script("registry.test/passing", podlet.Runs())
		node.Script("registry.test/failing", podlet.Runs(podlet.Exit(1)))
		node.Script("registry.test/skipping", podlet.Runs(podlet.TerminationMessage("SKIP: no GPU here\n"), podlet.Exit(2)))
		accept := func(run *v1alpha1.ValidationRun) { run.Spec.AllSkipped = v1alpha1.AllSkippedAccept }
		deleted, kept := map[string]*v1alpha1.ValidationRun{}, map[string]*v1alpha1.ValidationRun{}
		create := func(in map[string]*v1alpha1.ValidationRun, name, what string, change ...change) {
			in[name] = newRun(namespace, name, "registry.test/"+what, append(change, container())...)
			Expect(k8s.Create(ctx, in[name])).To(Succeed())
		}
		create(deleted, "always-passed", "passing", cleanup(v1alpha1.CleanupAlways, time.Second))
		create(deleted, "always-failed", "failing", cleanup(v1alpha1.CleanupAlways, time.Second))
		create(deleted, "success-passed", "passing", cleanup(v1alpha1.CleanupOnSuccess, 0))
		create(deleted, "success-accepted", "skipping", cleanup("", time.Second), accept)
		create(kept, "success-failed", "failing", cleanup(v1alpha1.CleanupOnSuccess, 0))
		create(kept, "success-skipped", "skipping", cleanup(v1alpha1.CleanupOnSuccess, 0))
		create(kept, "never", "passing", cleanup(v1alpha1.CleanupNever, 0))
		create(kept, "later", "passing")

		By("accepting, and rejecting, that nothing was applicable")
		accepted, rejected := settled(ctx, deleted["success-accepted"], 1), settled(ctx, kept["success-skipped"], 1)
		Expect([]v1alpha1.Verdict{accepted.Status.Verdict, rejected.Status.Verdict}).To(HaveEach(v1alpha1.VerdictSkipped))
		Expect(accepted).To(And(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Skipped"), HaveCondition(v1alpha1.ConditionStalled, "", "")))
		Expect(rejected).To(And(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, "Skipped"),
			HaveCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "Skipped")))

		By("deleting what is to be deleted, with the result left")
		for name, run := range deleted {
			out := settled(ctx, run, 1)
			Eventually(ctx, jobs(ctx, run)).Should(BeEmpty(), name)
			Expect(resultOf(ctx, out).Verdict).To(Equal(out.Status.Verdict), name)
			Expect(current(ctx, run)(Default).Status).To(Equal(out.Status), "%s: the outcome stands", name)
		}

		By("keeping what is to be kept")
		for name, run := range kept {
			settled(ctx, run, 1)
			Expect(jobs(ctx, run)(Default)).To(HaveLen(1), name)
		}
		edit(ctx, kept["success-failed"], cleanup(v1alpha1.CleanupAlways, 0))
		Eventually(ctx, jobs(ctx, kept["success-failed"])).Should(BeEmpty(), "a change of mind is heard")

		By("beginning the next attempt")
		old := jobs(ctx, kept["never"])(Default)
		annotate(ctx, kept["never"], "again")
		settled(ctx, kept["never"], 2)
		Expect(jobs(ctx, kept["never"])(Default)).To(And(HaveLen(1), Not(Equal(old))))
	})
})

// jobs reads the names of a run's Jobs anew at each call.
func jobs(ctx context.Context, run *v1alpha1.ValidationRun) func(Gomega) []string {
	return func(g Gomega) []string { return jobsOf(ctx, g, run) }
}
