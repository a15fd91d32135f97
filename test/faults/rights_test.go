package faults

import (
	"cmp"
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// without takes all rights on a resource away from the story's operator, or all rights where it is empty, and returns what gives them back.
func (s *story) without(ctx context.Context, resource string) (restore func()) {
	GinkgoHelper()
	role := s.role.DeepCopy()
	role.Rules = slices.DeleteFunc(role.Rules, func(rbacv1.PolicyRule) bool { return resource == "" })
	for i := range role.Rules {
		rule := &role.Rules[i]
		if rule.Resources = slices.DeleteFunc(rule.Resources, func(r string) bool { return r == resource }); len(rule.Resources) == 0 {
			rule.Resources = []string{"nothing"}
		}
	}
	Expect(k8s.Update(ctx, role)).To(Succeed())
	lost := s.role.Rules[slices.IndexFunc(s.role.Rules, func(r rbacv1.PolicyRule) bool { return resource == "" || slices.Contains(r.Resources, resource) })]
	s.denied(ctx, lost, cmp.Or(resource, lost.Resources[0]))
	return func() {
		GinkgoHelper()
		role.Rules = s.role.Rules
		Expect(k8s.Update(ctx, role)).To(Succeed())
	}
}

var _ = Describe("Rights that are taken away while a run runs", func() {
	It("keep it from ending until they are given back, and lose nothing", func(ctx SpecContext) {
		var stories []func()
		for _, resource := range []string{"", "configmaps", "pods/log", "jobs", "validationruns/status"} {
			stories = append(stories, func() {
				play(ctx, scene{}, func(s *story) {
					open, next := make(chan struct{}), make(chan struct{})
					run := s.run(ctx, "deprived", phases(suite("first", s.image("first", tests(good, until(open)))), suite("second", s.image("second", tests(good, until(next))))))
					runs(ctx, run, "first")
					restore := s.without(ctx, resource)
					close(open)
					close(next)
					Consistently(ctx, func(g Gomega) {
						latest := &v1alpha1.ValidationRun{}
						g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(run), latest)).To(Succeed())
						g.Expect(latest.Status.Verdict).To(BeEmpty(), latest.Status.Message)
					}).WithTimeout(4 * time.Second).Should(Succeed())
					restore()
					out := passes(ctx, run, 1)
					Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 4, Passed: 4}))
					kept := resultOf(ctx, out).Phases
					Expect(kept).To(HaveEach(HaveField("Tests", HaveLen(2))), "without %s", resource)
				})
			})
		}
		atOnce(stories...)
	})
})

var _ = Describe("Admission", func() {
	It("that refuses is waited for, by its name, until it does not", func(ctx SpecContext) {
		atOnce(func() {
			play(ctx, scene{}, func(s *story) {
				quota := &corev1.ResourceQuota{
					ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "no-pods"},
					Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}},
				}
				Expect(k8s.Create(ctx, quota)).To(Succeed())
				refuses(ctx, s.plainPod(), "exceeded quota: no-pods")
				run := s.run(ctx, "quota", phases(smoke("only", s.image("only", podlet.Runs()))))
				out := waits(ctx, run, v1alpha1.ReasonQuotaExceeded)
				Expect(out.Status.Message).To(ContainSubstring("no-pods"))
				Expect(k8s.Patch(ctx, quota, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"hard":{"pods":"9"}}}`)))).To(Succeed())
				passes(ctx, run, 1)
			})
		}, func() {
			deadWebhook(ctx, "batch", "jobs", func(s *story) client.Object { return s.plainJob() })
		}, func() {
			deadWebhook(ctx, "", "pods", func(s *story) client.Object { return s.plainPod() })
		})
	})
})

// deadWebhook tells the story of a webhook for creations of a resource, such as one, that nobody answers for.
func deadWebhook(ctx context.Context, group, resource string, one func(*story) client.Object) {
	GinkgoHelper()
	play(ctx, scene{}, func(s *story) {
		webhook := &admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: s.namespace},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{
				Name: "dead.registry.test", SideEffects: new(admissionregistrationv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
				ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/")}, FailurePolicy: new(admissionregistrationv1.Fail), TimeoutSeconds: new(int32(1)),
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: s.namespace}},
				Rules: []admissionregistrationv1.RuleWithOperations{{Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create}, Rule: admissionregistrationv1.Rule{
					APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: []string{resource},
				}}},
			}},
		}
		Expect(k8s.Create(ctx, webhook)).To(Succeed())
		defer func() { _ = k8s.Delete(ctx, webhook) }() // it may be deleted
		refuses(ctx, one(s), "dead.registry.test")
		run := s.run(ctx, "webhook", phases(smoke("only", s.image("only", podlet.Runs()))))
		out := waits(ctx, run, v1alpha1.ReasonPodNotCreated)
		Expect(out.Status.Message).To(ContainSubstring("dead.registry.test"))
		Expect(k8s.Delete(ctx, webhook)).To(Succeed())
		passes(ctx, run, 1)
	})
}

var _ = Describe("A namespace that is being deleted", func() {
	It("has nothing created in it again and again, and goes once the pods do", func(ctx SpecContext) {
		play(ctx, scene{}, func(s *story) {
			open := make(chan struct{})
			image := s.image("stubborn", podlet.Runs(podlet.OnTERM(podlet.Gate(open), podlet.Exit(2)), podlet.Hang()))
			run := s.run(ctx, "stubborn", phases(smoke("first", image), smoke("second", image)))
			ends := s.run(ctx, "between-phases", phases(smoke("first", s.image("ends", podlet.Runs(podlet.OnTERM(podlet.Exit(0)), podlet.Hang()))), smoke("second", image)))
			runs(ctx, run, "first")
			runs(ctx, ends, "first")
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
			Expect(k8s.Delete(ctx, namespace)).To(Succeed())
			// Pods go first, and all else only once they are gone: from here on nothing but this one keeps the rest from going.
			s.isAskedToEnd(ctx, run)
			account, binding := &corev1.ServiceAccount{}, &rbacv1.RoleBinding{}
			access := client.ObjectKey{Namespace: s.namespace, Name: workload.AccessName(run)}
			Consistently(ctx, func(g Gomega) {
				g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(run), &v1alpha1.ValidationRun{})).To(Succeed())
				g.Expect(k8s.Get(ctx, access, account)).To(Succeed())
				g.Expect(k8s.Get(ctx, access, binding)).To(Succeed())
			}).WithTimeout(3*time.Second).Should(Succeed(), "its pod has an identity to the end")
			close(open)
			Eventually(ctx, func() bool { return isGone(ctx, namespace) }).Should(BeTrue())
			events, err := controlplane.ReadAudit(plane.AuditLogPath, s.namespace)
			Expect(err).NotTo(HaveOccurred())
			denied := slices.DeleteFunc(events, func(e controlplane.AuditEvent) bool { return !byOperator(e) || e.Verb != "create" || e.Code < 300 })
			Expect(len(denied)).To(BeNumerically("<=", 8))
		})
	})
})

// isAskedToEnd waits until the run's only pod is being deleted.
func (s *story) isAskedToEnd(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		var pods corev1.PodList
		g.Expect(k8s.List(ctx, &pods, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
		g.Expect(pods.Items).To(ConsistOf(HaveField("DeletionTimestamp", Not(BeNil()))))
	}).Should(Succeed())
}
