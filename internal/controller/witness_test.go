package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// The termination message is the end of the log, and a failure in it counts if it is framed as those of the log are. A line that only looks
// like one is what a check printed.
func TestWhatTheTerminationMessageProves(t *testing.T) {
	const (
		begun  = "\x16=== RUN   TestA\n"
		text   = "checking\n--- FAIL: TestInner (0.00s)\n"
		failed = "\x16--- FAIL: TestA (0.00s)\n"

		jsonBegun  = `{"Action":"run","Package":"p","Test":"TestA"}` + "\n"
		jsonText   = `{"Action":"output","Package":"p","Test":"TestA","Output":"checking\n"}` + "\n--- FAIL: TestInner (0.00s)\n"
		jsonFailed = `{"Action":"fail","Package":"p","Test":"TestA"}` + "\n"

		plainBegun = "=== RUN   TestA\n"
	)
	run := func(goTest v1alpha1.GoTest) *v1alpha1.ValidationRun {
		return newRun(func(run *v1alpha1.ValidationRun) {
			run.Spec.Phases[0] = v1alpha1.Phase{Name: "a", GoTest: &goTest}
			run.Spec.SetDefaults()
		})
	}
	own := run(v1alpha1.GoTest{Package: "./checks/a"})
	command := run(v1alpha1.GoTest{Command: []string{"/run-tests"}, ExpectedTests: new(int32(1))})
	for name, test := range map[string]struct {
		run          *v1alpha1.ValidationRun
		log, message string
		want         []string
	}{
		"text, and the log has frames":                          {own, begun + text, text, nil},
		"text and then a frame":                                 {own, begun + text, text + begun, nil},
		"text and then a failure":                               {own, begun + text, text + failed, []string{"TestA"}},
		"a failure and then text":                               {own, begun, failed + text, []string{"TestA"}},
		"a failure, and the log has none of it":                 {own, begun, failed, []string{"TestA"}},
		"a failure behind other text":                           {own, begun, "no newline" + failed, []string{"TestA"}},
		"text, and nothing was read of the log":                 {own, "", text, nil},
		"text in JSON, and nothing was read of the log":         {own, "", jsonBegun + jsonFailed, nil},
		"a failure, and nothing was read of the log":            {own, "", text + failed, []string{"TestA"}},
		"text of a command, and the log has frames":             {command, begun + text, text, nil},
		"a failure of a command":                                {command, begun, text + failed, []string{"TestA"}},
		"a failure of a command, and nothing was read":          {command, "", text + failed, []string{"TestA"}},
		"text of a command before a frame, and nothing read":    {command, "", text + begun, nil},
		"text in a stream of events":                            {command, jsonBegun + jsonText, text, nil},
		"text and events":                                       {command, jsonBegun + jsonText, text + jsonText, nil},
		"an event that says fail":                               {command, jsonBegun, text + jsonFailed, []string{"TestA"}},
		"an event that says fail, and nothing was read":         {command, "", text + jsonFailed, []string{"TestA"}},
		"a marked failure in a stream of events":                {command, jsonBegun, text + failed, []string{"TestA"}},
		"a failure in a stream that any output can forge":       {command, plainBegun, "--- FAIL: TestA (0.00s)\n", []string{"TestA"}},
		"a failure that any output can forge, and nothing read": {command, "", "--- FAIL: TestA (0.00s)\n", []string{"TestA"}},
		"text, and the log looked as if any output could forge": {command, plainBegun, text + begun, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, interceptor.Funcs{})
			k := podOf(t, test.run)
			k.Spec = jobOf(t, test.run).Spec.Template.Spec
			k.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ContainerID: "containerd://1", StartedAt: metav1.NewTime(epoch), ExitCode: 137, Reason: "OOMKilled", Message: test.message,
			}}
			pod := plan.Look(k)
			if test.log != "" {
				b.logs.text[k.Name+"/validator"] = test.log
				b.follows.read(types.NamespacedName{Namespace: "ns", Name: "run"}, "job", pod, epoch)
				await(t, b, pod)
			}
			b.lookAtLogs(&pod)
			var got []string
			for _, test := range pod.Log.Witness.Tests {
				if test.Outcome == gotest.Fail {
					got = append(got, test.Name)
				}
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
