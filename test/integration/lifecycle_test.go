package integration

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// jobsOf are the names of a run's Jobs, of all its attempts.
func jobsOf(ctx context.Context, g Gomega, run *v1alpha1.ValidationRun) []string {
	var jobs batchv1.JobList
	g.Expect(k8s.List(ctx, &jobs, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
	var names []string
	for _, job := range jobs.Items {
		names = append(names, job.Name)
	}
	return names
}

// childrenOf are all objects labelled for a run.
func childrenOf(ctx context.Context, g Gomega, run *v1alpha1.ValidationRun) []string {
	var names []string
	for _, list := range []client.ObjectList{
		&batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}, &corev1.ServiceAccountList{}, &rbacv1.RoleBindingList{},
	} {
		gvk, err := k8s.GroupVersionKindFor(list)
		g.Expect(err).NotTo(HaveOccurred())
		objects := &metav1.PartialObjectMetadataList{}
		objects.SetGroupVersionKind(gvk)
		g.Expect(k8s.List(ctx, objects, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
		for _, o := range objects.Items {
			names = append(names, strings.TrimSuffix(gvk.Kind, "List")+"/"+o.Name)
		}
	}
	return names
}

// writes are the successful writes of the operator in a namespace so far.
func writes(namespace string) []controlplane.AuditEvent {
	GinkgoHelper()
	events, err := controlplane.ReadAudit(plane.AuditLogPath, namespace)
	Expect(err).NotTo(HaveOccurred())
	return slices.DeleteFunc(events, func(e controlplane.AuditEvent) bool {
		return !byOperator(e) || e.Resource == "events" || e.Code >= 300 || slices.Contains([]string{"get", "list", "watch"}, e.Verb)
	})
}

func byOperator(e controlplane.AuditEvent) bool {
	return strings.HasPrefix(e.User, "system:serviceaccount:validation-operator-system:")
}

// knownToBeGone waits until the operator has asked for a Job and was told that there is none.
func knownToBeGone(ctx context.Context, namespace, job string) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		events, err := controlplane.ReadAudit(plane.AuditLogPath, namespace)
		g.Expect(err).NotTo(HaveOccurred())
		asked := slices.ContainsFunc(events, func(e controlplane.AuditEvent) bool {
			return byOperator(e) && e.Verb == "get" && e.Resource == "jobs" && e.Name == job && e.Code == http.StatusNotFound
		})
		g.Expect(asked).To(BeTrue(), "the operator has not asked for Job %s since it is gone", job)
	}).Should(Succeed())
}

