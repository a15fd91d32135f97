package e2e

import (
	"context"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
)

// change is a difference from the ordinary run.
type change = func(*v1alpha1.ValidationRun)

// newRun is a run of one phase, changed as the spec needs.
func newRun(namespace, name string, changes ...change) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.ValidationRunSpec{
			Validator: v1alpha1.Validator{Image: image, ImagePullPolicy: v1alpha1.PullIfNotPresent},
			Phases:    []v1alpha1.Phase{{Name: "deployment"}},
		},
	}
	for _, c := range changes {
		c(run)
	}
	return run
}

// phase changes the first phase.
func phase(change func(*v1alpha1.Phase)) change {
	return func(run *v1alpha1.ValidationRun) { change(&run.Spec.Phases[0]) }
}

// tests makes the phase one of the given tests of a package.
func tests(pkg string, names ...string) change {
	return phase(func(p *v1alpha1.Phase) {
		p.GoTest = &v1alpha1.GoTest{Package: "./" + pkg}
		if len(names) > 0 {
			p.GoTest.Run = "^(" + strings.Join(names, "|") + ")$"
		}
	})
}

func goTest(change func(*v1alpha1.GoTest)) change {
	return phase(func(p *v1alpha1.Phase) { change(p.GoTest) })
}

// program makes the phase one of a container that runs the images' small program.
func program(args ...string) change {
	return phase(func(p *v1alpha1.Phase) {
		p.Container = &v1alpha1.Container{Command: append([]string{"program.test"}, args...)}
	})
}

func validator(change func(*v1alpha1.Validator)) change {
	return func(run *v1alpha1.ValidationRun) { change(&run.Spec.Validator) }
}

func timeout(d time.Duration) change {
	return phase(func(p *v1alpha1.Phase) { p.Timeout = &metav1.Duration{Duration: d} })
}

func startTimeout(d time.Duration) change {
	return phase(func(p *v1alpha1.Phase) { p.StartTimeout = &metav1.Duration{Duration: d} })
}

// await watches an object until it matches. The list is one of the object's kind.
func await[T client.Object](ctx context.Context, object T, list client.ObjectList, want gomegatypes.GomegaMatcher) T {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	message := "it was never seen"
	for ctx.Err() == nil {
		w, err := k8s.Watch(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{"metadata.name": object.GetName()})
		Expect(err).NotTo(HaveOccurred())
		for e := range w.ResultChan() {
			seen, ok := e.Object.(T)
			if !ok || e.Type == watch.Deleted {
				continue
			}
			matches, err := want.Match(seen)
			Expect(err).NotTo(HaveOccurred())
			if matches {
				w.Stop()
				return seen
			}
			message = want.FailureMessage(seen)
		}
	}
	Fail("waiting for " + object.GetName() + ": " + message)
	return object
}

func awaitRun(ctx context.Context, run *v1alpha1.ValidationRun, want gomegatypes.GomegaMatcher) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return await(ctx, run, &v1alpha1.ValidationRunList{}, want)
}

// complete waits for the end of the first attempt.
func complete(ctx context.Context, run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return awaitRun(ctx, run, HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, ""))
}

// quiet waits until nothing runs: for specs that measure, or that disturb. A run that is being deleted, or goes with its namespace, does not
// count.
func quiet(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		going := terminating(ctx, g)
		var runs v1alpha1.ValidationRunList
		g.Expect(k8s.List(ctx, &runs)).To(Succeed())
		for i := range runs.Items {
			if run := &runs.Items[i]; run.DeletionTimestamp.IsZero() && !slices.Contains(going, run.Namespace) {
				g.Expect(run).To(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, ""), "%s/%s", run.Namespace, run.Name)
			}
		}
	}).WithTimeout(patience).Should(Succeed())
}

// idle waits until nothing of earlier specs is left, either: what ends still takes its time.
func idle(ctx context.Context) {
	GinkgoHelper()
	quiet(ctx)
	Eventually(ctx, func(g Gomega) {
		g.Expect(terminating(ctx, g)).NotTo(ContainElement(HavePrefix(namespacePrefix)))
	}).WithTimeout(patience).Should(Succeed())
}

// terminating are the namespaces that are being deleted.
func terminating(ctx context.Context, g Gomega) (names []string) {
	var namespaces corev1.NamespaceList
	g.Expect(k8s.List(ctx, &namespaces)).To(Succeed())
	for i := range namespaces.Items {
		if !namespaces.Items[i].DeletionTimestamp.IsZero() {
			names = append(names, namespaces.Items[i].Name)
		}
	}
	return names
}

// resultOf is the result that status announces.
func resultOf(ctx context.Context, run *v1alpha1.ValidationRun) report.Result {
	GinkgoHelper()
	Expect(run.Status.Results).To(HaveLen(1))
	stored := &corev1.ConfigMap{}
	Expect(k8s.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: run.Status.Results[0].ConfigMap}, stored)).To(Succeed())
	var out report.Result
	Expect(yaml.UnmarshalStrict([]byte(stored.Data[report.FileName]), &out)).To(Succeed())
	return out
}

// HaveCondition matches a run by one of its conditions; an empty reason is any.
func HaveCondition(kind string, status metav1.ConditionStatus, reason string) gomegatypes.GomegaMatcher {
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
