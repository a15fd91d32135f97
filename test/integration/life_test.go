package integration

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/test/controlplane"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// The states of runs that specs interrupt. Each has an image of its own, so that a spec can let it do well later.

// hangs is an image whose validator hangs after the given tests, and when it does.
func hangs(image string, before ...podlet.GoTestCase) (reached <-chan struct{}) {
	began := make(chan struct{})
	begin := sync.OnceFunc(func() { close(began) })
	last := podlet.GoTestCase{Name: "TestHangs", Run: podlet.Steps(func(*podlet.Process) { begin() }, podlet.Hang())}
	node.Script(image, *tests(append(before, last)...))
	return began
}

// stubborn is an image whose validator does not heed its termination until the gate is open.
func stubborn(image string, open <-chan struct{}) {
	node.Script(image, podlet.Runs(podlet.OnTERM(podlet.Gate(open), podlet.Exit(2)), podlet.Hang()))
}

// stalls is an image whose validator does well, and whose log cannot be read to its end before the gate is open.
func stalls(image string, open <-chan struct{}) {
	script := *tests(good)
	script.Main.Logs = []podlet.LogFault{{StallAfter: 8, Until: open}}
	node.Script(image, script)
}

// started is a run whose validator is known to run.
func started(g Gomega, run *v1alpha1.ValidationRun) {
	g.Expect(run).To(HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonRunning), run.Status.Message)
	g.Expect(run.Status.Phases).To(ContainElement(And(HaveField("State", v1alpha1.PhaseRunning), HaveField("Reason", ""))))
}

// waitsFor is a run that waits for something that is amiss.
func waitsFor(reason string) func(Gomega, *v1alpha1.ValidationRun) {
	return func(g Gomega, run *v1alpha1.ValidationRun) {
		g.Expect(run).To(HaveCondition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason), run.Status.Message)
	}
}

// eventually waits until the current state of a run satisfies.
func eventually(ctx context.Context, run *v1alpha1.ValidationRun, satisfies func(Gomega, *v1alpha1.ValidationRun)) *v1alpha1.ValidationRun {
	GinkgoHelper()
	var latest *v1alpha1.ValidationRun
	Eventually(ctx, func(g Gomega) {
		latest = current(ctx, run)(g)
		satisfies(g, latest)
	}).Should(Succeed())
	return latest
}

// validatorEnded waits until the validator of the run's only pod has ended, and the operator at least knows that it has started: what is
// then said of the run may reach the operator before the pod's end does.
func validatorEnded(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		var pods corev1.PodList
		g.Expect(k8s.List(ctx, &pods, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRun: run.Name})).To(Succeed())
		g.Expect(pods.Items).To(ConsistOf(HaveField("Status.Phase", corev1.PodSucceeded)))
	}).Should(Succeed())
	eventually(ctx, run, waitsFor(v1alpha1.ReasonRunning))
}

// phases makes a run of several phases. Each is of a container, whose image is the run's unless it is given as name=image.
func phases(names ...string) change {
	return func(run *v1alpha1.ValidationRun) {
		run.Spec.Phases = nil
		for _, name := range names {
			name, image, own := strings.Cut(name, "=")
			p := v1alpha1.Phase{Name: name, Container: &v1alpha1.Container{Command: []string{"/smoke"}}}
			if own {
				p.Validator = &v1alpha1.PhaseValidator{Image: &image}
			}
			run.Spec.Phases = append(run.Spec.Phases, p)
		}
	}
}

func suspend(is bool) change { return func(run *v1alpha1.ValidationRun) { run.Spec.Suspend = is } }

func cancel(is bool) change { return func(run *v1alpha1.ValidationRun) { run.Spec.Cancel = is } }

func trigger(value string) change {
	return func(run *v1alpha1.ValidationRun) { run.Spec.Trigger = value }
}

func recipe(configMap string) change {
	return func(run *v1alpha1.ValidationRun) {
		run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: configMap, Key: "recipe.yaml"}}
	}
}

// annotate sets the annotation that asks for a rerun, or removes it where there is no value.
func annotate(ctx context.Context, run *v1alpha1.ValidationRun, value ...string) {
	GinkgoHelper()
	var v any
	if len(value) > 0 {
		v = value[0]
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRerun: v}}})
	Expect(err).NotTo(HaveOccurred())
	Expect(k8s.Patch(ctx, run.DeepCopy(), client.RawPatch(types.MergePatchType, patch))).To(Succeed())
}

// atOnce runs stories side by side, as most of the time of each is waiting.
func atOnce(stories ...func()) {
	var all sync.WaitGroup
	for _, story := range stories {
		all.Go(func() {
			defer GinkgoRecover()
			story()
		})
	}
	all.Wait()
}

// BeSuspended matches a run that is: nothing is reconciling, and nothing is said to have come out.
func BeSuspended() gomegatypes.GomegaMatcher {
	return And(
		HaveCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonSuspended),
		HaveCondition(v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonSuspended),
		HaveCondition(v1alpha1.ConditionReconciling, "", ""),
		HaveCondition(v1alpha1.ConditionStalled, "", ""),
	)
}

// states are the states of a run's phases, in order.
func states(run *v1alpha1.ValidationRun) (out []v1alpha1.PhaseState) {
	for _, p := range run.Status.Phases {
		out = append(out, p.State)
	}
	return out
}

