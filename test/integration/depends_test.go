package integration

import (
	"context"
	"fmt"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// inject has the API server add a container to the pods of a phase, as service meshes and log shippers do, and returns once it does.
func inject(ctx context.Context, namespace, phase, image string) {
	GinkgoHelper()
	name := namespace + "-injects"
	inNamespace := &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
	pods := admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
	added := fmt.Sprintf(`[JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "injected", image: %q,
		securityContext: Object.spec.containers.securityContext{allowPrivilegeEscalation: false,
			capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}}}}]`, image)
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionregistrationv1.MutatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				NamespaceSelector: inNamespace, ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelPhase: phase}},
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{pods},
			},
			Mutations: []admissionregistrationv1.Mutation{{
				PatchType: admissionregistrationv1.PatchTypeJSONPatch, JSONPatch: &admissionregistrationv1.JSONPatch{Expression: added},
			}},
			ReinvocationPolicy: admissionregistrationv1.NeverReinvocationPolicy,
		},
	}
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: name},
	}
	for _, object := range []client.Object{policy, binding} {
		Expect(k8s.Create(ctx, object)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(k8s.Delete(ctx, object)).To(Succeed()) })
	}
	// The API server learns of its policies as others do, by a watch.
	Eventually(ctx, func(g Gomega) []corev1.Container {
		pod := restrictedPod(namespace, phase)
		g.Expect(k8s.Create(ctx, pod, client.DryRunAll)).To(Succeed())
		return pod.Spec.Containers
	}).Should(ContainElement(HaveField("Name", "injected")))
}

// restrictedPod is a pod of a phase, as strict as its namespace demands.
func restrictedPod(namespace, phase string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "restricted", Labels: map[string]string{v1alpha1.LabelPhase: phase}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "main", Image: "registry.test/main", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
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

	It("run alone where they are exclusive, after what was injected into the pods of others", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		running, crowded := atomic.Int32{}, atomic.Bool{}
		counted := func(until <-chan struct{}) podlet.Script {
			return podlet.Runs(func(p *podlet.Process) {
				running.Add(1)
				defer running.Add(-1)
				p.Wait(until)
			})
		}
		both, injected := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/alone-before", counted(both))
		node.Script("registry.test/alone-beside", counted(both))
		node.Script("registry.test/alone-injected", counted(injected))
		node.Script("registry.test/alone", podlet.Runs(func(*podlet.Process) { crowded.Store(running.Load() > 0) }))
		inject(ctx, namespace, "before", "registry.test/alone-injected")
		run := newRun(namespace, "alone", "registry.test/alone", phases("before=registry.test/alone-before", "alone", "beside=registry.test/alone-beside"),
			after("alone"), after("beside"), alone("alone"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(states(r)).To(HaveExactElements(v1alpha1.PhaseRunning, v1alpha1.PhasePending, v1alpha1.PhaseRunning))
			g.Expect(running.Load()).To(BeEquivalentTo(3))
		})
		close(both)
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(states(r)).To(HaveExactElements(passed, v1alpha1.PhasePending, passed))
			g.Expect(phaseNamed(r, "alone").Message).To(Equal("it is exclusive, and waits for the pods of before to be gone"))
		})
		close(injected)
		out := settled(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), out.Status.Message)
		Expect(crowded.Load()).To(BeFalse())
	})
})
