package faults

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// crdName is the CRD's.
const crdName = "validationruns.validation.aicr.dev"

// changeSchema applies another version of the CRD.
func changeSchema(ctx context.Context, change func(spec apiextensionsv1.JSONSchemaProps)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		g.Expect(k8s.Get(ctx, client.ObjectKey{Name: crdName}, crd)).To(Succeed())
		change(crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
		g.Expect(k8s.Update(ctx, crd)).To(Succeed())
	}).Should(Succeed())
}

var _ = Describe("An upgrade of the CRD while runs run", func() {
	It("starts nothing anew and changes no verdict, nor does the way back", func(ctx SpecContext) {
		play(ctx, scene{}, func(s *story) {
			open := make(chan struct{})
			done := s.run(ctx, "done", phases(smoke("only", s.image("done", podlet.Runs()))))
			before := passes(ctx, done, 1)
			run := s.run(ctx, "running", phases(suite("first", s.image("first", tests(good, until(open)))), smoke("second", s.image("second", podlet.Runs()))))
			runs(ctx, run, "first")

			By("adding a field, with a default")
			changeSchema(ctx, func(spec apiextensionsv1.JSONSchemaProps) {
				spec.Properties["severity"] = apiextensionsv1.JSONSchemaProps{Type: "string", Default: &apiextensionsv1.JSON{Raw: []byte(`"High"`)}}
			})
			served := &unstructured.Unstructured{}
			served.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ValidationRun"))
			Eventually(ctx, func(g Gomega) {
				g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(done), served)).To(Succeed())
				g.Expect(served.Object["spec"]).To(HaveKeyWithValue("severity", "High"))
			}).Should(Succeed())
			for _, r := range []*v1alpha1.ValidationRun{run, done} {
				edit(ctx, r, func(r *v1alpha1.ValidationRun) { r.Spec.HistoryLimit = new(int32(7)) })
			}
			close(open)
			passes(ctx, run, 1)

			By("taking it away again")
			changeSchema(ctx, func(spec apiextensionsv1.JSONSchemaProps) { delete(spec.Properties, "severity") })
			edit(ctx, done, func(r *v1alpha1.ValidationRun) { r.Spec.HistoryLimit = new(int32(8)) })
			after := eventually(ctx, done, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
			})
			Expect(after.Status.Attempt).To(BeEquivalentTo(1))
			Expect(after.Status.CompletionTime).To(Equal(before.Status.CompletionTime))
			Expect(passes(ctx, run, 1).Status.History).To(BeEmpty())
		})
	})
})
