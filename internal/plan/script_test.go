package plan

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// script is the life of a Job's pod.
type script struct {
	// tests are what the binary lists and runs, each a word and a name: pass, fail, skip, hang, panic, exit.
	tests []string
	// code is the exit code of a container phase, and said its termination message.
	code int32
	said string
	// waits is what keeps the pod from starting, blocked what keeps the Job from having one, until second healed; 0 is never.
	waits   shape
	blocked *Block
	healed  int
	// listCode is the exit code of the list, 0 for a good one; listHangs says that it never ends.
	listCode  int32
	listHangs bool
	// immortal is a pod that a deletion does not end.
	immortal bool
	// then are further events, by the second since the Job was created.
	then []incident
}

// incident is something that happens to a Job.
type incident struct {
	second int
	do     func(*world, *simJob)
}

type scripted struct {
	second int
	do     func()
}

// steps are the events of a Job's life, by the second since its creation.
func (s script) steps(w *world, job *simJob) (out []scripted) {
	add := func(second int, do func()) { out = append(out, scripted{second, do}) }
	for _, e := range s.then {
		add(e.second, func() { e.do(w, job) })
	}
	var pod *corev1.Pod
	start := 1
	switch {
	case s.blocked != nil:
		add(1, func() { job.blocked = s.blocked })
		start = s.healed
		add(start, func() { job.blocked = nil })
	case s.waits != nil:
		add(1, func() { pod = w.bind(job, s.waits) })
		add(s.healed, func() { job.pods = nil })
		start = s.healed
	}
	if start == 0 {
		return out
	}
	add(start, func() { pod = w.bind(job) })
	if workload.Lists(job.phase, job.item) {
		add(start+1, func() { w.state(pod, workload.ListContainer, runningSince(w.second())) })
		if s.listHangs {
			return out
		}
		for _, test := range s.tests {
			_, name, _ := strings.Cut(test, " ")
			job.listing += name + "\n"
		}
		add(start+2, func() { w.exit(job, pod, workload.ListContainer, s.listCode, "Error", "cannot list\n") })
		if s.listCode != 0 {
			return out
		}
	}
	add(start+3, func() { w.state(pod, workload.ValidatorContainer, runningSince(w.second())) })
	second, code, over := start+4, s.code, true
	if job.phase.GoTest != nil {
		second, code, over = s.print(job, second, add)
	}
	if over {
		add(second, func() { w.exit(job, pod, workload.ValidatorContainer, code, "Error", s.said) })
	}
	return out
}

// print takes a second for each start and end of a test, framed as testing frames them. It returns when and how the binary ends, if it does.
func (s script) print(job *simJob, second int, add func(int, func())) (end int, code int32, over bool) {
	says := func(text string) {
		add(second, func() { job.log += text })
		second++
	}
	if isAsk(job.phase) {
		return second, 0, true
	}
	final := "PASS"
	for _, test := range s.selected(job.phase) {
		how, name, _ := strings.Cut(test, " ")
		says("\x16=== RUN   " + name + "\n")
		switch how {
		case "hang":
			return second, 0, false
		case "panic":
			says("panic: it went wrong\n\ngoroutine 1 [running]:\n")
			return second, 2, true
		case "exit":
			return second, 0, true
		case "fail":
			final, code = "FAIL", 1
		}
		says("\x16--- " + strings.ToUpper(how) + ": " + name + " (0.00s)\n")
	}
	says("\x16" + final + "\n")
	return second, code, true
}

// selected are the tests that a phase runs of those that there are.
func (s script) selected(p *v1alpha1.Phase) []string {
	if p.GoTest == nil || p.GoTest.Run == "" {
		return s.tests
	}
	return slices.DeleteFunc(slices.Clone(s.tests), func(test string) bool {
		_, name, _ := strings.Cut(test, " ")
		matched, err := gotest.MatchTopLevel(p.GoTest.Run, []string{name})
		return err != nil || len(matched) == 0
	})
}

// isAsk says whether a phase only asks a test binary for its tests.
func isAsk(p *v1alpha1.Phase) bool {
	return p.GoTest != nil && len(p.GoTest.Command) > 0 && p.GoTest.Package != ""
}

func runs(tests ...string) script { return script{tests: tests} }

func waits(s shape, healed int) script {
	return script{tests: []string{"pass TestA"}, waits: s, healed: healed}
}

func (s script) and(second int, do func(*world, *simJob)) script {
	s.then = append(s.then, incident{second, do})
	return s
}

func goPhase(name string, changes ...func(*v1alpha1.Phase)) v1alpha1.Phase {
	p := v1alpha1.Phase{Name: name, GoTest: &v1alpha1.GoTest{Package: "./" + name}}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func containerPhase(name string) v1alpha1.Phase {
	return v1alpha1.Phase{Name: name, Container: &v1alpha1.Container{Command: []string{"/smoke"}}}
}

func goesOn(p *v1alpha1.Phase) { p.OnFailure = v1alpha1.Continue }

func expects(n int32) func(*v1alpha1.Phase) {
	return func(p *v1alpha1.Phase) { p.GoTest.ExpectedTests = new(n) }
}

func within(start, tests metav1.Duration) func(*v1alpha1.Phase) {
	return func(p *v1alpha1.Phase) { p.StartTimeout, p.Timeout = &start, &tests }
}
