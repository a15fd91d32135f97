package integration

import (
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// after has a phase wait for others, or for none.
func after(name string, others ...string) change {
	return func(run *v1alpha1.ValidationRun) {
		for i := range run.Spec.Phases {
			if p := &run.Spec.Phases[i]; p.Name == name {
				p.DependsOn = append([]string{}, others...)
			}
		}
	}
}

// alone makes a phase exclusive.
func alone(name string) change {
	return func(run *v1alpha1.ValidationRun) {
		for i := range run.Spec.Phases {
			if p := &run.Spec.Phases[i]; p.Name == name {
				p.Exclusive = true
			}
		}
	}
}

var _ = Describe("Phases that depend on each other", func() {
	It("run as soon as what they wait for has ended, beside those that they do not wait for", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		left, right, ended := make(chan struct{}), make(chan struct{}), atomic.Int32{}
		end := func(*podlet.Process) { ended.Add(1) }
		// Each of the two ends only once the other runs.
		node.Script("registry.test/left", podlet.Runs(podlet.Signal(left), podlet.Gate(right), end))
		node.Script("registry.test/right", podlet.Runs(podlet.Signal(right), podlet.Gate(left), end))
		node.Script("registry.test/both", podlet.Runs(func(p *podlet.Process) {
			if ended.Load() != 2 {
				p.Exit(1)
			}
		}))
		run := newRun(namespace, "beside", "", phases("left=registry.test/left", "right=registry.test/right", "both=registry.test/both"),
			after("right"), after("both", "left", "right"))
		run.Spec.Validator.Image = "registry.test/both"
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(states(out)).To(HaveExactElements(passed, passed, passed))
		Expect(phaseNamed(out, "both").StartTime.Time).To(BeTemporally(">=", phaseNamed(out, "right").CompletionTime.Time))
	})

	It("do not run where what they wait for has failed, and others do", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		node.Script("registry.test/depends-good", podlet.Runs())
		node.Script("registry.test/depends-bad", podlet.Runs(podlet.Exit(1)))
		run := newRun(namespace, "dependants", "registry.test/depends-good",
			phases("fails=registry.test/depends-bad", "apart", "dependant", "theirs", "other"),
			after("apart"), after("dependant", "fails"), after("theirs", "dependant"), after("other", "apart"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed), out.Status.Message)
		Expect(out.Status.Phases).To(HaveExactElements(BePhase("fails", failed, v1alpha1.ReasonTestsFailed), BePhase("apart", passed, ""),
			And(BePhase("dependant", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase), HaveField("Message", "phase fails is Failed")),
			And(BePhase("theirs", v1alpha1.PhaseNotRun, v1alpha1.ReasonEarlierPhase), HaveField("Message", "phase fails is Failed")),
			BePhase("other", passed, "")))
		Expect(jobsCreated(run)).To(HaveLen(3))
	})

	It("run alone where they are exclusive", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		running, most, crowded := atomic.Int32{}, atomic.Int32{}, atomic.Bool{}
		counted := func(steps ...podlet.Step) podlet.Script {
			return podlet.Runs(func(p *podlet.Process) {
				now := running.Add(1)
				defer running.Add(-1)
				if now > most.Load() {
					most.Store(now)
				}
				podlet.Steps(steps...)(p)
			})
		}
		both := make(chan struct{})
		node.Script("registry.test/alone-before", counted(podlet.Gate(both)))
		node.Script("registry.test/alone-beside", counted(podlet.Gate(both)))
		node.Script("registry.test/alone", podlet.Runs(func(*podlet.Process) { crowded.Store(running.Load() > 0) }))
		run := newRun(namespace, "alone", "registry.test/alone", phases("before=registry.test/alone-before", "alone", "beside=registry.test/alone-beside"),
			after("alone"), after("beside"), alone("alone"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(states(r)).To(HaveExactElements(v1alpha1.PhaseRunning, v1alpha1.PhasePending, v1alpha1.PhaseRunning))
			g.Expect(running.Load()).To(BeEquivalentTo(2))
		})
		close(both)
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(most.Load()).To(BeEquivalentTo(2))
		Expect(crowded.Load()).To(BeFalse())
	})
})
