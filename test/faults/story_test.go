package faults

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// story is a namespace with an operator of its own.
type story struct {
	namespace string
	node      *podlet.Node
	link      *link
	clock     clock.PassiveClock
	user      *rest.Config
	role      *rbacv1.ClusterRole
	operator  *operator
	starts    int64 // of operators, so far
}

// scene is what differs from story to story.
type scene struct {
	prefix string // of the namespace's name
	node   *podlet.Node
	clock  clock.PassiveClock
	fault  fault
	// idle is a story that starts its operator itself.
	idle bool
}

// play tells a story, takes its runs away, and holds the invariants against it.
func play(ctx context.Context, with scene, tell func(s *story)) {
	GinkgoHelper()
	if with.prefix == "" {
		with.prefix = "faults-"
	}
	s := &story{node: node, link: &link{fault: with.fault}, clock: clock.RealClock{}}
	if with.node != nil {
		s.node = with.node
	}
	if with.clock != nil {
		s.clock = with.clock
	}
	var err error
	s.namespace, err = plane.CreateNamespace(ctx, with.prefix, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	Expect(err).NotTo(HaveOccurred())
	s.user, s.role = newIdentity(ctx)
	if !with.idle {
		s.start()
	}
	defer func() {
		if s.operator != nil {
			s.operator.stop()
		}
	}()
	tell(s)
	s.link.meet(nil)
	s.end(ctx)
}

func (s *story) start() {
	GinkgoHelper()
	s.operator = s.startOperator()
}

// end deletes what runs there are, waits until nothing is left of them, and holds the invariants against the whole story.
func (s *story) end(ctx context.Context) {
	GinkgoHelper()
	var runs v1alpha1.ValidationRunList
	Expect(k8s.List(ctx, &runs, client.InNamespace(s.namespace))).To(Succeed())
	for i := range runs.Items {
		Expect(k8s.Delete(ctx, &runs.Items[i])).To(Succeed())
	}
	Eventually(ctx, func(g Gomega) {
		g.Expect(k8s.List(ctx, &runs, client.InNamespace(s.namespace))).To(Succeed())
		g.Expect(runs.Items).To(BeEmpty())
		g.Expect(childrenOf(ctx, g, s.namespace)).To(BeEmpty())
	}).Should(Succeed(), "nothing may be left of runs that are deleted")
	holdInvariants(s.namespace, s.starts)
}

// image is an image of the story's own that behaves as scripted.
func (s *story) image(name string, script podlet.Script) string {
	image := "registry.test/" + s.namespace + "/" + name
	s.node.Script(image, script)
	return image
}

type change = func(*v1alpha1.ValidationRun)

// run creates a run.
func (s *story) run(ctx context.Context, name string, phases []v1alpha1.Phase, change ...change) *v1alpha1.ValidationRun {
	GinkgoHelper()
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec:       v1alpha1.ValidationRunSpec{Validator: v1alpha1.Validator{Image: "registry.test/none"}, Phases: phases},
	}
	for _, c := range change {
		c(run)
	}
	Expect(k8s.Create(ctx, run)).To(Succeed())
	return run
}

// suite is a phase of Go tests, smoke one of a container.
func suite(name, image string) v1alpha1.Phase {
	return v1alpha1.Phase{Name: name, GoTest: &v1alpha1.GoTest{Package: "./checks/" + name}, Validator: &v1alpha1.PhaseValidator{Image: &image}}
}

func smoke(name, image string) v1alpha1.Phase {
	return v1alpha1.Phase{Name: name, Container: &v1alpha1.Container{Command: []string{"/smoke"}}, Validator: &v1alpha1.PhaseValidator{Image: &image}}
}

func phases(p ...v1alpha1.Phase) []v1alpha1.Phase { return p }

// tests is the script of a test binary.
func tests(cases ...podlet.GoTestCase) podlet.Script { return podlet.GoTest{Tests: cases}.Script() }

var (
	good = podlet.GoTestCase{Name: "TestGood", Output: "    good_test.go:7: all is well\n"}
	bad  = podlet.GoTestCase{Name: "TestBad", Outcome: podlet.Fail, Output: "    bad_test.go:9: 3 of 8 GPUs are missing\n"}
)

// until is a test that runs until the gate is open.
func until(open <-chan struct{}) podlet.GoTestCase {
	return podlet.GoTestCase{Name: "TestWaits", Run: podlet.Gate(open)}
}

