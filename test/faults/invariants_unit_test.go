package faults

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
	"github.com/validation-operator/validation-operator/test/controlplane"
)

// TestInvariants: a record of a run that went as it should holds, and one in which a single thing is otherwise does not.
func TestInvariants(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(r *record)
		want   string // in the complaint, empty for none
	}{
		{"all is well", func(*record) {}, ""},
		{"a Job is created twice", func(r *record) {
			r.events = append(r.events, write("create", "jobs", "run-first-1"))
		}, "creations of Job run-first-1"},
		{"a pod runs beside the Job that came after its own", func(r *record) {
			r.events = append(r.events, write("create", "jobs", "run-first-2"), podWrite(podOf("run-first-1", corev1.PodRunning, 0)))
		}, "runs beside the Job that came after its own"},
		{"a verdict is taken back", func(r *record) {
			r.add(func(s *v1alpha1.ValidationRunStatus) { s.Verdict = "" })
		}, "verdict of attempt 1"},
		{"a verdict is replaced", func(r *record) {
			r.add(func(s *v1alpha1.ValidationRunStatus) { s.Verdict = v1alpha1.VerdictFailed })
		}, "verdict of attempt 1"},
		{"a phase that has ended runs again", func(r *record) {
			r.add(func(s *v1alpha1.ValidationRunStatus) { s.Phases[0].State = v1alpha1.PhaseRunning })
		}, "phase 1/first of run"},
		{"a phase starts before the one before it has ended", func(r *record) {
			r.runs["uid"][0].Status.Phases[1].State = v1alpha1.PhaseRunning
		}, "phase second of run has started"},
		{"a phase has a Job before the one before it has ended", func(r *record) {
			r.runs["uid"][0].Status.Phases[1].Jobs = []string{"run-second-1"}
		}, "phase second of run has started"},
		{"a phase passes without a Job", func(r *record) {
			r.runs["uid"][2].Status.Phases[0].Jobs = nil
		}, "phase first of run is Passed"},
		{"a phase passes whose validator nobody saw end", func(r *record) { r.pods = r.pods[1:] }, "phase first of run is Passed"},
		{"a phase passes whose validator ended with 1", func(r *record) {
			r.pods = append(r.pods, podOf("run-first-1", corev1.PodFailed, 1))
		}, "phase first of run is Passed"},
		{"preflight passes without a Job", func(r *record) {
			for _, run := range r.runs["uid"] {
				p := &run.Status.Phases[0]
				p.Name, p.Jobs, p.FanOut = v1alpha1.PhasePreflight, nil, &v1alpha1.FanOutStatus{}
			}
			r.keep(func(result *report.Result) { result.Phases[0].Name = v1alpha1.PhasePreflight })
		}, ""},
		{"preflight passes with a Job that nobody saw end", func(r *record) {
			for _, run := range r.runs["uid"] {
				run.Status.Phases[0].Name = v1alpha1.PhasePreflight
			}
			r.pods = r.pods[1:]
		}, "phase preflight of run is Passed"},
		{"a run passes on preflight alone", func(r *record) {
			for _, run := range r.runs["uid"] {
				run.Status.Phases = run.Status.Phases[:1]
				run.Status.Phases[0].Name = v1alpha1.PhasePreflight
			}
		}, "phases that prove that run is Passed"},
		{"items of a phase pass, side by side", (*record).fan, ""},
		{"an item passes whose validator nobody saw end", func(r *record) {
			r.fan()
			r.pods = r.pods[:len(r.pods)-1]
		}, "items of phase second of run are Passed"},
		{"a phase passes with an item that has not", func(r *record) {
			r.fan()
			r.last().Phases[1].FanOut.Outcomes = "P."
		}, "phase second of run is Passed"},
		{"an item's outcome changes", func(r *record) {
			r.fan()
			r.runs["uid"][1].Status.Phases[1].FanOut.Outcomes = "F."
		}, "items of phase 1/second of run"},
		{"an item has a Job beside the one before", func(r *record) {
			r.fan()
			r.jobs[1].Labels = r.jobs[0].Labels
		}, "runs beside the Job that came after its own"},
		{"status announces a result that is not there", func(r *record) { clear(r.maps) }, "announces ConfigMap run-result-1"},
		{"the result is not the one that status announces", func(r *record) {
			r.last().Results[0].SHA256 = strings.Repeat("0", 64)
		}, "run-result-1"},
		{"the result has another verdict", func(r *record) {
			r.keep(func(result *report.Result) { result.Verdict = v1alpha1.VerdictFailed })
		}, "to equal"},
		{"the result is of another attempt", func(r *record) { r.keep(func(result *report.Result) { result.Attempt = 2 }) }, "to equal"},
		{"the result counts otherwise", func(r *record) { r.last().Summary.Total++ }, "to equal"},
		{"a phase of the result has another state", func(r *record) {
			r.keep(func(result *report.Result) { result.Phases[1].State = v1alpha1.PhaseFailed })
		}, "phase second of run"},
		{"a phase passes with a test that does not", func(r *record) {
			r.keep(func(result *report.Result) {
				result.Phases[0].Tests = append(result.Phases[0].Tests, report.Test{Name: "TestMore/open", Status: verdict.Error})
			})
		}, "phase first of run is Passed"},
		{"an attempt ends long after its timeout", func(r *record) {
			r.last().CompletionTime = &metav1.Time{Time: begin.Add(time.Hour + tardy + time.Second)}
		}, "attempt 1 of run"},
		{"what was suspended does not count", func(r *record) {
			r.last().SuspendedSeconds = 60
			r.last().CompletionTime = &metav1.Time{Time: begin.Add(time.Hour + tardy + time.Minute)}
		}, ""},
		{"an attempt ends before it began", func(r *record) {
			r.last().CompletionTime = &metav1.Time{Time: begin.Add(-time.Second)}
		}, "attempt 1 of run"},
		{"a phase ends before it began", func(r *record) {
			r.last().Phases[1].CompletionTime = &metav1.Time{Time: begin.Add(-time.Second)}
		}, "phase second of run"},
		{"an attempt ends with a phase that has not", func(r *record) {
			r.runs["uid"][1].Status.CompletionTime = &metav1.Time{Time: begin.Add(time.Minute)}
		}, "which has ended"},
		{"the operator writes without end", func(r *record) {
			for range 10 + 6*2 {
				r.events = append(r.events, write("patch", "validationruns", "run"))
			}
		}, "writes about run"},
		{"progress is written every 10 s for ten minutes", func(r *record) { r.writeEvery(10 * time.Second) }, ""},
		{"progress is written every 5 s for five minutes", func(r *record) { r.writeEvery(5 * time.Second) }, "writes about run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			RegisterTestingT(t)
			r := sound()
			test.change(r)
			complaint := ""
			if err := InterceptGomegaFailure(r.hold); err != nil {
				complaint = err.Error()
			}
			if test.want == "" && complaint != "" || !strings.Contains(complaint, test.want) {
				t.Errorf("the complaint is %q, want %q in it", complaint, test.want)
			}
		})
	}
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sound is the record of a run of two phases that passed.
func sound() *record {
	phase := func(name string, state v1alpha1.PhaseState) v1alpha1.PhaseStatus {
		p := v1alpha1.PhaseStatus{Name: name, State: state}
		if state != v1alpha1.PhasePending {
			p.Jobs, p.StartTime = []string{"run-" + name + "-1"}, &metav1.Time{Time: begin}
		}
		if state.Ended() {
			p.CompletionTime = &metav1.Time{Time: begin.Add(time.Minute)}
		}
		return p
	}
	state := func(first, second v1alpha1.PhaseState) *v1alpha1.ValidationRun {
		run := &v1alpha1.ValidationRun{ObjectMeta: metav1.ObjectMeta{Name: "run", UID: "uid"}}
		run.Spec.Timeout = &metav1.Duration{Duration: time.Hour}
		run.Status.Attempt, run.Status.StartTime = 1, &metav1.Time{Time: begin}
		run.Status.Phases = []v1alpha1.PhaseStatus{phase("first", first), phase("second", second)}
		return run
	}
	r := &record{starts: 1, maps: map[string]*corev1.ConfigMap{}, runs: map[types.UID][]*v1alpha1.ValidationRun{"uid": {
		state(v1alpha1.PhaseRunning, v1alpha1.PhasePending),
		state(v1alpha1.PhasePassed, v1alpha1.PhaseRunning),
		state(v1alpha1.PhasePassed, v1alpha1.PhasePassed),
	}}}
	last := r.last()
	last.Verdict, last.CompletionTime = v1alpha1.VerdictPassed, &metav1.Time{Time: begin.Add(time.Minute)}
	for _, job := range []string{"run-first-1", "run-second-1"} {
		r.events = append(r.events, write("create", "jobs", job), podWrite(podOf(job, corev1.PodRunning, 0)))
		r.pods = append(r.pods, podOf(job, corev1.PodRunning, 0), podOf(job, corev1.PodSucceeded, 0))
	}
	r.pods = []*corev1.Pod{r.pods[1], r.pods[0], r.pods[2], r.pods[3]} // the end of the first one's is what a case takes away
	r.keep(func(*report.Result) {})
	last.Summary = v1alpha1.Summary{Total: 1, Passed: 1}
	return r
}

