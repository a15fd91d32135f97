package integration

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/test/podlet"
)

var _ = Describe("The next attempt", func() {
	var namespace string

	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("is asked for by each new value of the rerun annotation", func(ctx SpecContext) {
		node.Script("registry.test/rerun", podlet.Runs())
		run := newRun(namespace, "rerun", "registry.test/rerun", container(), func(run *v1alpha1.ValidationRun) {
			run.Annotations = map[string]string{v1alpha1.AnnotationRerun: "monday"}
		})
		Expect(k8s.Create(ctx, run)).To(Succeed())
		first := settled(ctx, run, 1)
		Expect(first.Status.LastHandledRerun).To(Equal("monday"), "a value that was there from the start is what the first attempt is for")

		By("giving it the same value again, none, and the same again")
		before := time.Now()
		annotate(ctx, run, "monday")
		annotate(ctx, run)
		annotate(ctx, run, "")
		annotate(ctx, run, "monday")
		quiet(ctx, run, before)

		By("giving it another")
		open := make(chan struct{})
		node.Script("registry.test/rerun", podlet.Runs(podlet.Gate(open)))
		annotate(ctx, run, "tuesday")
		second := eventually(ctx, run, started)
		Expect(second.Status.Attempt).To(BeEquivalentTo(2))
		Expect(second.Status.LastHandledRerun).To(Equal("tuesday"))
		Expect(second.Status.Verdict).To(BeEmpty())
		Expect(second.Status.LastCompleted).To(HaveValue(And(
			HaveField("Attempt", BeEquivalentTo(1)), HaveField("Verdict", v1alpha1.VerdictPassed), HaveField("ConfigMap", "rerun-result-1"),
		)), "while the next one runs")
		Expect(second.Status.History).To(ConsistOf(And(
			HaveField("Attempt", BeEquivalentTo(1)), HaveField("Verdict", v1alpha1.VerdictPassed), HaveField("Reason", ""),
			HaveField("ConfigMap", "rerun-result-1"), HaveField("Summary", first.Status.Summary),
		)))
		close(open)
		Expect(settled(ctx, run, 2).Status.LastCompleted).To(HaveValue(HaveField("Attempt", BeEquivalentTo(2))))

		By("giving it more than a status has room for")
		annotate(ctx, run, strings.Repeat("wednesday", 200<<10/len("wednesday")))
		third := settled(ctx, run, 3)
		Expect(third.Status.LastHandledRerun).To(HavePrefix("sha256:"))
		Expect(jobsCreated(run)).To(HaveLen(3))
	})

	It("is not started by what means the same", func(ctx SpecContext) {
		node.Script("registry.test/same", podlet.Runs())
		run := newRun(namespace, "same", "registry.test/same", container(), trigger("commit 1"), timeout(10*time.Minute), func(run *v1alpha1.ValidationRun) {
			run.Spec.Validator.Resources.Limits = map[string]v1alpha1.Amount{"cpu": amount("1")}
		})
		applied := manifest(run)
		Expect(kubectl(ctx, applied, "apply", "-f", "-")).To(HaveSuffix("created"))
		settled(ctx, run, 1)

		By("applying it again, by kubectl and by two GitOps controllers, and labelling it")
		before := time.Now()
		Expect(kubectl(ctx, applied, "apply", "-f", "-")).To(HaveSuffix("unchanged"))
		kubectl(ctx, "", "-n", namespace, "label", "validationrun/same", "team=gpu")
		for _, manager := range []string{"argocd-controller", "kustomize-controller", "argocd-controller"} {
			kubectl(ctx, applied, "apply", "--server-side", "--force-conflicts", "--field-manager", manager, "-f", "-")
		}
		quiet(ctx, run, before)

		By("changing how it is written, and how attempts are dealt with")
		for _, change := range []change{
			func(r *v1alpha1.ValidationRun) { r.Spec.Phases[0].OnFailure = v1alpha1.Stop },
			func(r *v1alpha1.ValidationRun) { r.Spec.Validator.Resources.Limits["cpu"] = amount("1000m") },
			suspend(true), suspend(false), cancel(true), cancel(false),
			func(r *v1alpha1.ValidationRun) { r.Spec.HistoryLimit = new(int32(3)) },
			func(r *v1alpha1.ValidationRun) { r.Spec.Cleanup = &v1alpha1.Cleanup{Jobs: v1alpha1.CleanupNever} },
		} {
			edit(ctx, run, change)
			eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
			})
		}
		spelling := []byte(`[{"op": "replace", "path": "/spec/phases/0/timeout", "value": "10m0s"}]`)
		Expect(k8s.Patch(ctx, run.DeepCopy(), client.RawPatch(types.JSONPatchType, spelling))).To(Succeed())
		eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
		})

		By("upgrading from an operator that froze less")
		frozen := &corev1.ConfigMap{}
		Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "same-spec-1"}, frozen)).To(Succeed())
		Expect(k8s.Delete(ctx, frozen)).To(Succeed())
		frozen.ResourceVersion, frozen.UID = "", ""
		frozen.Data["spec.json"] = `{"trigger":"commit 1","validator":{"image":"registry.test/same","resources":{"limits":{"cpu":"1"}}},` +
			`"phases":[{"name":"deployment","container":{"command":["/smoke"]},"timeout":"10m"}]}`
		Expect(k8s.Create(ctx, frozen)).To(Succeed())
		edit(ctx, run, func(r *v1alpha1.ValidationRun) { r.Spec.HistoryLimit = new(int32(4)) })
		last := eventually(ctx, run, func(g Gomega, r *v1alpha1.ValidationRun) {
			g.Expect(r.Status.ObservedGeneration).To(Equal(r.Generation))
		})
		Expect(last.Status.Attempt).To(BeEquivalentTo(1))
		Expect(last).To(HaveCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, "Passed"))
		Expect(jobsCreated(run)).To(HaveLen(1))
	})

	It("is started by every edit of what is validated, and by the way back", func(ctx SpecContext) {
		node.Script("registry.test/back", podlet.Runs())
		run := newRun(namespace, "back", "registry.test/back", container(), trigger("a"))
		Expect(k8s.Create(ctx, run)).To(Succeed())
		settled(ctx, run, 1)
		edit(ctx, run, trigger("b"))
		settled(ctx, run, 2)
		edit(ctx, run, trigger("a"))
		third := settled(ctx, run, 3)
		Expect(third.Status.ObservedGeneration).To(Equal(third.Generation))
		Expect(resultOf(ctx, third).Run.Trigger).To(Equal("a"))
		Expect(resultNamed(ctx, namespace, "back-result-2").Run.Trigger).To(Equal("b"))
	})

	It("has a result that names the image which ran, though its tag has moved since", func(ctx SpecContext) {
		const image = "registry.test/moved:latest"
		var digests []string
		push := func(digit string) {
			pushed := podlet.Runs()
			pushed.Digest = "sha256:" + strings.Repeat(digit, 64)
			node.Script(image, pushed)
			digests = append(digests, pushed.Digest)
		}
		push("1")
		run := newRun(namespace, "moved", image, container())
		Expect(k8s.Create(ctx, run)).To(Succeed())
		settled(ctx, run, 1)
		push("2")
		annotate(ctx, run, "again")
		settled(ctx, run, 2)
		for i, digest := range digests {
			result := resultNamed(ctx, namespace, fmt.Sprintf("moved-result-%d", i+1))
			Expect(result.Phases).To(ConsistOf(And(HaveField("Image", image), HaveField("ImageDigest", digest))))
		}
	})

	It("has a number of its own whatever happens to status", func(ctx SpecContext) {
		for _, image := range []string{"wiped", "restored"} {
			node.Script("registry.test/"+image, podlet.Runs())
		}
		began := hangs("registry.test/wiped-running", bad)
		wiped := newRun(namespace, "wiped", "registry.test/wiped", container())
		running := newRun(namespace, "wiped-running", "registry.test/wiped-running")
		restored := newRun(namespace, "restored", "registry.test/restored", container(), trigger("1"))
		for _, run := range []*v1alpha1.ValidationRun{wiped, running, restored} {
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		atOnce(func() {
			settled(ctx, wiped, 1)
			replaceStatus(ctx, wiped, v1alpha1.ValidationRunStatus{ObservedGeneration: -1})
			second := settled(ctx, wiped, 2)
			Expect(second.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
			Expect(resultOf(ctx, second).Attempt).To(BeEquivalentTo(2))
		}, func() {
			Eventually(ctx, began).Should(BeClosed())
			eventually(ctx, running, started)
			node.Script("registry.test/wiped-running", *tests(good))
			replaceStatus(ctx, running, v1alpha1.ValidationRunStatus{ObservedGeneration: -1})
			second := settled(ctx, running, 2)
			Expect(second.Status.Verdict).To(Equal(v1alpha1.VerdictPassed))
			Expect(second.Status.Failures).To(BeEmpty(), "they are of a Job that does not count any more")
			oneAfterTheOther(running)
		}, func() {
			old := settled(ctx, restored, 1)
			edit(ctx, restored, trigger("2"))
			settled(ctx, restored, 2)
			edit(ctx, restored, trigger("3"))
			settled(ctx, restored, 3)
			replaceStatus(ctx, restored, old.Status)
			fourth := settled(ctx, restored, 4)
			Expect(fourth.Status.ObservedGeneration).To(Equal(fourth.Generation))
			Expect(fourth.Status.Results).To(ConsistOf(HaveField("ConfigMap", "restored-result-4")))
		})
	})

	It("supersedes one that has not ended, whose pods are gone by then", func(ctx SpecContext) {
		ofRun := func(name string, change ...change) *v1alpha1.ValidationRun {
			return newRun(namespace, name, "registry.test/"+name, change...)
		}
		waits, starts := ofRun("old-waits", container(), recipe("nowhere")), ofRun("old-starts", container())
		runs, fails, ends := ofRun("old-runs", phases("first", "second=registry.test/old-runs-2", "third")), ofRun("old-fails"), ofRun("old-ends")
		rests, open := ofRun("old-rests", container(), suspend(true)), make(chan struct{})
		node.Script("registry.test/old-runs", podlet.Runs())
		node.Script("registry.test/old-runs-2", podlet.Runs(podlet.Hang()))
		began := hangs("registry.test/old-fails", bad)
		stalls("registry.test/old-ends", open)
		for _, run := range []*v1alpha1.ValidationRun{waits, starts, runs, fails, ends, rests} {
			Expect(k8s.Create(ctx, run)).To(Succeed())
		}
		node.Script("registry.test/next", *tests(good))
		supersede := func(run *v1alpha1.ValidationRun, change ...change) *v1alpha1.ValidationRun {
			edit(ctx, run, func(r *v1alpha1.ValidationRun) {
				r.Spec.Validator.Image = "registry.test/next"
				for _, c := range change {
					c(r)
				}
			})
			second := settled(ctx, run, 2)
			Expect(second.Status.Verdict).To(Equal(v1alpha1.VerdictPassed), run.Name)
			Expect(second.Status.LastCompleted).To(HaveValue(HaveField("Attempt", BeEquivalentTo(2))))
			return second
		}
		past := func(v v1alpha1.Verdict, reason, configMap string) gomegatypes.GomegaMatcher {
			return ConsistOf(And(HaveField("Attempt", BeEquivalentTo(1)), HaveField("Verdict", v), HaveField("Reason", reason), HaveField("ConfigMap", configMap)))
		}
		superseded := v1alpha1.ReasonSuperseded
		atOnce(func() {
			eventually(ctx, waits, waitsFor(v1alpha1.ReasonInputMissing))
			second := supersede(waits, func(r *v1alpha1.ValidationRun) { r.Spec.Recipe = nil })
			Expect(second.Status.History).To(past(v1alpha1.VerdictCancelled, superseded, ""), "nothing ever ran")
		}, func() {
			eventually(ctx, starts, waitsFor(v1alpha1.ReasonImagePullFailed))
			second := supersede(starts)
			Expect(second.Status.History).To(past(v1alpha1.VerdictCancelled, superseded, "old-starts-result-1"))
			oneAfterTheOther(starts)
		}, func() {
			eventually(ctx, runs, func(g Gomega, r *v1alpha1.ValidationRun) {
				started(g, r)
				g.Expect(states(r)).To(HaveExactElements(passed, v1alpha1.PhaseRunning, v1alpha1.PhasePending))
			})
			second := supersede(runs, phases("only"))
			Expect(second.Status.History).To(past(v1alpha1.VerdictCancelled, superseded, "old-runs-result-1"))
			result := resultNamed(ctx, namespace, "old-runs-result-1")
			Expect(result.Verdict).To(Equal(v1alpha1.VerdictCancelled))
			Expect(result.Phases).To(HaveExactElements(HaveField("State", passed),
				And(HaveField("State", errored), HaveField("Reason", superseded)), And(HaveField("State", v1alpha1.PhaseNotRun), HaveField("Reason", superseded))))
		}, func() {
			Eventually(ctx, began).Should(BeClosed())
			eventually(ctx, fails, started)
			second := supersede(fails)
			Expect(second.Status.History).To(past(v1alpha1.VerdictFailed, "", "old-fails-result-1"), "a failure that was read stands")
			Expect(second.Status.Failures).To(BeEmpty())
			Expect(resultNamed(ctx, namespace, "old-fails-result-1").Phases[0].Tests).To(ContainElement(
				And(HaveField("Name", "TestBad"), HaveField("Status", verdict.Failed))))
			oneAfterTheOther(fails)
		}, func() {
			validatorEnded(ctx, ends)
			close(open)
			second := supersede(ends)
			Expect(second.Status.History).To(past(v1alpha1.VerdictPassed, "", "old-ends-result-1"), "its validator had ended by itself")
		}, func() {
			eventually(ctx, rests, func(g Gomega, r *v1alpha1.ValidationRun) {
				g.Expect(r).To(BeSuspended())
				g.Expect(childrenOf(ctx, g, r)).To(ContainElement("ConfigMap/old-rests-spec-1"), "before that, it validates whatever the spec is then")
			})
			second := supersede(rests, suspend(false))
			Expect(second.Status.History).To(past(v1alpha1.VerdictCancelled, superseded, ""))
		})
	})
})
