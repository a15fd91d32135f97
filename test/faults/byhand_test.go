package faults

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// resultOf reads the result that status announces.
func resultOf(ctx context.Context, run *v1alpha1.ValidationRun) (result report.Result) {
	GinkgoHelper()
	Expect(run.Status.Results).To(HaveLen(1), run.Name)
	cm := &corev1.ConfigMap{}
	Expect(k8s.Get(ctx, client.ObjectKey{Namespace: run.Namespace, Name: run.Status.Results[0].ConfigMap}, cm)).To(Succeed())
	parts := []report.Part{{Name: cm.Name, Data: cm.Data, BinaryData: cm.BinaryData, SHA256: run.Status.Results[0].SHA256}}
	text, err := report.ReadFile(parts, report.FileName)
	Expect(err).NotTo(HaveOccurred())
	Expect(yaml.UnmarshalStrict(text, &result)).To(Succeed())
	return result
}

// deleteMaps deletes the ConfigMaps of one kind of a namespace, and says how many there were.
func (s *story) deleteMaps(ctx context.Context, component string) int {
	GinkgoHelper()
	var maps corev1.ConfigMapList
	Expect(k8s.List(ctx, &maps, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.LabelComponent: component})).To(Succeed())
	for i := range maps.Items {
		Expect(k8s.Delete(ctx, &maps.Items[i])).To(Succeed())
	}
	return len(maps.Items)
}

// collect deletes the only pod of a run once it has ended, as the collector of terminated pods does, and returns when it is gone.
func (s *story) collect(ctx context.Context, run *v1alpha1.ValidationRun, ended corev1.PodPhase) {
	GinkgoHelper()
	var pods corev1.PodList
	Eventually(ctx, func(g Gomega) {
		g.Expect(k8s.List(ctx, &pods, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
		g.Expect(pods.Items).To(ConsistOf(HaveField("Status.Phase", ended)))
	}).Should(Succeed())
	Expect(k8s.Delete(ctx, &pods.Items[0], client.GracePeriodSeconds(0))).To(Succeed())
	Eventually(ctx, func() bool { return isGone(ctx, &pods.Items[0]) }).Should(BeTrue())
}

var _ = Describe("What somebody deletes by hand", func() {
	It("changes no verdict, and its loss is said", func(ctx SpecContext) {
		atOnce(func() {
			play(ctx, scene{}, func(s *story) {
				By("deleting the evidence of a phase that has ended")
				open := make(chan struct{})
				run := s.run(ctx, "evidence", phases(suite("first", s.image("first", tests(good, good2))), suite("second", s.image("second", tests(good, until(open))))))
				runs(ctx, run, "second")
				Expect(s.deleteMaps(ctx, workload.ComponentEvidence)).To(Equal(1))
				close(open)
				out := passes(ctx, run, 1)
				Expect(out.Status.Summary).To(Equal(v1alpha1.Summary{Total: 4, Passed: 4}))
				first := resultOf(ctx, out).Phases[0]
				Expect(first).To(And(HaveField("State", v1alpha1.PhasePassed), HaveField("Summary", v1alpha1.Summary{Total: 2, Passed: 2}),
					HaveField("Notes", ContainElement(ContainSubstring("is gone")))))
			})
		}, func() {
			By("deleting a result before status announces it")
			fault := func(c call, next func() (*http.Response, error)) (*http.Response, error) {
				response, err := next()
				if c.Method == http.MethodPost && c.resource == "configmaps" {
					cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespaceOf(c), Name: "result-result-1"}}
					_ = k8s.Delete(ctx, cm) // other ConfigMaps are created, too
				}
				return response, err
			}
			play(ctx, scene{fault: fault}, func(s *story) {
				run := s.run(ctx, "result", phases(smoke("only", s.image("only", podlet.Runs()))))
				first := passes(ctx, run, 1)
				Expect(first.Status.Results).To(ConsistOf(And(HaveField("ConfigMap", "result-result-1"), HaveField("SHA256", HaveLen(64)))))
				s.link.meet(nil)

				By("deleting one afterwards, and validating anew")
				edit(ctx, run, trigger("again"))
				passes(ctx, run, 2)
				Expect(s.deleteMaps(ctx, workload.ComponentResult)).To(Equal(1))
				Consistently(ctx, func(g Gomega) {
					latest := &v1alpha1.ValidationRun{}
					g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(run), latest)).To(Succeed())
					g.Expect(latest.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
					g.Expect(latest.Status.Attempt).To(BeEquivalentTo(2))
				}).WithTimeout(time.Second).Should(Succeed())
				edit(ctx, run, trigger("once more"))
				third := passes(ctx, run, 3)
				Expect(third.Status.History).To(HaveExactElements(HaveField("ConfigMap", "result-result-2"), HaveField("ConfigMap", "result-result-1")))
				Expect(resultOf(ctx, third).Run.Trigger).To(Equal("once more"))
			})
		}, func() {
			play(ctx, scene{}, func(s *story) {
				By("deleting everything that the run's Jobs need, between two phases")
				open := make(chan struct{})
				run := s.run(ctx, "inputs", phases(smoke("first", s.image("first", podlet.Runs(podlet.Gate(open)))), smoke("second", s.image("second", podlet.Runs()))),
					func(r *v1alpha1.ValidationRun) {
						// It needs the Job controller's complaint, which says what is missing.
						r.Spec.Phases[1].StartTimeout = &metav1.Duration{Duration: 20 * time.Second}
					})
				runs(ctx, run, "first")
				Expect(s.deleteMaps(ctx, workload.ComponentInput)).To(Equal(1))
				accounts := &corev1.ServiceAccountList{}
				Expect(k8s.List(ctx, accounts, client.InNamespace(s.namespace), client.HasLabels{v1alpha1.LabelRunUID})).To(Succeed())
				for i := range accounts.Items {
					Expect(k8s.Delete(ctx, &accounts.Items[i])).To(Succeed())
				}
				pod := s.plainPod()
				pod.Spec.ServiceAccountName = workload.AccessName(run)
				refuses(ctx, pod, `serviceaccount "`+pod.Spec.ServiceAccountName+`" not found`)
				close(open)
				out := settled(ctx, run, 1)
				Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError))
				Expect(out.Status.Phases[0].State).To(Equal(v1alpha1.PhasePassed))
				Expect(out.Status.Phases[1].Reason).To(Equal(v1alpha1.ReasonInputMissing), out.Status.Phases[1].Message)
				Expect(strings.ToLower(out.Status.Phases[1].Message)).To(ContainSubstring("serviceaccount"))
			})
		}, func() {
			play(ctx, scene{}, func(s *story) {
				By("deleting pods that have ended before anybody has read how, as their garbage collection does where there are many")
				open := make(chan struct{})
				whole := s.run(ctx, "whole", phases(suite("only", s.image("whole", tests(good, until(open))))))
				broken := s.run(ctx, "broken", phases(suite("only", s.image("broken", tests(until(open), bad)))))
				runs(ctx, whole, "only")
				runs(ctx, broken, "only")
				s.operator.stop()
				close(open)
				s.collect(ctx, whole, corev1.PodSucceeded)
				s.collect(ctx, broken, corev1.PodFailed)
				s.start()
				for _, run := range []*v1alpha1.ValidationRun{whole, broken} {
					out := settled(ctx, run, 1)
					Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictError), run.Name)
					Expect(out.Status.Phases[0].Reason).To(Equal(v1alpha1.ReasonPodDeleted), "%s: %s", run.Name, out.Status.Phases[0].Message)
				}
			})
		})
	})
})
