package e2e

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// outcome is a validator's behaviour, and what a run of it has to come to.
type outcome struct {
	name    string
	changes []change

	state   v1alpha1.PhaseState
	reason  string
	passed  string
	message string                                         // a part of the phase's message
	proof   func(context.Context, *v1alpha1.ValidationRun) // what else has to hold
}

const (
	passed, failed, errored, skipped = v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseError, v1alpha1.PhaseSkipped
)

var outcomes = []outcome{
	// These two take longest: the first until its pod's deadline, the second until listing is given up.
	{name: "hangs before it looks at its flags", changes: []change{tests("stuck"), timeout(5 * time.Second), goTest(func(t *v1alpha1.GoTest) {
		t.Manifest, t.ExpectedTests = v1alpha1.ManifestNever, new(int32(1))
	})}, state: errored, reason: v1alpha1.ReasonDeadlineExceeded, passed: "0/0", message: "deadline"},
	{name: "hangs while it is asked for its tests", changes: []change{tests("stuck"), startTimeout(5 * time.Minute)},
		state: errored, reason: v1alpha1.ReasonListFailed, passed: "0/0", message: "set expectedTests"},

	{name: "all pass: plain, subtests, parallel, attributes",
		changes: []change{tests("behave", "TestPlain", "TestSubtests", "TestParallel", "TestAttributes")},
		state:   passed, passed: "4/4", proof: everyTestIsKept},
	{name: "one fails", changes: []change{tests("misbehave", "TestBefore", "TestFails", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "2/3", message: "TestFails",
		proof: failureIsShown("TestFails", "3 of 8 GPUs are missing")},
	{name: "one is skipped", changes: []change{tests("behave", "TestPlain", "TestNotApplicable")}, state: passed, passed: "1/2"},
	{name: "a skip is denied",
		changes: []change{tests("behave", "TestPlain", "TestNotApplicable"), goTest(func(t *v1alpha1.GoTest) { t.Skips = v1alpha1.SkipsDeny })},
		state:   errored, reason: v1alpha1.ReasonRequiredCheckSkipped, passed: "1/2", message: "TestNotApplicable"},
	{name: "all are skipped", changes: []change{tests("behave", "TestNotApplicable")},
		state: skipped, reason: v1alpha1.ReasonNothingApplicable, passed: "0/1"},
	{name: "a test panics", changes: []change{tests("misbehave", "TestBefore", "TestPanics", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/3", message: "the driver is gone"},
	{name: "a goroutine panics", changes: []change{tests("misbehave", "TestBefore", "TestPanicsInGoroutine", "TestLast")},
		state: errored, reason: v1alpha1.ReasonPanicked, passed: "1/3", message: "the watcher is gone"},
	// Go makes of it a panic in the test, for -test.paniconexit0.
	{name: "os.Exit(0) in a test", changes: []change{tests("misbehave", "TestBefore", "TestExits0", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/3", message: "os.Exit(0)"},
	{name: "os.Exit(1) in a test", changes: []change{tests("misbehave", "TestBefore", "TestExits1", "TestLast")},
		state: errored, reason: v1alpha1.ReasonTestIncomplete, passed: "1/3", message: "exit code 1"},
	{name: "killed", changes: []change{tests("inits", "TestBefore", "TestKillsItself")},
		state: errored, reason: v1alpha1.ReasonTestIncomplete, passed: "1/2", message: "137"},
	{name: "out of memory", changes: []change{tests("misbehave", "TestBefore", "TestEatsMemory", "TestLast"), memory("32Mi")},
		state: errored, reason: outOfMemory, passed: "1/3", proof: killIsShown("memory", "exit code 137")},
	{name: "out of memory after a failure", changes: []change{tests("misbehave", "TestFails", "TestEatsMemory", "TestLast"), memory("32Mi")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/3", proof: killIsShown("OOMKilled", "1 test never ended")},
	{name: "hangs until the timeout", changes: []change{tests("misbehave", "TestBefore", "TestHangs", "TestLast"), timeout(2 * time.Second)},
		state: errored, reason: v1alpha1.ReasonDeadlineExceeded, passed: "1/3", message: "TestHangs"},
	{name: "a binary without tests", changes: []change{tests("none")}, state: errored, reason: v1alpha1.ReasonNoTests, passed: "0/0"},
	{name: "run selects nothing", changes: []change{tests("behave", "TestAbsent")},
		state: errored, reason: v1alpha1.ReasonNoTests, passed: "0/0", message: "selects none of the binary's 6 tests"},
	{name: "another number of tests than expected",
		changes: []change{tests("behave", "TestPlain"), goTest(func(t *v1alpha1.GoTest) { t.ExpectedTests = new(int32(2)) })},
		state:   errored, reason: v1alpha1.ReasonUnexpectedTestCount, passed: "1/1", message: "expectedTests is 2"},
	{name: "a missing binary", changes: []change{tests("absent")},
		state: errored, reason: v1alpha1.ReasonStartFailed, passed: "0/0", message: "absent.test"},

	{name: "output without a newline", changes: []change{tests("misbehave", "TestNoNewline", "TestLast")}, state: passed, passed: "2/2"},
	{name: "output without a newline before a failure", changes: []change{tests("misbehave", "TestNoNewline", "TestNoNewlineFails", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "2/3", message: "TestNoNewlineFails",
		proof: failureIsShown("TestNoNewlineFails", "nor here")},
	{name: "output that looks like FAIL", changes: []change{tests("misbehave", "TestQuotesFailure", "TestLast")}, state: passed, passed: "2/2"},
	{name: "output that looks like PASS", changes: []change{tests("misbehave", "TestForgesPass", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/2", message: "TestForgesPass"},
	{name: "output that forges PASS, marker and all", changes: []change{tests("misbehave", "TestForgesMarkedPass", "TestLast")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/2", message: "TestForgesMarkedPass"},
	{name: "output that forges the end, with exit code 0", changes: []change{tests("misbehave", "TestForgesTheEnd", "TestLast")},
		state: errored, reason: v1alpha1.ReasonTestMissing, passed: "1/2", message: "TestLast"},
	{name: "binary output", changes: []change{tests("misbehave", "TestBinaryOutput", "TestLast")}, state: passed, passed: "2/2"},

	{name: "the image cannot be pulled", changes: []change{tests("behave"), ofImage("registry.invalid/none:v1"), startTimeout(90 * time.Second)},
		state: errored, reason: v1alpha1.ReasonImagePullFailed, passed: "0/0", message: "startTimeout of 1m30s"},
	{name: "the image is never pulled", changes: []change{tests("behave"), ofImage("registry.invalid/never:v1"), validator(func(v *v1alpha1.Validator) {
		v.ImagePullPolicy = v1alpha1.PullNever
	})}, state: errored, reason: v1alpha1.ReasonInvalidImage, passed: "0/0", message: "ErrImageNeverPull"},
	{name: "the image's name is none", changes: []change{tests("behave"), ofImage("registry.invalid/Not-A-Name")},
		state: errored, reason: v1alpha1.ReasonInvalidImage, passed: "0/0", message: "InvalidImageName"},
	{name: "no node takes the pod", changes: []change{tests("behave"), startTimeout(90 * time.Second), validator(func(v *v1alpha1.Validator) {
		v.NodeSelector = map[string]string{"e2e.example.com/absent": "true"}
	})}, state: errored, reason: v1alpha1.ReasonUnschedulable, passed: "0/0", message: "affinity/selector"},
	{name: "Pod Security refuses the pod", changes: []change{tests("behave"), validator(func(v *v1alpha1.Validator) {
		v.SecurityContext = &v1alpha1.SecurityContext{Privileged: new(true)}
	})}, state: errored, reason: v1alpha1.ReasonForbidden, passed: "0/0", message: "privileged"},

	{name: "a container passes", changes: []change{program("exit", "0", "8 of 8 links are up")},
		state: passed, passed: "1/1", message: "8 of 8 links are up"},
	{name: "a container fails", changes: []change{program("exit", "1", "2 of 4 links are down")},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/1", message: "2 of 4 links are down"},
	{name: "a container skips itself", changes: []change{program("exit", "2", "SKIP: no GPU here")},
		state: skipped, reason: v1alpha1.ReasonNothingApplicable, passed: "0/1", message: "no GPU here"},
	{name: "a container exits 2 without a word", changes: []change{program("exit", "2")},
		state: errored, reason: v1alpha1.ReasonUnexpectedExitCode, passed: "0/1"},
	{name: "a container exits 3", changes: []change{program("exit", "3", "out of ideas")},
		state: errored, reason: v1alpha1.ReasonUnexpectedExitCode, passed: "0/1", message: "out of ideas"},
	{name: "a container whose command is missing", changes: []change{phase(func(p *v1alpha1.Phase) {
		p.Container = &v1alpha1.Container{Command: []string{"/absent"}}
	})}, state: errored, reason: v1alpha1.ReasonStartFailed, passed: "0/1", message: "/absent"},
}

func ofImage(name string) change { return validator(func(v *v1alpha1.Validator) { v.Image = name }) }

func memory(limit string) change {
	return validator(func(v *v1alpha1.Validator) {
		v.Resources.Limits = map[string]v1alpha1.Amount{"memory": v1alpha1.Amount(intstr.FromString(limit))}
	})
}

// All runs are created at once: most of the time of each is waiting.
var _ = Describe("A run", Ordered, ContinueOnFailure, func() {
	var namespace string
	collectOnFailure(func() string { return namespace })

	BeforeAll(func(ctx SpecContext) {
		namespace = newNamespace(ctx, "restricted")
		for i, o := range outcomes {
			Expect(k8s.Create(ctx, newRun(namespace, fmt.Sprintf("outcome-%d", i), o.changes...))).To(Succeed(), o.name)
		}
	})

	for i, o := range outcomes {
		It("is judged right: "+o.name, func(ctx SpecContext) {
			run := complete(ctx, newRun(namespace, fmt.Sprintf("outcome-%d", i)))
			Expect(run.Status.Phases).To(HaveLen(1))
			p := run.Status.Phases[0]
			Expect(p.State).To(Equal(o.state), "%s: %s", p.Reason, p.Message)
			reason := Equal(o.reason)
			if o.reason == outOfMemory {
				reason = beKillReason(ctx, run, "")
			}
			Expect(p.Reason).To(reason, p.Message)
			Expect(run.Status.Passed).To(Equal(o.passed), p.Message)
			Expect(p.Message).To(ContainSubstring(o.message))
			Expect(run.Status.Verdict).To(Equal(v1alpha1.Verdict(o.state)))
			Expect(resultOf(ctx, run).Verdict).To(Equal(run.Status.Verdict))
			if o.proof != nil {
				o.proof(ctx, run)
			}
		})
	}
})

// everyTestIsKept: the result names subtests and attributes.
func everyTestIsKept(ctx context.Context, run *v1alpha1.ValidationRun) {
	GinkgoHelper()
	phases := resultOf(ctx, run).Phases
	Expect(phases).To(ConsistOf(And(
		HaveField("ExitCode", HaveValue(BeZero())), HaveField("Anomalies", BeEmpty()), HaveField("ImageDigest", HavePrefix("sha256:")),
		HaveField("Tests", And(HaveLen(4+2+8), HaveEach(HaveField("Status", BeEquivalentTo("Passed"))))),
		HaveField("Tests", ContainElements(
			HaveField("Name", "TestSubtests/second"), HaveField("Name", "TestParallel/7"),
			And(HaveField("Name", "TestAttributes"), HaveField("Attributes", HaveKeyWithValue("bandwidth", "42 GB/s"))),
		)),
	)))
}

// outOfMemory stands in the table for what beKillReason matches.
const outOfMemory = "out of memory"

// beKillReason matches what may be said of a check that was killed for its memory, or of the run's only Job where none is named.
func beKillReason(ctx context.Context, run *v1alpha1.ValidationRun, check string) gomegatypes.GomegaMatcher {
	GinkgoHelper()
	if forMemory(ctx, run, check) {
		return BeElementOf(v1alpha1.ReasonOOMKilled, v1alpha1.ReasonTestIncomplete)
	}
	return Equal(v1alpha1.ReasonTestIncomplete)
}

// forMemory says whether a pod says by now that its kill was one for memory. The kubelet says OOMKilled once the container runtime has heard
// of that from the kernel, which may be after it has heard of the end, or never; until then it says only that the validator was killed. So
// where the pod says it the operator may have judged before it did, and where it does not the operator cannot know.
func forMemory(ctx context.Context, run *v1alpha1.ValidationRun, check string) bool {
	GinkgoHelper()
	var pods corev1.PodList
	labels := client.MatchingLabels{v1alpha1.LabelRun: run.Name, v1alpha1.LabelPhase: run.Spec.Phases[0].Name}
	if check != "" {
		labels[v1alpha1.LabelCheck] = check
	}
	Expect(k8s.List(ctx, &pods, client.InNamespace(run.Namespace), labels)).To(Succeed())
	Expect(pods.Items).To(HaveLen(1))
	Expect(pods.Items[0].Status.ContainerStatuses).To(ConsistOf(And(
		HaveField("Name", "validator"), HaveField("State.Terminated", HaveValue(HaveField("ExitCode", BeEquivalentTo(137)))),
	)))
	return pods.Items[0].Status.ContainerStatuses[0].State.Terminated.Reason == v1alpha1.ReasonOOMKilled
}

// killIsShown: the phase's message says what is known of a kill, that it was for memory or no more than that.
func killIsShown(asMemory, asKill string) func(context.Context, *v1alpha1.ValidationRun) {
	return func(ctx context.Context, run *v1alpha1.ValidationRun) {
		GinkgoHelper()
		want := ContainSubstring(asKill)
		if forMemory(ctx, run, "") {
			want = Or(ContainSubstring(asMemory), want)
		}
		Expect(run.Status.Phases[0].Message).To(want)
	}
}

func failureIsShown(test, message string) func(context.Context, *v1alpha1.ValidationRun) {
	return func(_ context.Context, run *v1alpha1.ValidationRun) {
		GinkgoHelper()
		Expect(run.Status.Failures).To(ConsistOf(And(HaveField("Test", test), HaveField("Message", ContainSubstring(message)))))
	}
}