// last is the status that the run has come to.
func (r *record) last() *v1alpha1.ValidationRunStatus { return &r.runs["uid"][2].Status }

// add lets status change once more.
func (r *record) add(change func(*v1alpha1.ValidationRunStatus)) {
	run := r.runs["uid"][2].DeepCopy()
	change(&run.Status)
	r.runs["uid"] = append(r.runs["uid"], run)
}

// fan makes the second phase one of two items, of which the first ends first.
func (r *record) fan() {
	r.events = r.events[:2]
	r.pods = r.pods[:2]
	names := []string{"run-second-1", "run-second-2"}
	for i, check := range []string{"links", "memory"} {
		r.jobs = append(r.jobs, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: names[i], Labels: map[string]string{
			v1alpha1.LabelRunUID: "uid", v1alpha1.LabelAttempt: "1", v1alpha1.LabelPhase: "second", v1alpha1.LabelCheck: check,
		}}})
		r.events = append(r.events, write("create", "jobs", names[i]))
	}
	for _, name := range names {
		r.events = append(r.events, podWrite(podOf(name, corev1.PodRunning, 0)))
		r.pods = append(r.pods, podOf(name, corev1.PodSucceeded, 0))
	}
	for i, outcomes := range []string{"..", "P.", "PP"} {
		p := &r.runs["uid"][i].Status.Phases[1]
		p.Jobs, p.FanOut = nil, &v1alpha1.FanOutStatus{Items: 2, Outcomes: outcomes}
	}
}

