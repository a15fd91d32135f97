package faults

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// strangers are objects of somebody else's by the names that a run's children would have, and what the run comes to beside each.
var strangers = map[string]struct {
	object  func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object
	verdict v1alpha1.Verdict
	results int
}{
	"service-account": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.AccessName(run)
		return &corev1.ServiceAccount{ObjectMeta: meta}
	}, v1alpha1.VerdictError, 1},
	"role-binding": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.AccessName(run)
		return &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "none"}}
	}, v1alpha1.VerdictError, 1},
	"spec": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.InputName(run, 1, workload.InputSpec)
		return &corev1.ConfigMap{ObjectMeta: meta}
	}, v1alpha1.VerdictError, 1},
	"job": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.JobName(run, workload.Item{Attempt: 1, Phase: "only"})
		pod := corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "validator", Image: "registry.test/none"}}}
		return &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: pod}}}
	}, v1alpha1.VerdictError, 1},
	"evidence": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.EvidenceName(run, workload.Item{Attempt: 1, Phase: "only"})
		return &corev1.ConfigMap{ObjectMeta: meta}
	}, v1alpha1.VerdictPassed, 1},
	"result": {func(run *v1alpha1.ValidationRun, meta metav1.ObjectMeta) client.Object {
		meta.Name = workload.ResultName(run, 1)
		return &corev1.ConfigMap{ObjectMeta: meta}
	}, v1alpha1.VerdictPassed, 0},
}

var _ = Describe("A stranger's object", func() {
	It("is never taken over, even where it carries the run's labels, and no run waits for it for ever", func(ctx SpecContext) {
		play(ctx, scene{idle: true}, func(s *story) {
			all, theirs := map[string]*v1alpha1.ValidationRun{}, map[string]client.Object{}
			image := s.image("only", podlet.Runs())
			for name, stranger := range strangers {
				all[name] = s.run(ctx, name, phases(smoke("only", image)))
				// A label of the run's, without its UID, is what somebody might copy.
				meta := metav1.ObjectMeta{Namespace: s.namespace, Labels: map[string]string{v1alpha1.LabelRun: name}}
				theirs[name] = stranger.object(all[name], meta)
				Expect(k8s.Create(ctx, theirs[name])).To(Succeed(), name)
			}
			s.start()
			for name, stranger := range strangers {
				out := settled(ctx, all[name], 1)
				Expect(out.Status.Verdict).To(Equal(stranger.verdict), "%s: %s", name, out.Status.Message)
				Expect(out.Status.Results).To(HaveLen(stranger.results), name)
				if stranger.verdict == v1alpha1.VerdictError {
					Expect(out.Status.Phases[0].Reason).To(Equal(v1alpha1.ReasonNameConflict), "%s: %s", name, out.Status.Phases[0].Message)
				}
				Expect(k8s.Delete(ctx, all[name])).To(Succeed())
			}
			s.end(ctx)
			events, err := controlplane.ReadAudit(plane.AuditLogPath, s.namespace)
			Expect(err).NotTo(HaveOccurred())
			for name, object := range theirs {
				uid := object.GetUID()
				Expect(k8s.Get(ctx, client.ObjectKeyFromObject(object), object)).To(Succeed(), name)
				Expect(object.GetUID()).To(Equal(uid), name)
				kind, err := k8s.GroupVersionKindFor(object)
				Expect(err).NotTo(HaveOccurred())
				for _, e := range events {
					same := e.Name == object.GetName() && e.Resource == resources[kind.Kind]
					Expect(same && byOperator(e) && e.Code < 300).To(BeFalse(), "%s: %s %s", name, e.Verb, e.URI)
				}
			}
		})
	})
})

var resources = map[string]string{
	"Job": "jobs", "ConfigMap": "configmaps", "ServiceAccount": "serviceaccounts", "RoleBinding": "rolebindings",
}
