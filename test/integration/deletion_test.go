package integration

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("Deleting", func() {
	It("leaves nothing of a run, in any of its states, and its identity outlives its pods", func(ctx SpecContext) {
		namespace, open := newNamespace(ctx), make(chan struct{})
		runs := inEveryState(ctx, namespace, "gone", open)
		for _, run := range runs {
			Expect(k8s.Delete(ctx, run)).To(Succeed())
		}
		By("waiting for pods that do not heed their termination")
		for _, name := range []string{"stubborn", "cancelling"} {
			run := runs[name]
			Eventually(ctx, func(g Gomega) {
				var jobs batchv1.JobList
				g.Expect(k8s.List(ctx, &jobs, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
				g.Expect(jobs.Items).To(ConsistOf(HaveField("DeletionTimestamp", Not(BeNil()))), name)
			}).Should(Succeed())
			Expect(current(ctx, run)(Default).Finalizers).To(ContainElement(v1alpha1.Finalizer), name)
			Expect(childrenOf(ctx, Default, run)).To(ContainElements(HavePrefix("ServiceAccount/"), HavePrefix("RoleBinding/")), name)
		}
		close(open)
		for _, run := range runs {
			gone(ctx, run)
		}
		delete(runs, "complete") // Its pod needs no identity any more, and the garbage collector keeps to no order.
		for name, run := range runs {
			lastPod, identity := lastOf(run, "pods"), lastOf(run, "serviceaccounts")
			Expect(identity).NotTo(BeZero(), name)
			Expect(lastPod).To(BeTemporally("<", identity), name)
		}
	})

	It("leaves nothing in the way of a namespace that is deleted with its runs", func(ctx SpecContext) {
		namespace, open := newNamespace(ctx), make(chan struct{})
		close(open)
		inEveryState(ctx, namespace, "swept", open)
		Expect(k8s.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		Eventually(ctx, func() bool {
			return apierrors.IsNotFound(k8s.Get(ctx, types.NamespacedName{Name: namespace}, &corev1.Namespace{}))
		}).Should(BeTrue())
	})

	It("waits for an operator that is down", func(ctx SpecContext) {
		namespace, open := newNamespace(ctx), make(chan struct{})
		close(open)
		runs := inEveryState(ctx, namespace, "orphaned", open)
		operator.kill()
		for _, run := range runs {
			Expect(k8s.Delete(ctx, run)).To(Succeed())
		}
		held := runs["runs"]
		Consistently(ctx, func() error {
			return k8s.Get(ctx, client.ObjectKeyFromObject(held), &v1alpha1.ValidationRun{})
		}).WithTimeout(500*time.Millisecond).Should(Succeed(), "its pods have an identity to the end")
		operator.start()
		for _, run := range runs {
			gone(ctx, run)
		}
	})
})

// inEveryState creates a run in each of the states that a run can be in. The pods of two of them end once the gate is open.
func inEveryState(ctx context.Context, namespace, prefix string, open <-chan struct{}) map[string]*v1alpha1.ValidationRun {
	GinkgoHelper()
	image := func(name string) string { return "registry.test/" + prefix + "-" + name }
	node.Script(image("runs"), podlet.Runs(podlet.Hang()))
	node.Script(image("complete"), podlet.Runs())
	stubborn(image("stubborn"), open)
	stubborn(image("cancelling"), open)
	runs := map[string]*v1alpha1.ValidationRun{}
	for name, change := range map[string]change{
		"waits": recipe("nowhere"), "starts": suspend(false), "runs": suspend(false), "suspended": suspend(true), "complete": suspend(false),
		"stubborn": suspend(false), "cancelling": suspend(false),
	} {
		runs[name] = newRun(namespace, prefix+"-"+name, image(name), container(), change)
		Expect(k8s.Create(ctx, runs[name])).To(Succeed())
	}
	eventually(ctx, runs["waits"], waitsFor(v1alpha1.ReasonInputMissing))
	eventually(ctx, runs["starts"], waitsFor(v1alpha1.ReasonImagePullFailed))
	for _, name := range []string{"runs", "stubborn", "cancelling"} {
		eventually(ctx, runs[name], started)
	}
	edit(ctx, runs["cancelling"], cancel(true))
	eventually(ctx, runs["suspended"], func(g Gomega, r *v1alpha1.ValidationRun) { g.Expect(r).To(BeSuspended()) })
	complete(ctx, runs["complete"], 1)
	return runs
}

// lastOf is when the last request about objects of a kind was made whose names are those of a run's children, zero for none.
func lastOf(run *v1alpha1.ValidationRun, resource string) (last time.Time) {
	GinkgoHelper()
	for _, e := range requests(run.Namespace) {
		if e.Resource == resource && strings.HasPrefix(e.Name, run.Name+"-") && e.Received.After(last) {
			last = e.Received
		}
	}
	return last
}