// eventually waits until the current state of a run satisfies.
func eventually(ctx context.Context, run *v1alpha1.ValidationRun, satisfies func(Gomega, *v1alpha1.ValidationRun)) *v1alpha1.ValidationRun {
	GinkgoHelper()
	latest := &v1alpha1.ValidationRun{}
	Eventually(ctx, func(g Gomega) {
		latest = &v1alpha1.ValidationRun{}
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(run), latest)).To(Succeed())
		satisfies(g, latest)
	}).WithTimeout(2 * time.Minute).Should(Succeed())
	return latest
}

// settled waits until an attempt is complete and has come to rest.
func settled(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r.Status.Attempt).To(Equal(attempt))
		g.Expect(r).To(HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionTrue, ""), "%s: %s", r.Name, r.Status.Message)
		g.Expect(r.Finalizers).To(BeEmpty())
	})
}

// passes waits until an attempt has passed.
func passes(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) *v1alpha1.ValidationRun {
	GinkgoHelper()
	out := settled(ctx, run, attempt)
	Expect(out.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), "%s: %s: %+v", out.Name, out.Status.Message, out.Status.Phases)
	return out
}

// runs waits until the validator of a phase is known to run.
func runs(ctx context.Context, run *v1alpha1.ValidationRun, phase string) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r.Status.Phases).To(ContainElement(And(
			HaveField("Name", phase), HaveField("State", v1alpha1.PhaseRunning), HaveField("Reason", ""), HaveField("Jobs", Not(BeEmpty())),
		)), r.Status.Message)
	})
}

// waits waits until a run says that it waits for a reason.
func waits(ctx context.Context, run *v1alpha1.ValidationRun, reason string) *v1alpha1.ValidationRun {
	GinkgoHelper()
	return eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
		g.Expect(r).To(HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason), r.Status.Message)
	})
}

// edit changes a run as kubectl edit does.
func edit(ctx context.Context, run *v1alpha1.ValidationRun, change change) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		latest := &v1alpha1.ValidationRun{}
		g.Expect(k8s.Get(ctx, client.ObjectKeyFromObject(run), latest)).To(Succeed())
		change(latest)
		g.Expect(k8s.Update(ctx, latest)).To(Succeed())
	}).Should(Succeed())
}

func trigger(value string) change {
	return func(run *v1alpha1.ValidationRun) { run.Spec.Trigger = value }
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

// childrenOf are all objects in a namespace that are labelled for a run.
func childrenOf(ctx context.Context, g Gomega, namespace string) []string {
	var names []string
	for _, list := range []client.ObjectList{
		&batchv1.JobList{}, &corev1.PodList{}, &corev1.ConfigMapList{}, &corev1.ServiceAccountList{}, &rbacv1.RoleBindingList{},
	} {
		gvk, err := k8s.GroupVersionKindFor(list)
		g.Expect(err).NotTo(HaveOccurred())
		objects := &metav1.PartialObjectMetadataList{}
		objects.SetGroupVersionKind(gvk)
		g.Expect(k8s.List(ctx, objects, client.InNamespace(namespace), client.HasLabels{v1alpha1.LabelRunUID})).To(Succeed())
		for _, o := range objects.Items {
			names = append(names, strings.TrimSuffix(gvk.Kind, "List")+"/"+o.Name)
		}
	}
	return names
}

// isGone says whether an object is not there any more.
func isGone(ctx context.Context, o client.Object) bool {
	return apierrors.IsNotFound(k8s.Get(ctx, client.ObjectKeyFromObject(o), o))
}

// validatorEnds waits until the validator of the run's only pod has ended.
func (s *story) validatorEnds(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		var pods corev1.PodList
		g.Expect(k8s.List(ctx, &pods, client.InNamespace(s.namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
		g.Expect(pods.Items).To(ConsistOf(HaveField("Status.Phase", corev1.PodSucceeded)))
	}).Should(Succeed())
}

// deleteJob deletes a Job as somebody with kubectl would, and returns when it and its pod are gone.
func (s *story) deleteJob(ctx context.Context, name string) {
	GinkgoHelper()
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
	Expect(k8s.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())
	Eventually(ctx, func() bool { return isGone(ctx, job) }).Should(BeTrue())
}
