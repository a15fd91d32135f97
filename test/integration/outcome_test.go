package integration

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/test/podlet"
)

// outcome is a validator's behaviour, and what a run of it has to come to.
type outcome struct {
	name   string
	script *podlet.Script // nil: an image that cannot be pulled
	change []func(*v1alpha1.ValidationRun)

	state   v1alpha1.PhaseState
	reason  string
	passed  string
	message string // a part of the phase's message
}

func tests(cases ...podlet.GoTestCase) *podlet.Script {
	return new(podlet.GoTest{Tests: cases}.Script())
}

type change = func(*v1alpha1.ValidationRun)

const (
	passed, failed, errored, skipped = v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseError, v1alpha1.PhaseSkipped
)

var (
	good   = podlet.GoTestCase{Name: "TestGood", Output: "    good_test.go:7: all is well\n"}
	bad    = podlet.GoTestCase{Name: "TestBad", Outcome: podlet.Fail, Output: "    bad_test.go:9: 3 of 8 GPUs are missing\n"}
	absent = podlet.GoTestCase{Name: "TestAbsent", Outcome: podlet.Skip, Output: "    absent_test.go:5: not applicable\n"}
)

var outcomes = []outcome{
	// What has little time comes first: at the end of so many it would be over before the operator has come to all the others.
	{name: "the image cannot be pulled", change: []change{startTimeout(15 * time.Second)},
		state: errored, reason: v1alpha1.ReasonImagePullFailed, passed: "0/0", message: "startTimeout of 15s"},
	{name: "no node takes the pod", script: new(podlet.Script{Unschedulable: &podlet.Unschedulable{}}), change: []change{startTimeout(15 * time.Second)},
		state: errored, reason: v1alpha1.ReasonUnschedulable, passed: "0/0"},
	{name: "the run's timeout", script: tests(good, podlet.GoTestCase{Name: "TestHangs", Run: podlet.Hang()}),
		change: []change{func(run *v1alpha1.ValidationRun) { run.Spec.Timeout = duration(20 * time.Second) }},
		state:  errored, reason: v1alpha1.ReasonRunTimeout, passed: "1/2"},
	{name: "all pass", script: tests(good, podlet.GoTestCase{Name: "TestSubs", Subtests: []podlet.GoTestCase{{Name: "a"}, {Name: "b"}}}),
		state: passed, passed: "2/2"},
	{name: "one fails", script: tests(good, bad), state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/2", message: "TestBad"},
	{name: "one is skipped", script: tests(good, absent), state: passed, passed: "1/2"},
	{name: "all are skipped", script: tests(absent), state: skipped, reason: v1alpha1.ReasonNothingApplicable, passed: "0/1"},
	{name: "a skip is denied", script: tests(good, absent), change: []change{goTest(func(t *v1alpha1.GoTest) { t.Skips = v1alpha1.SkipsDeny })},
		state: errored, reason: v1alpha1.ReasonRequiredCheckSkipped, passed: "1/2", message: "TestAbsent"},
	{name: "a test panics", script: tests(good, podlet.GoTestCase{Name: "TestPanics", Outcome: podlet.Panic}, bad),
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/3", message: "panic: scripted"},
	{name: "a goroutine panics", script: tests(good, podlet.GoTestCase{Name: "TestPanics", Outcome: podlet.GoroutinePanic}, bad),
		state: errored, reason: v1alpha1.ReasonPanicked, passed: "1/3", message: "scripted"},
	{name: "exit code 0 in the middle of a test", script: tests(good, podlet.GoTestCase{Name: "TestExits", Run: podlet.Exit(0)}),
		state: errored, reason: v1alpha1.ReasonTestIncomplete, passed: "1/2", message: "TestExits"},
	{name: "exit code 1 in the middle of a test", script: tests(good, podlet.GoTestCase{Name: "TestExits", Run: podlet.Exit(1)}),
		state: errored, reason: v1alpha1.ReasonTestIncomplete, passed: "1/2", message: "exit code 1"},
	{name: "killed", script: tests(good, podlet.GoTestCase{Name: "TestKilled", Run: podlet.Exit(137)}),
		state: errored, reason: v1alpha1.ReasonTestIncomplete, passed: "1/2", message: "signal 9"},
	{name: "a binary without tests", script: tests(), state: errored, reason: v1alpha1.ReasonNoTests, passed: "0/0"},
	{name: "run selects nothing", script: tests(good, bad), change: []change{goTest(func(t *v1alpha1.GoTest) { t.Run = "^TestMissing$" })},
		state: errored, reason: v1alpha1.ReasonNoTests, passed: "0/0", message: "selects none of the binary's 2 tests"},
	{name: "run selects a subtest that is not there", script: tests(good), change: []change{goTest(func(t *v1alpha1.GoTest) { t.Run = "TestGood/renamed" })},
		state: errored, reason: v1alpha1.ReasonNoTests, passed: "1/1", message: "none of them in TestGood"},
	{name: "run selects one", script: tests(good, bad), change: []change{goTest(func(t *v1alpha1.GoTest) { t.Run = "^TestGood$" })},
		state: passed, passed: "1/1"},
	{name: "fewer tests than expected", script: tests(good), change: []change{expectedTests(2)},
		state: errored, reason: v1alpha1.ReasonUnexpectedTestCount, passed: "1/1", message: "expectedTests is 2"},
	{name: "more tests than expected", script: tests(good, absent), change: []change{expectedTests(1)},
		state: errored, reason: v1alpha1.ReasonUnexpectedTestCount, passed: "1/2"},
	{name: "the binary is missing", script: new(podlet.Script{
		Init: podlet.Container{StartError: `exec: "deployment.test": executable file not found in $PATH`},
	}), state: errored, reason: v1alpha1.ReasonStartFailed, passed: "0/0", message: "executable file not found"},
	{name: "the command is missing", script: new(podlet.Script{
		Main: podlet.Container{StartError: `exec: "/smoke": no such file or directory`},
	}), change: []change{container()}, state: errored, reason: v1alpha1.ReasonStartFailed, passed: "0/1"},
	{name: "hangs until the timeout", script: tests(good, podlet.GoTestCase{Name: "TestHangs", Run: podlet.Hang()}, bad),
		change: []change{timeout(time.Second)}, state: errored, reason: v1alpha1.ReasonDeadlineExceeded, passed: "1/3", message: "TestHangs"},
	{name: "a container hangs until the timeout", script: new(podlet.Runs(podlet.Hang())), change: []change{container(), timeout(time.Second)},
		state: errored, reason: v1alpha1.ReasonDeadlineExceeded, passed: "0/1"},
	{name: "a container exits 0 when told to stop", script: new(podlet.Runs(podlet.OnTERM(podlet.Exit(0)), podlet.Hang())),
		change: []change{container(), timeout(time.Second)}, state: errored, reason: v1alpha1.ReasonDeadlineExceeded, passed: "0/1"},
	{name: "out of memory", script: tests(good, podlet.GoTestCase{Name: "TestGrows", Run: podlet.OOMKill()}),
		state: errored, reason: v1alpha1.ReasonOOMKilled, passed: "1/2"},
	{name: "out of memory after a failure", script: tests(bad, podlet.GoTestCase{Name: "TestGrows", Run: podlet.OOMKill()}),
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/2", message: "OOMKilled"},
	{name: "output without newlines", script: tests(podlet.GoTestCase{Name: "TestTerse", Output: "no newline at the end"},
		podlet.GoTestCase{Name: "TestTerseToo", Output: "nor here", Outcome: podlet.Fail}),
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "1/2", message: "TestTerseToo"},
	{name: "output that looks like PASS", script: tests(podlet.GoTestCase{
		Name: "TestForges", Outcome: podlet.Fail, Output: "--- PASS: TestForges (0.00s)\nPASS\nok  \tpkg\t0.01s\n",
	}), state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/1"},
	{name: "output that looks like FAIL", script: tests(podlet.GoTestCase{
		Name: "TestQuotes", Output: "--- FAIL: TestQuotes (0.00s)\nFAIL\n=== RUN   TestNobody\n",
	}), state: passed, passed: "1/1"},
	{name: "all pass and exit code 3", script: new(podlet.GoTest{Tests: []podlet.GoTestCase{good}, ExitCode: new(3)}.Script()),
		state: errored, reason: v1alpha1.ReasonExitCodeMismatch, passed: "1/1", message: "exit code 3"},
	{name: "one fails and exit code 0", script: new(podlet.GoTest{Tests: []podlet.GoTestCase{bad}, ExitCode: new(0)}.Script()),
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/1", message: "ExitCodeMismatch"},
	{name: "the final PASS is not printed", script: new(podlet.GoTest{Tests: []podlet.GoTestCase{good}, OmitFinal: true}.Script()),
		state: errored, reason: v1alpha1.ReasonEvidenceIncomplete, passed: "1/1", message: "final PASS"},
	{name: "nothing is printed", script: new(podlet.Script{
		Init: podlet.Container{Run: podlet.Print("TestGood\n")}, Main: podlet.Container{},
	}), state: errored, reason: v1alpha1.ReasonNoTests, passed: "0/1"},
	{name: "the list fails", script: new(podlet.GoTest{Tests: []podlet.GoTestCase{good}, ListRun: podlet.Exit(1)}.Script()),
		state: errored, reason: v1alpha1.ReasonListFailed, passed: "0/0", message: "expectedTests"},
	{name: "the list fails and the count is known", script: new(podlet.GoTest{Tests: []podlet.GoTestCase{good}, ListRun: podlet.Exit(1)}.Script()),
		change: []change{expectedTests(1)}, state: passed, passed: "1/1"},
	{name: "go test -json by a command", script: new(podlet.Runs(podlet.Print(jsonStream))),
		change: []change{goTest(func(t *v1alpha1.GoTest) { t.Package, t.Command = "", []string{"/run-checks"} }), expectedTests(2)},
		state:  passed, passed: "1/2"},
	{name: "a command that hides its exit code", script: new(podlet.Runs(podlet.Print(strings.ReplaceAll(jsonStream, `"pass"`, `"fail"`)))),
		change: []change{goTest(func(t *v1alpha1.GoTest) { t.Package, t.Command = "", []string{"/run-checks"} }), expectedTests(2)},
		state:  failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/2", message: "ExitCodeMismatch"},
	{name: "the image is never pulled", change: []change{func(run *v1alpha1.ValidationRun) { run.Spec.Validator.ImagePullPolicy = v1alpha1.PullNever }},
		state: errored, reason: v1alpha1.ReasonInvalidImage, passed: "0/0", message: "ErrImageNeverPull"},
	{name: "Pod Security refuses the pod", script: tests(good), change: []change{func(run *v1alpha1.ValidationRun) {
		run.Spec.Validator.SecurityContext = &v1alpha1.SecurityContext{Privileged: new(true)}
	}}, state: errored, reason: v1alpha1.ReasonForbidden, passed: "0/0", message: "privileged"},
	{name: "a pod that cannot be", script: tests(good), change: []change{func(run *v1alpha1.ValidationRun) {
		run.Spec.Validator.Resources = v1alpha1.ResourceRequirements{
			Requests: map[string]v1alpha1.Amount{"cpu": v1alpha1.Amount(intstr.FromInt32(2))},
			Limits:   map[string]v1alpha1.Amount{"cpu": v1alpha1.Amount(intstr.FromInt32(1))},
		}
	}}, state: errored, reason: v1alpha1.ReasonInvalidSpec, passed: "0/0", message: "must be less than or equal to cpu limit"},
	{name: "a container passes", script: new(podlet.Runs()), change: []change{container()}, state: passed, passed: "1/1"},
	{name: "a container fails", script: new(podlet.Runs(podlet.TerminationMessage("2 of 4 links are down\n"), podlet.Exit(1))), change: []change{container()},
		state: failed, reason: v1alpha1.ReasonTestsFailed, passed: "0/1", message: "2 of 4 links are down"},
	{name: "a container skips itself", script: new(podlet.Runs(podlet.TerminationMessage("SKIP: no GPU here\n"), podlet.Exit(2))), change: []change{container()},
		state: skipped, reason: v1alpha1.ReasonNothingApplicable, passed: "0/1", message: "no GPU here"},
	{name: "a container exits 2 without a word", script: new(podlet.Runs(podlet.Exit(2))), change: []change{container()},
		state: errored, reason: v1alpha1.ReasonUnexpectedExitCode, passed: "0/1"},
}

const jsonStream = `--- BEGIN TEST OUTPUT ---
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"hello\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.01}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestB","Elapsed":0}
{"Action":"pass","Package":"p","Elapsed":0.02}
--- END TEST OUTPUT ---
`

// All runs are created at once: most of the time of each is waiting.
var _ = Describe("A run", Ordered, ContinueOnFailure, func() {
	var namespace string

	BeforeAll(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		for i, o := range outcomes {
			image := fmt.Sprintf("registry.test/outcome-%d", i)
			if o.script != nil {
				node.Script(image, *o.script)
			}
			Expect(k8s.Create(ctx, newRun(namespace, fmt.Sprintf("outcome-%d", i), image, o.change...))).To(Succeed(), o.name)
		}
	})

	for i, o := range outcomes {
		It("is judged right: "+o.name, func(ctx SpecContext) {
			run := complete(ctx, newRun(namespace, fmt.Sprintf("outcome-%d", i), ""), 1)
			Expect(run.Status.Phases).To(HaveLen(1))
			p := run.Status.Phases[0]
			Expect(p.State).To(Equal(o.state), "%s: %s", p.Reason, p.Message)
			Expect(p.Reason).To(Equal(o.reason), p.Message)
			Expect(run.Status.Passed).To(Equal(o.passed), p.Message)
			Expect(p.Message).To(ContainSubstring(o.message))
			Expect(run.Status.Verdict).To(Equal(v1alpha1.Verdict(o.state)))

			result := &corev1.ConfigMap{}
			Expect(k8s.Get(ctx, types.NamespacedName{Namespace: namespace, Name: run.Name + "-result-1"}, result)).To(Succeed())
			Expect(result.Data["result.yaml"]).To(ContainSubstring("verdict: " + string(o.state)))
		})
	}
})
