package integration

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("Suspending", func() {
	It("stops what runs, and resuming goes on, in every state of a run", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		ofRun := func(name string, change ...change) *v1alpha1.ValidationRun {
			return newRun(namespace, name, "registry.test/"+name, change...)
		}
		before, waits, starts := ofRun("rest-before", container(), suspend(true)), ofRun("rest-waits", container(), recipe("late")), ofRun("rest-starts", container())
		runs, fails := ofRun("rest-runs", phases("first", "second=registry.test/rest-runs-2", "third")), ofRun("rest-fails")
		ends, done, open := ofRun("rest-ends", func(r *v1alpha1.ValidationRun) {
			r.Spec.Phases = append(r.Spec.Phases, v1alpha1.Phase{Name: "next", Container: &v1alpha1.Container{Command: []string{"/smoke"}}})
		}), ofRun("rest-done", container()), make(chan struct{})
		held, stopped := ofRun("rest-held", container()), make(chan struct{})
		for _, image := range []string{"rest-before", "rest-waits", "rest-runs", "rest-done"} {
			node.Script("registry.test/"+image, podlet.Runs())
		}
		node.Script("registry.test/rest-runs-2", podlet.Runs(podlet.Hang()))
		began := hangs("registry.test/rest-fails", bad)
		stalls("registry.test/rest-ends", open)
		stubborn("registry.test/rest-held", stopped)
		for _, run := range []*v1alpha1.ValidationRun{before, waits, starts, runs, fails, ends, done, held} {
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		suspended := func(run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
			GinkgoHelper()
			edit(ctx, run, suspend(true))
			return atRest(ctx, run)
		}
		resumed := func(run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
			GinkgoHelper()
			edit(ctx, run, suspend(false))
			out := settled(ctx, run, 1)
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
			Expect(out.Status.SuspendedSince).To(BeNil())
			Expect(out.Status.Phases).To(HaveEach(HaveField("Retries", BeZero())), "being suspended is no retry")
			return out
		}
		atOnce(func() {
			rests := atRest(ctx, before)
			Expect(rests.Status.Attempt).To(BeEquivalentTo(1))
			Expect(states(rests)).To(Equal([]v1alpha1.PhaseState{v1alpha1.PhasePending}))
			Expect(jobsOf(ctx, Default, before)).To(BeEmpty())
			Expect(resumed(before).Status.Phases[0].Restarts).To(BeZero())
		}, func() {
			eventually(ctx, waits, waitsFor(v1alpha1.ReasonInputMissing))
			suspended(waits)
			Expect(k8s.Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "late"}, Data: map[string]string{"recipe.yaml": "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"},
			})).To(Succeed())
			resumed(waits)
		}, func() {
			eventually(ctx, starts, waitsFor(v1alpha1.ReasonImagePullFailed))
			Expect(states(suspended(starts))).To(Equal([]v1alpha1.PhaseState{v1alpha1.PhasePending}))
			node.Script("registry.test/rest-starts", podlet.Runs())
			Expect(resumed(starts).Status.Phases[0].Restarts).To(BeEquivalentTo(1))
		}, func() {
			eventually(ctx, runs, func(g Gomega, r *v1alpha1.ValidationRun) {
				started(g, r)
				g.Expect(states(r)).To(HaveExactElements(passed, v1alpha1.PhaseRunning, v1alpha1.PhasePending))
			})
			rests := suspended(runs)
			Expect(states(rests)).To(HaveExactElements(passed, v1alpha1.PhasePending, v1alpha1.PhasePending))
			Expect(rests.Status.Message).To(ContainSubstring("phase second (2 of 3) is next"))
			Expect(rests.Status.SuspendedSince).NotTo(BeNil())
			node.Script("registry.test/rest-runs-2", podlet.Runs())
			out := resumed(runs)
			Expect(out.Status.Phases).To(HaveExactElements(HaveField("Restarts", BeZero()),
				And(HaveField("Restarts", BeEquivalentTo(1)), HaveField("Flaky", false), HaveField("Jobs", HaveLen(2))), HaveField("Restarts", BeZero())))
			Expect(resultOf(ctx, out).Phases[1].Earlier).To(BeEmpty())
		}, func() {
			Eventually(ctx, began).Should(BeClosed())
			eventually(ctx, fails, started)
			edit(ctx, fails, suspend(true))
			out := settled(ctx, fails, 1)
			Expect(out.Status.Phases).To(ConsistOf(And(HaveField("State", failed), HaveField("Reason", v1alpha1.ReasonTestsFailed))), "a failure that was read stands")
			Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed))
		}, func() {
			validatorEnded(ctx, ends)
			edit(ctx, ends, suspend(true))
			close(open)
			rests := atRest(ctx, ends)
			Expect(states(rests)).To(HaveExactElements(passed, v1alpha1.PhasePending), "the validator had ended by itself")
			Expect(rests.Status.Phases[0].Restarts).To(BeZero())
			node.Script("registry.test/rest-ends", podlet.Runs())
			resumed(ends)
		}, func() {
			eventually(ctx, held, started)
			edit(ctx, held, suspend(true))
			eventually(ctx, held, waitsFor(v1alpha1.ReasonStopping))
			node.Script("registry.test/rest-held", podlet.Runs())
			edit(ctx, held, suspend(false))
			resumes := eventually(ctx, held, func(g Gomega, r *v1alpha1.ValidationRun) {
				waitsFor(v1alpha1.ReasonStopping)(g, r)
				g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
			})
			Expect(resumes.Status.Phases[0].Jobs).To(HaveLen(1), "one Job at a time")
			close(stopped)
			Expect(resumed(held).Status.Phases[0].Restarts).To(BeEquivalentTo(1))
			oneAfterTheOther(held)
		}, func() {
			settled(ctx, done, 1)
			edit(ctx, done, suspend(true))
			eventually(ctx, done, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
				g.Expect(r).To(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Passed"))
			})
			edit(ctx, done, trigger("next"))
			Expect(atRest(ctx, done).Status.Attempt).To(BeEquivalentTo(2), "the next attempt begins, and rests")
			edit(ctx, done, suspend(false))
			settled(ctx, done, 2)
		})
	})

	It("pauses the timeout of the run", func(ctx SpecContext) {
		// Of it whole seconds are lost to how times are written, and more to a busy machine.
		const limit = 15 * time.Second
		namespace := newNamespace(ctx)
		node.Script("registry.test/pause", podlet.Runs(podlet.Hang()))
		run := newRun(namespace, "pause", "registry.test/pause", container(), func(run *v1alpha1.ValidationRun) { run.Spec.Timeout = duration(limit) })
		Expect(k8s.Create(ctx, run)).To(Succeed())
		eventually(ctx, run, started)
		edit(ctx, run, suspend(true))
		rests := atRest(ctx, run)
		since := rests.Status.SuspendedSince.Time
		node.Script("registry.test/pause", podlet.Runs())
		// The run may last no longer than its timeout in all; it rests until it could not have ended in time, if it has not already.
		Consistently(ctx, current(ctx, run)).WithTimeout(max(time.Until(since.Add(limit)), time.Second)).Should(BeSuspended())
		edit(ctx, run, suspend(false))
		out := complete(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(out.Status.SuspendedSeconds).To(BeNumerically(">=", int64(limit/time.Second)-1))
	})
})

// atRest waits until a run is suspended, and has nothing left that runs or that it has to stop.
func atRest(ctx SpecContext, run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
	GinkgoHelper()
	rests := eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r).To(BeSuspended(), "%s: %s", r.Name, r.Status.Message)
		g.Expect(r.Finalizers).To(BeEmpty(), r.Name)
	})
	var jobs batchv1.JobList
	Expect(k8s.List(ctx, &jobs, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
	Expect(jobs.Items).NotTo(ContainElement(HaveField("Status.Active", BeNumerically(">", 0))), run.Name)
	return rests
}
