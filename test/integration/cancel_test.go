package integration

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("Cancelling", func() {
	It("ends an attempt for good, in every state of a run", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		ofRun := func(name string, change ...change) *v1alpha1.ValidationRun {
			return newRun(namespace, name, "registry.test/"+name, change...)
		}
		waits, starts := ofRun("end-waits", container(), recipe("nowhere")), ofRun("end-starts", container())
		runs, fails := ofRun("end-runs", phases("first", "second=registry.test/end-runs-2", "third")), ofRun("end-fails")
		ends, rests, held := ofRun("end-ends"), ofRun("end-rests", container(), suspend(true)), ofRun("end-held", container())
		read, stopped := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/end-runs", podlet.Runs())
		node.Script("registry.test/end-runs-2", podlet.Runs(podlet.Hang()))
		began := hangs("registry.test/end-fails", bad)
		stalls("registry.test/end-ends", read)
		stubborn("registry.test/end-held", stopped)
		for _, run := range []*v1alpha1.ValidationRun{waits, starts, runs, fails, ends, rests, held} {
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		// cancelled cancels a run, and takes that back at the end.
		cancelled := func(run *v1alpha1.ValidationRun, verdict v1alpha1.Verdict) *v1alpha1.ValidationRun {
			GinkgoHelper()
			edit(ctx, run, cancel(true))
			out := settled(ctx, run, 1)
			Expect(out.Status.Verdict).To(Equal(verdict), out.Status.Message)
			jobs := len(jobsCreated(run))
			node.Script(run.Spec.Validator.Image, podlet.Runs())
			edit(ctx, run, cancel(false))
			again := eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
			})
			Expect(again.Status.Verdict).To(Equal(verdict), run.Name)
			Expect(again.Status.Phases).To(Equal(out.Status.Phases), run.Name)
			Expect(jobsCreated(run)).To(HaveLen(jobs), run.Name)
			return out
		}
		isCancelled := And(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, "Cancelled"),
			HaveCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, "Cancelled"), HaveCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "Cancelled"))
		notRun := And(HaveField("State", v1alpha1.PhaseNotRun), HaveField("Reason", v1alpha1.ReasonCancelled))
		atOnce(func() {
			eventually(ctx, waits, waitsFor(v1alpha1.ReasonInputMissing))
			out := cancelled(waits, v1alpha1.VerdictCancelled)
			Expect(out).To(isCancelled)
			Expect(out.Status.Phases).To(ConsistOf(notRun))
		}, func() {
			eventually(ctx, starts, waitsFor(v1alpha1.ReasonImagePullFailed))
			Expect(cancelled(starts, v1alpha1.VerdictCancelled).Status.Phases).To(ConsistOf(notRun), "no validator ever started")
		}, func() {
			eventually(ctx, runs, func(g Gomega, r *v1alpha1.ValidationRun) {
				started(g, r)
				g.Expect(states(r)).To(HaveExactElements(passed, v1alpha1.PhaseRunning, v1alpha1.PhasePending))
			})
			out := cancelled(runs, v1alpha1.VerdictCancelled)
			Expect(out.Status.Phases).To(HaveExactElements(HaveField("State", passed),
				And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonCancelled)), notRun))
			Expect(resultOf(ctx, out).Verdict).To(Equal(v1alpha1.VerdictCancelled))
		}, func() {
			Eventually(ctx, began).Should(BeClosed())
			eventually(ctx, fails, started)
			Expect(cancelled(fails, v1alpha1.VerdictFailed).Status.Failures).To(ContainElement(HaveField("Test", "TestBad")), "a failure that was read stands")
		}, func() {
			validatorEnded(ctx, ends)
			edit(ctx, ends, cancel(true))
			close(read)
			Expect(settled(ctx, ends, 1).Status.Verdict).To(Equal(v1alpha1.VerdictPassed), "the validator had ended by itself, and with it the attempt")
		}, func() {
			eventually(ctx, rests, func(g Gomega, r *v1alpha1.ValidationRun) { g.Expect(r).To(BeSuspended()) })
			Expect(cancelled(rests, v1alpha1.VerdictCancelled)).To(isCancelled)
		}, func() {
			eventually(ctx, held, started)
			edit(ctx, held, cancel(true))
			Expect(eventually(ctx, held, waitsFor(v1alpha1.ReasonStopping)).Status.Verdict).To(BeEmpty(), "its pod runs on")
			close(stopped)
			Expect(cancelled(held, v1alpha1.VerdictCancelled)).To(isCancelled)
		})
	})

	It("keeps attempts from starting while it lasts", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		node.Script("registry.test/barred", podlet.Runs())
		done := newRun(namespace, "barred", "registry.test/barred", container())
		fresh := newRun(namespace, "barred-fresh", "registry.test/barred", container(), cancel(true))
		Expect(k8s.Create(ctx, done)).To(Succeed())
		Expect(k8s.Create(ctx, fresh)).To(Succeed())
		atOnce(func() {
			first := settled(ctx, done, 1)
			edit(ctx, done, func(r *v1alpha1.ValidationRun) { r.Spec.Cancel, r.Spec.Trigger = true, "next" })
			held := eventually(ctx, done, waitsFor(v1alpha1.ReasonCancelled))
			Expect(held.Status.Attempt).To(BeEquivalentTo(1))
			Expect(held.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), "it is about what was validated")
			Expect(held.Status.ObservedGeneration).To(Equal(first.Status.ObservedGeneration))
			edit(ctx, done, cancel(false))
			Expect(settled(ctx, done, 2)).To(And(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Passed"),
				HaveCondition(v1alpha1.ConditionReconciling, "", "")))
		}, func() {
			out := eventually(ctx, fresh, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r).To(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, "Cancelled"))
			})
			Expect(out.Status.Attempt).To(BeZero())
			Expect(out.Status.ObservedGeneration).To(Equal(out.Generation))
			Expect(childrenOf(ctx, Default, fresh)).To(BeEmpty())
			edit(ctx, fresh, cancel(false))
			Expect(settled(ctx, fresh, 1).Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		})
	})
})