// writeEvery has the operator write sixty times.
func (r *record) writeEvery(pause time.Duration) {
	for n := range time.Duration(60) {
		e := write("patch", "validationruns", "run")
		e.Received = begin.Add((n + 1) * pause)
		r.events = append(r.events, e)
	}
}

// keep keeps a result, and has status announce it.
func (r *record) keep(change func(*report.Result)) {
	result := report.Result{
		Run: report.Run{Name: "run"}, Attempt: 1, Verdict: v1alpha1.VerdictPassed, StartTime: begin, CompletionTime: begin,
		Phases: []report.Phase{
			{
				Name: "first", State: v1alpha1.PhasePassed, Summary: v1alpha1.Summary{Total: 1, Passed: 1},
				Tests: []report.Test{{Name: "TestGood", Status: verdict.Passed}},
			},
			{Name: "second", State: v1alpha1.PhasePassed},
		},
	}
	change(&result)
	parts, err := report.Pack(result, "run-result-1", report.Limits{})
	if err != nil {
		panic(fmt.Sprintf("packing a result: %v", err)) // it is ours and small
	}
	r.maps["run-result-1/uid"] = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: parts[0].Name}, Data: parts[0].Data}
	r.last().Results = []v1alpha1.Result{{ConfigMap: parts[0].Name, Bytes: parts[0].Bytes, SHA256: parts[0].SHA256}}
}

// write is a write of the operator's.
func write(verb, resource, name string) controlplane.AuditEvent {
	return controlplane.AuditEvent{
		Verb: verb, Resource: resource, Name: name, Code: 200, User: "system:serviceaccount:" + operatorNamespace + ":operator-1", Received: begin,
	}
}

func podOf(job string, phase corev1.PodPhase, code int32) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: job + "-pod", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(&metav1.ObjectMeta{Name: job}, batchv1.SchemeGroupVersion.WithKind("Job"))},
	}}
	pod.Status.Phase = phase
	status := corev1.ContainerStatus{Name: workload.ValidatorContainer}
	if phase != corev1.PodRunning {
		status.State.Terminated = &corev1.ContainerStateTerminated{ExitCode: code}
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
	return pod
}

// podWrite is the kubelet's.
func podWrite(pod *corev1.Pod) controlplane.AuditEvent {
	text, err := json.Marshal(pod)
	if err != nil {
		panic(fmt.Sprintf("encoding a pod: %v", err)) // it is ours
	}
	return controlplane.AuditEvent{Verb: "patch", Resource: "pods", Subresource: "status", Name: pod.Name, Code: 200, Response: text}
}