// kubectl runs kubectl as a user would, with input as its standard input.
func kubectl(ctx context.Context, input string, args ...string) string {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	config := filepath.Join(dir, "kubeconfig")
	writeKubeconfig(plane.Config, config)
	//nolint:gosec // the arguments are the specs' own
	command := exec.CommandContext(ctx, filepath.Join(assets(), "kubectl"),
		append([]string{"--kubeconfig", config, "--cache-dir", filepath.Join(dir, "cache")}, args...)...)
	command.Stdin = strings.NewReader(input)
	out, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	return strings.TrimSpace(string(out))
}

// manifest is a run as a user has it in a file.
func manifest(run *v1alpha1.ValidationRun) string {
	GinkgoHelper()
	run = run.DeepCopy()
	run.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ValidationRun"))
	text, err := yaml.Marshal(run)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// requests are all successful writes in a namespace, whoever made them.
func requests(namespace string) []controlplane.AuditEvent {
	GinkgoHelper()
	events, err := controlplane.ReadAudit(plane.AuditLogPath, namespace)
	Expect(err).NotTo(HaveOccurred())
	return slices.DeleteFunc(events, func(e controlplane.AuditEvent) bool {
		return e.Resource == "events" || e.Code >= 300 || slices.Contains([]string{"get", "list", "watch"}, e.Verb)
	})
}

// jobsCreated are the creations of a run's Jobs, in order.
func jobsCreated(run *v1alpha1.ValidationRun) []controlplane.AuditEvent {
	GinkgoHelper()
	return slices.DeleteFunc(requests(run.Namespace), func(e controlplane.AuditEvent) bool {
		return e.Verb != "create" || e.Resource != "jobs" || !strings.HasPrefix(e.Name, run.Name+"-")
	})
}

// oneAfterTheOther checks that no pod of an earlier Job ran any more when a later one was created, for a run of one phase. The last status
// that is written of a pod says that it has ended; it may be deleted at any time after that.
func oneAfterTheOther(run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	created := jobsCreated(run)
	Expect(len(created)).To(BeNumerically(">", 1), run.Name)
	for i, later := range created[1:] {
		told := slices.DeleteFunc(requests(run.Namespace), func(e controlplane.AuditEvent) bool {
			return e.Resource != "pods" || e.Subresource != "status" || !strings.HasPrefix(e.Name, created[i].Name+"-")
		})
		Expect(told).NotTo(BeEmpty(), created[i].Name)
		for _, e := range told {
			Expect(e.Received).To(BeTemporally("<", later.Received), "%s %s", e.Verb, e.URI)
		}
	}
}

// quiet checks that nothing is written about a run from then on. A pass that had read the run before its finalizer was gone may still ask for
// the evidence to be deleted, which is gone, and for the finalizer to be, which is refused: the one names no object, and the other is no write.
func quiet(ctx context.Context, run *v1alpha1.ValidationRun, since time.Time) {
	GinkgoHelper()
	Consistently(ctx, func() []controlplane.AuditEvent {
		return slices.DeleteFunc(writes(run.Namespace), func(e controlplane.AuditEvent) bool {
			return e.Received.Before(since) || !strings.HasPrefix(e.Name, run.Name)
		})
	}).WithTimeout(2 * time.Second).Should(BeEmpty())
}

// settled waits until a complete attempt has come to rest.
func settled(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) *v1alpha1.ValidationRun {
	GinkgoHelper()
	complete(ctx, run, attempt)
	return eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) { g.Expect(r.Finalizers).To(BeEmpty()) })
}

// gone waits until a run and all that was made for it is.
func gone(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		err := k8s.Get(ctx, client.ObjectKeyFromObject(run), &v1alpha1.ValidationRun{})
		g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%s: %v", run.Name, err)
		g.Expect(childrenOf(ctx, g, run)).To(BeEmpty(), run.Name)
	}).Should(Succeed())
}

// resultOf reads the result that status announces: its ConfigMaps are as status says, and hold what they say they hold.
func resultOf(ctx context.Context, run *v1alpha1.ValidationRun) report.Result {
	GinkgoHelper()
	Expect(run.Status.Results).NotTo(BeEmpty(), run.Name)
	var parts []report.Part
	for _, r := range run.Status.Results {
		cm := &corev1.ConfigMap{}
		Expect(k8s.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: r.ConfigMap}, cm)).To(Succeed())
		part := report.Part{Name: cm.Name, Data: cm.Data, BinaryData: cm.BinaryData, SHA256: r.SHA256}
		for _, value := range cm.Data {
			part.Bytes += int64(len(value))
		}
		for _, value := range cm.BinaryData {
			part.Bytes += int64(len(value))
		}
		Expect(part.Bytes).To(Equal(r.Bytes), cm.Name)
		Expect(part.Bytes).To(BeNumerically("<", 1<<20), cm.Name)
		parts = append(parts, part)
	}
	return decodeResult(parts)
}

// resultNamed reads a result of one ConfigMap, which status need not name any more.
func resultNamed(ctx context.Context, namespace, name string) report.Result {
	GinkgoHelper()
	cm := &corev1.ConfigMap{}
	Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, cm)).To(Succeed())
	return decodeResult([]report.Part{{Name: name, Data: cm.Data, BinaryData: cm.BinaryData}})
}

func decodeResult(parts []report.Part) (result report.Result) {
	GinkgoHelper()
	text, err := report.ReadFile(parts, report.FileName)
	Expect(err).NotTo(HaveOccurred())
	Expect(yaml.UnmarshalStrict(text, &result)).To(Succeed())
	return result
}
