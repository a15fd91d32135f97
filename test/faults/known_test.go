package faults

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The API server admits and authorizes by caches of its own. What a spec has changed counts only once these know of it.

// refuses waits until nothing like the object is created any more, and the reason is said.
func refuses(ctx context.Context, object client.Object, why string) {
	GinkgoHelper()
	Eventually(ctx, func() error {
		return k8s.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
	}).Should(MatchError(ContainSubstring(why)))
}

// denied waits until the story's operator may not do any more what a rule allowed with a resource.
func (s *story) denied(ctx context.Context, rule rbacv1.PolicyRule, resource string) {
	GinkgoHelper()
	resource, subresource, _ := strings.Cut(resource, "/")
	Eventually(ctx, func(g Gomega) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: s.user.Impersonate.UserName, Groups: s.user.Impersonate.Groups,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: s.namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: resource, Subresource: subresource,
			},
		}}
		g.Expect(k8s.Create(ctx, review)).To(Succeed())
		g.Expect(review.Status.Allowed).To(BeFalse(), review.Status.Reason)
	}).Should(Succeed())
}

// plainPod is a pod that a namespace of a story takes, and plainJob its Job.
func (s *story) plainPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "plain"},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{Name: "plain", Image: "registry.test/none", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}

func (s *story) plainJob() *batchv1.Job {
	pod := s.plainPod()
	return &batchv1.Job{ObjectMeta: pod.ObjectMeta, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: pod.Spec}}}
}
