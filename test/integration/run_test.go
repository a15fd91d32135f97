package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// newNamespace makes a namespace for one spec. Pod Security is enforced in it as strictly as it gets.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	name, err := plane.CreateNamespace(ctx, "it-", map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	Expect(err).NotTo(HaveOccurred())
	return name
}

// newRun is a run of one goTest phase, changed as the spec needs.
func newRun(namespace, name, image string, change ...func(*v1alpha1.ValidationRun)) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.ValidationRunSpec{
			Validator: v1alpha1.Validator{Image: image},
			Phases:    []v1alpha1.Phase{{Name: "deployment", GoTest: &v1alpha1.GoTest{Package: "./checks/deployment"}}},
		},
	}
	for _, c := range change {
		c(run)
	}
	return run
}

// phase changes the first phase.
func phase(change func(*v1alpha1.Phase)) func(*v1alpha1.ValidationRun) {
	return func(run *v1alpha1.ValidationRun) { change(&run.Spec.Phases[0]) }
}

// goTest changes the goTest of the first phase.
func goTest(change func(*v1alpha1.GoTest)) func(*v1alpha1.ValidationRun) {
	return phase(func(p *v1alpha1.Phase) { change(p.GoTest) })
}

// container makes the first phase one of a container.
func container() func(*v1alpha1.ValidationRun) {
	return phase(func(p *v1alpha1.Phase) { p.GoTest, p.Container = nil, &v1alpha1.Container{Command: []string{"/smoke"}} })
}

func timeout(d time.Duration) func(*v1alpha1.ValidationRun) {
	return phase(func(p *v1alpha1.Phase) { p.Timeout = duration(d) })
}

func startTimeout(d time.Duration) func(*v1alpha1.ValidationRun) {
	return phase(func(p *v1alpha1.Phase) { p.StartTimeout = duration(d) })
}

func expectedTests(n int32) func(*v1alpha1.ValidationRun) {
	return goTest(func(t *v1alpha1.GoTest) { t.ExpectedTests = new(n) })
}

// current reads a run anew at each call.
func current(ctx context.Context, run *v1alpha1.ValidationRun) func(Gomega) *v1alpha1.ValidationRun {
	key := client.ObjectKeyFromObject(run)
	return func(g Gomega) *v1alpha1.ValidationRun {
		out := &v1alpha1.ValidationRun{}
		g.Expect(k8s.Get(ctx, key, out)).To(Succeed())
		return out
	}
}

// edit changes a run as kubectl edit does.
func edit(ctx context.Context, run *v1alpha1.ValidationRun, change func(*v1alpha1.ValidationRun)) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		latest := current(ctx, run)(g)
		change(latest)
		g.Expect(k8s.Update(ctx, latest)).To(Succeed())
	}).Should(Succeed())
}

// complete waits for the end of an attempt.
func complete(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) *v1alpha1.ValidationRun {
	GinkgoHelper()
	var out *v1alpha1.ValidationRun
	Eventually(ctx, func(g Gomega) {
		out = current(ctx, run)(g)
		g.Expect(out.Status.Attempt).To(Equal(attempt))
		g.Expect(out).To(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, ""))
	}).Should(Succeed())
	return out
}

// HaveCondition matches a run by one of its conditions; an empty reason is any.
func HaveCondition(kind string, status metav1.ConditionStatus, reason string) types.GomegaMatcher {
	return WithTransform(func(run *v1alpha1.ValidationRun) metav1.Condition {
		c := meta.FindStatusCondition(run.Status.Conditions, kind)
		if c == nil {
			return metav1.Condition{Type: kind}
		}
		if reason == "" {
			return metav1.Condition{Type: kind, Status: c.Status}
		}
		return metav1.Condition{Type: kind, Status: c.Status, Reason: c.Reason}
	}, Equal(metav1.Condition{Type: kind, Status: status, Reason: reason}))
}

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func amount(value string) v1alpha1.Amount { return v1alpha1.Amount(intstr.FromString(value)) }

// replaceStatus writes a status in place of the operator's, as a restored backup or somebody with kubectl might.
func replaceStatus(ctx context.Context, run *v1alpha1.ValidationRun, status v1alpha1.ValidationRunStatus) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		latest := current(ctx, run)(g)
		latest.Status = status
		g.Expect(k8s.Status().Update(ctx, latest)).To(Succeed())
	}).Should(Succeed())
}