var _ = Describe("The life of a run", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("leaves alone what is applied again, and starts attempt 2 when it is edited", func(ctx SpecContext) {
		node.Script("registry.test/life", *tests(good))
		run := newRun(namespace, "edited", "registry.test/life", func(r *v1alpha1.ValidationRun) { r.Spec.Trigger = "commit 1" })
		Expect(k8s.Create(ctx, run)).To(Succeed())
		first := complete(ctx, run, 1)
		Expect(first).To(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Passed"))
		Eventually(ctx, current(ctx, run)).Should(HaveField("Finalizers", BeEmpty()))

		By("labelling it, and applying it again")
		before := time.Now()
		for range 2 {
			label := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"team":"gpu"}},"spec":{"trigger":"commit 1"}}`))
			Expect(k8s.Patch(ctx, run.DeepCopy(), label)).To(Succeed())
		}
		quiet(ctx, run, before)

		By("spelling a default out, and a duration otherwise")
		edit(ctx, run, func(r *v1alpha1.ValidationRun) {
			r.Spec.Phases[0].OnFailure = v1alpha1.Stop
			r.Spec.Phases[0].Timeout = duration(10 * time.Minute)
		})
		Eventually(ctx, current(ctx, run)).Should(And(
			WithTransform(func(r *v1alpha1.ValidationRun) bool { return r.Status.ObservedGeneration == r.Generation }, BeTrue()),
			HaveField("Status.Attempt", BeEquivalentTo(1)), HaveField("Status.Verdict", v1alpha1.VerdictPassed),
		))

		By("editing it")
		edit(ctx, run, func(r *v1alpha1.ValidationRun) { r.Spec.Trigger = "commit 2" })
		second := complete(ctx, run, 2)
		Expect(second.Status.ObservedGeneration).To(Equal(second.Generation))
		Expect(second.Status.Results[0].ConfigMap).To(Equal("edited-result-2"))
		Eventually(ctx, func(g Gomega) { g.Expect(jobsOf(ctx, g, run)).To(HaveLen(1)) }).Should(Succeed())
	})

	It("stops the old attempt's pods before the new one starts its own", func(ctx SpecContext) {
		began, stopped := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/superseded", podlet.GoTest{Tests: []podlet.GoTestCase{
			{Name: "TestHangs", Run: podlet.Steps(podlet.OnTERM(podlet.Gate(stopped), podlet.Exit(2)), podlet.Signal(began), podlet.Hang())},
		}}.Script())
		run := newRun(namespace, "superseded", "registry.test/superseded")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		Eventually(ctx, began).Should(BeClosed())
		node.Script("registry.test/superseded", *tests(good))

		edit(ctx, run, func(r *v1alpha1.ValidationRun) { r.Spec.Trigger = "again" })
		Eventually(ctx, current(ctx, run)).Should(And(
			HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonStopping),
			HaveField("Status.Attempt", BeEquivalentTo(2)),
			HaveField("Status.Verdict", BeEmpty()),
		))
		Expect(jobsOf(ctx, Default, run)).To(HaveLen(1))
		close(stopped)
		Expect(complete(ctx, run, 2).Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
	})

	It("ends with the same verdict and one Job when the operator is killed while a phase runs", func(ctx SpecContext) {
		began, open := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/killed", podlet.GoTest{Tests: []podlet.GoTestCase{
			bad, {Name: "TestWaits", Run: podlet.Steps(podlet.Signal(began), podlet.Gate(open))}, absent,
		}}.Script())
		run := newRun(namespace, "killed", "registry.test/killed")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		Eventually(ctx, began).Should(BeClosed())
		Eventually(ctx, current(ctx, run)).Should(HaveField("Status.Phases", ContainElement(HaveField("Running", "TestWaits"))))
		operator.kill()
		close(open)
		operator.start()

		out := complete(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictFailed))
		Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 3, Passed: 1, Failed: 1, Skipped: 1}))
		Expect(out.Status.Failures).To(ConsistOf(And(HaveField("Test", "TestBad"), HaveField("Message", ContainSubstring("3 of 8 GPUs are missing")))))
		created := slices.DeleteFunc(writes(namespace), func(e controlplane.AuditEvent) bool { return e.Verb != "create" || e.Resource != "jobs" })
		Expect(created).To(HaveLen(1))
	})

	It("leaves nothing behind when it is deleted while it runs, and its identity goes last", func(ctx SpecContext) {
		began, stopped := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/deleted", podlet.GoTest{Tests: []podlet.GoTestCase{
			{Name: "TestHangs", Run: podlet.Steps(podlet.OnTERM(podlet.Gate(stopped), podlet.Exit(2)), podlet.Signal(began), podlet.Hang())},
		}}.Script())
		run := newRun(namespace, "deleted", "registry.test/deleted")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		Eventually(ctx, began).Should(BeClosed())
		Expect(k8s.Delete(ctx, run)).To(Succeed())
		var jobs batchv1.JobList
		Eventually(ctx, func(g Gomega) {
			g.Expect(k8s.List(ctx, &jobs, client.InNamespace(namespace))).To(Succeed())
			g.Expect(jobs.Items).To(ConsistOf(HaveField("DeletionTimestamp", Not(BeNil()))))
		}).Should(Succeed())
		Expect(childrenOf(ctx, Default, run)).To(ContainElements(HavePrefix("ServiceAccount/"), HavePrefix("RoleBinding/")))
		close(stopped)
		Eventually(ctx, func(g Gomega) {
			g.Expect(apierrors.IsNotFound(k8s.Get(ctx, client.ObjectKeyFromObject(run), run))).To(BeTrue())
			g.Expect(childrenOf(ctx, g, run)).To(BeEmpty())
		}).Should(Succeed())
	})

	It("waits for inputs that are missing, works on copies of them, and gives the validator what the earlier agent gave", func(ctx SpecContext) {
		seen := make(chan string, 1)
		node.Script("registry.test/inputs", podlet.GoTest{Tests: []podlet.GoTestCase{{Name: "TestInputs", Run: func(p *podlet.Process) {
			recipe, err := p.ReadFile("/data/recipe/recipe.yaml")
			seen <- strings.Join([]string{string(recipe), p.Env("AICR_RECIPE_PATH"), p.Env("AICR_SNAPSHOT_PATH"), p.Env("AICR_NAMESPACE")}, " ")
			if err != nil {
				p.Exit(1)
			}
		}}}}.Script())
		run := newRun(namespace, "inputs", "registry.test/inputs", func(run *v1alpha1.ValidationRun) {
			run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "aicr-recipe", Key: "recipe.yaml"}}
			run.Spec.Snapshot = &v1alpha1.SnapshotSource{ConfigMap: &v1alpha1.ConfigMapKey{Name: "aicr-snapshot", Key: "s.yaml"}}
			run.Spec.ServiceAccountName = "validator"
		})
		Expect(k8s.Create(ctx, run)).To(Succeed())
		Eventually(ctx, current(ctx, run)).Should(And(
			HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonInputMissing),
			HaveField("Status.Message", And(ContainSubstring("ConfigMap aicr-recipe does not exist"), ContainSubstring("ServiceAccount validator does not exist"))),
		))
		recipe := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "aicr-recipe"}, Data: map[string]string{"recipe.yaml": "kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n"},
		}
		Expect(k8s.Create(ctx, recipe)).To(Succeed())
		Expect(k8s.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "validator"}})).To(Succeed())
		Expect(k8s.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "aicr-snapshot"}, BinaryData: map[string][]byte{"s.yaml": []byte("measurements: [{type: K8s, subtypes: [{subtype: server, data: {version: v1.37.1}}]}]")},
		})).To(Succeed())

		out := complete(ctx, run, 1)
		Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		Expect(seen).To(Receive(Equal("kind: RecipeResult\napiVersion: aicr.nvidia.com/v1alpha1\n /data/recipe/recipe.yaml /data/snapshot/snapshot.yaml " + namespace)))
		Expect(out.Status.Inputs).To(ConsistOf(HaveField("Name", "spec"), HaveField("ConfigMap", "inputs-recipe-1"), HaveField("ConfigMap", "inputs-snapshot-1")))
		Expect(childrenOf(ctx, Default, run)).NotTo(ContainElement(HavePrefix("ServiceAccount/")), "the run names one of its own")
	})

	It("refuses to take over what belongs to somebody else", func(ctx SpecContext) {
		node.Script("registry.test/conflict", *tests(good))
		Expect(k8s.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "conflict-spec-1"}})).To(Succeed())
		run := newRun(namespace, "conflict", "registry.test/conflict")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := complete(ctx, run, 1)
		Expect(out.Status.Phases[0]).To(And(HaveField("State", errored), HaveField("Reason", v1alpha1.ReasonNameConflict),
			HaveField("Message", ContainSubstring("conflict-spec-1 exists and does not belong to this run"))))
	})

	It("waits for what a run of the same name has left behind", func(ctx SpecContext) {
		node.Script("registry.test/again", *tests(good))
		run := newRun(namespace, "again", "registry.test/again")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		complete(ctx, run, 1)
		Expect(k8s.Delete(ctx, run)).To(Succeed())
		Eventually(ctx, func() error { return k8s.Create(ctx, newRun(namespace, "again", "registry.test/again")) }).Should(Succeed())
		Expect(complete(ctx, run, 1).Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
	})

	It("is not led astray by somebody who relabels its Job", func(ctx SpecContext) {
		began, open := make(chan struct{}), make(chan struct{})
		node.Script("registry.test/relabelled", podlet.GoTest{Tests: []podlet.GoTestCase{
			{Name: "TestWaits", Run: podlet.Steps(podlet.Signal(began), podlet.Gate(open))},
		}}.Script())
		run := newRun(namespace, "relabelled", "registry.test/relabelled")
		Expect(k8s.Create(ctx, run)).To(Succeed())
		Eventually(ctx, began).Should(BeClosed())
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: jobsOf(ctx, Default, run)[0]}}
		patch := []byte(`{"metadata":{"labels":{"validation.aicr.dev/attempt":null,"validation.aicr.dev/phase":"other"}}}`)
		Expect(k8s.Patch(ctx, job, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
		close(open)
		Expect(complete(ctx, run, 1).Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
		created := slices.DeleteFunc(writes(namespace), func(e controlplane.AuditEvent) bool { return e.Verb != "create" || e.Resource != "jobs" })
		Expect(created).To(HaveLen(1))
	})

	It("runs phases in order and says why one is not run", func(ctx SpecContext) {
		node.Script("registry.test/passes", *tests(good))
		node.Script("registry.test/fails", *tests(bad))
		run := newRun(namespace, "phases", "registry.test/passes", func(run *v1alpha1.ValidationRun) {
			image := "registry.test/fails"
			next := func(name string, onFailure v1alpha1.OnFailure, v *v1alpha1.PhaseValidator) v1alpha1.Phase {
				return v1alpha1.Phase{Name: name, OnFailure: onFailure, Validator: v, GoTest: &v1alpha1.GoTest{Package: "./checks/" + name}}
			}
			run.Spec.Phases = []v1alpha1.Phase{
				next("readiness", "", nil),
				next("deployment", v1alpha1.Continue, &v1alpha1.PhaseValidator{Image: &image}),
				next("performance", "", &v1alpha1.PhaseValidator{Image: &image}),
				next("conformance", "", nil),
			}
		})
		Expect(k8s.Create(ctx, run)).To(Succeed())
		out := complete(ctx, run, 1)
		states := make([]v1alpha1.PhaseState, 0, 4)
		for _, p := range out.Status.Phases {
			states = append(states, p.State)
		}
		Expect(states).To(Equal([]v1alpha1.PhaseState{passed, failed, failed, v1alpha1.PhaseNotRun}))
		Expect(out.Status.Phases[3]).To(And(HaveField("Reason", v1alpha1.ReasonEarlierPhase), HaveField("Message", "phase performance is Failed")))
		Expect(out.Status.Passed).To(Equal("1/3"))
		Expect(out.Status.Message).To(And(ContainSubstring("deployment: 1 test failed"), ContainSubstring("performance: 1 test failed")))
		Expect(out).To(And(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, "Failed"), HaveCondition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "Failed")))

		By("keeping everything in the result")
		result := &corev1.ConfigMap{}
		Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "phases-result-1"}, result)).To(Succeed())
		Expect(result.Data["result.yaml"]).To(And(ContainSubstring("3 of 8 GPUs are missing"), ContainSubstring("name: readiness"), ContainSubstring("state: NotRun")))
		Expect(result.Immutable).To(HaveValue(BeTrue()))
		Eventually(ctx, func(g Gomega) []string { return childrenOf(ctx, g, run) }).ShouldNot(ContainElement(ContainSubstring("evidence")))

		By("recording events of each transition")
		Eventually(ctx, func(g Gomega) {
			var events eventsv1.EventList
			g.Expect(k8s.List(ctx, &events, client.InNamespace(namespace))).To(Succeed())
			var reasons []string
			for _, e := range events.Items {
				if e.Regarding.Kind == "ValidationRun" {
					reasons = append(reasons, e.Reason)
				}
			}
			g.Expect(reasons).To(ContainElements("AttemptStarted", "JobCreated", "PhasePassed", "PhaseFailed", "PhaseNotRun", "Failed"))
		}).Should(Succeed())

		By("writing no more than six times per phase, and a handful for the attempt")
		Expect(len(writes(namespace))).To(BeNumerically("<=", 6*4+8))
	})

	It("is Error when somebody deletes its Job, and its pod", func(ctx SpecContext) {
		for reason, remove := range map[string]client.Object{v1alpha1.ReasonJobDeleted: &batchv1.Job{}, v1alpha1.ReasonPodDeleted: &corev1.Pod{}} {
			name := strings.ToLower(reason)
			image := "registry.test/" + name
			began, known := make(chan struct{}), make(chan struct{})
			node.Script(image, podlet.GoTest{Tests: []podlet.GoTestCase{good, {Name: "TestHangs", Run: podlet.Steps(
				podlet.OnTERM(podlet.Gate(known), podlet.Exit(2)), podlet.Signal(began), podlet.Hang(),
			)}}}.Script())
			run := newRun(namespace, name, image)
			Expect(k8s.Create(ctx, run)).To(Succeed())
			Eventually(ctx, began).Should(BeClosed())
			Eventually(ctx, current(ctx, run)).Should(HaveField("Status.Phases", ContainElement(HaveField("Running", "TestHangs"))))
			job := jobsOf(ctx, Default, run)[0]
			Expect(k8s.DeleteAllOf(ctx, remove, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name},
				client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
			if reason == v1alpha1.ReasonJobDeleted {
				// The pod goes with its Job. An operator that sees its end first would have the pod alone to blame.
				knownToBeGone(ctx, namespace, job)
			}
			close(known)
			out := complete(ctx, run, 1)
			Expect(out.Status.Phases).To(ConsistOf(BePhase("deployment", errored, reason)))
			Expect(out.Status.Passed).To(Equal("1/2"), "what was read stands")
		}
	})
})
