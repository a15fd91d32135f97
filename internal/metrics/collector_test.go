package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// watch shows gauges of runs, as they are an hour after the beginning.
func watch(t testing.TB, m *Metrics, runs []v1alpha1.ValidationRun, changes ...func(*Sources)) {
	t.Helper()
	s := Sources{
		Leads:        func() bool { return true },
		Runs:         func(context.Context) ([]v1alpha1.ValidationRun, error) { return runs, nil },
		ActiveJobs:   func(context.Context) (int, error) { return 0, nil },
		FollowedLogs: func() int { return 0 },
		Clock:        clocktesting.NewFakePassiveClock(epoch.Add(time.Hour)),
	}
	for _, change := range changes {
		change(&s)
	}
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
}

func exercise(m *Metrics) {
	done := v1alpha1.ValidationRunStatus{
		Attempt: 1, Verdict: v1alpha1.VerdictPassed, StartTime: at(0), CompletionTime: at(9), Results: []v1alpha1.Result{{Bytes: 5}},
		Phases: []v1alpha1.PhaseStatus{{State: v1alpha1.PhasePassed, StartTime: at(0), CompletionTime: at(9)}},
	}
	m.Transition(&v1alpha1.ValidationRunStatus{}, &done)
}

func newRun(name string, change func(*v1alpha1.ValidationRun)) v1alpha1.ValidationRun {
	run := v1alpha1.ValidationRun{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, CreationTimestamp: *at(0)}}
	change(&run)
	return run
}

func running(second int, reason string) v1alpha1.ValidationRunStatus {
	return v1alpha1.ValidationRunStatus{Attempt: 1, StartTime: at(second), Phases: []v1alpha1.PhaseStatus{
		{Name: "a", State: v1alpha1.PhaseRunning, StartTime: at(second), Reason: reason},
		{Name: "b", State: v1alpha1.PhasePending},
	}}
}

func aRunOfEachKind() []v1alpha1.ValidationRun {
	return []v1alpha1.ValidationRun{
		newRun("unseen", func(*v1alpha1.ValidationRun) {}),
		newRun("runs", func(r *v1alpha1.ValidationRun) { r.Status = running(10, "") }),
		newRun("waits", func(r *v1alpha1.ValidationRun) { r.Status = running(20, v1alpha1.ReasonUnschedulable) }),
		newRun("waits-strangely", func(r *v1alpha1.ValidationRun) { r.Status = running(20, "Moonless") }),
		newRun("suspended", func(r *v1alpha1.ValidationRun) {
			r.Status = running(30, v1alpha1.ReasonSuspended)
			r.Status.SuspendedSince = at(40)
		}),
		newRun("late", func(r *v1alpha1.ValidationRun) {
			r.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
			r.Status = running(0, "")
		}),
		newRun("late-but-for-suspension", func(r *v1alpha1.ValidationRun) {
			r.Spec.Timeout = &metav1.Duration{Duration: time.Minute}
			r.Status = running(0, "")
			r.Status.SuspendedSeconds = 3590
		}),
		newRun("failed", func(r *v1alpha1.ValidationRun) {
			r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
			r.Status = v1alpha1.ValidationRunStatus{
				Attempt: 5, Verdict: v1alpha1.VerdictFailed, CompletionTime: at(500), LastCompleted: &v1alpha1.CompletedAttempt{Verdict: v1alpha1.VerdictFailed},
				History: []v1alpha1.PastAttempt{
					{Attempt: 4, Verdict: v1alpha1.VerdictCancelled, CompletionTime: at(400)},
					{Attempt: 3, Verdict: v1alpha1.VerdictPassed, CompletionTime: at(300)},
					{Attempt: 2, Verdict: v1alpha1.VerdictPassed, CompletionTime: at(200)},
				},
			}
		}),
		newRun("passed", func(r *v1alpha1.ValidationRun) {
			r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
			r.Status = v1alpha1.ValidationRunStatus{Attempt: 1, Verdict: v1alpha1.VerdictPassed, CompletionTime: at(100)}
		}),
		newRun("passed-before", func(r *v1alpha1.ValidationRun) {
			r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
			r.Status = running(1000, "")
			r.Status.LastCompleted = &v1alpha1.CompletedAttempt{Attempt: 1, Verdict: v1alpha1.VerdictPassed, CompletionTime: at(900)}
		}),
		newRun("new", func(r *v1alpha1.ValidationRun) { r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"} }),
		newRun("asks-wrongly", func(r *v1alpha1.ValidationRun) { r.Labels = map[string]string{v1alpha1.LabelMetrics: "please"} }),
		newRun("goes", func(r *v1alpha1.ValidationRun) {
			r.Status, r.DeletionTimestamp = running(0, ""), at(3000)
			r.Status.Verdict = v1alpha1.VerdictSkipped
		}),
		newRun("stays", func(r *v1alpha1.ValidationRun) { r.DeletionTimestamp = at(2000) }),
		newRun("strange", func(r *v1alpha1.ValidationRun) { r.Status.Verdict = "Splendid" }),
	}
}

func TestGauges(t *testing.T) {
	m, registry := newMetrics(t)
	watch(t, m, aRunOfEachKind(), func(s *Sources) {
		s.ActiveJobs = func(context.Context) (int, error) { return 7, nil }
		s.FollowedLogs = func() int { return 3 }
	})
	created, passed := float64(epoch.Unix()), func(second int64) float64 { return float64(epoch.Unix() + second) }
	want := map[string]float64{
		"runs{state=Pending}": 3, "runs{state=Running}": 6, "runs{state=Suspended}": 1, "runs{state=Deleting}": 2,
		"runs{state=Passed}": 1, "runs{state=Failed}": 1, "runs{state=Other}": 1,
		"phases_running{reason=Running}": 4, "phases_running{reason=Unschedulable}": 1, "phases_running{reason=Suspended}": 1,
		"phases_running{reason=Other}": 1,
		"runs_overdue":                 2, // late and stays
		"jobs_active":                  7, "logs_followed": 3,
		"run_created_timestamp_seconds{namespace=ns,run=failed}":            created,
		"run_created_timestamp_seconds{namespace=ns,run=passed}":            created,
		"run_created_timestamp_seconds{namespace=ns,run=passed-before}":     created,
		"run_created_timestamp_seconds{namespace=ns,run=new}":               created,
		"run_last_passed_timestamp_seconds{namespace=ns,run=failed}":        passed(300),
		"run_last_passed_timestamp_seconds{namespace=ns,run=passed}":        passed(100),
		"run_last_passed_timestamp_seconds{namespace=ns,run=passed-before}": passed(900),
		"run_verdict{namespace=ns,run=failed,verdict=Failed}":               1,
		"run_verdict{namespace=ns,run=passed,verdict=Passed}":               1,
		"run_verdict{namespace=ns,run=passed-before,verdict=Passed}":        1,
	}
	if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// TestTooManyRunsAsk: the oldest keep their series.
func TestTooManyRunsAsk(t *testing.T) {
	var runs []v1alpha1.ValidationRun
	for i := range 10 {
		runs = append(runs, newRun(fmt.Sprint("run-", i), func(r *v1alpha1.ValidationRun) {
			r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
			r.CreationTimestamp = *at(100 - i/2)
		}))
	}
	m, registry := newMetrics(t)
	watch(t, m, runs, func(s *Sources) { s.PerRunMax = 3 })
	want := map[string]float64{
		"runs{state=Pending}": 10, "run_series_left_out": 7,
		"run_created_timestamp_seconds{namespace=ns,run=run-8}": float64(at(96).Unix()),
		"run_created_timestamp_seconds{namespace=ns,run=run-9}": float64(at(96).Unix()),
		"run_created_timestamp_seconds{namespace=ns,run=run-6}": float64(at(97).Unix()),
	}
	for range 2 {
		if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
			t.Errorf("samples (-want +got):\n%s", diff)
		}
		slices.Reverse(runs)
	}
}

// TestNoGauges: what is not known is not shown as 0, and does not keep the counters from being read.
func TestNoGauges(t *testing.T) {
	for name, change := range map[string]func(*Sources){
		"standing by": func(s *Sources) { s.Leads = func() bool { return false } },
		"no answer": func(s *Sources) {
			s.Runs = func(context.Context) ([]v1alpha1.ValidationRun, error) { return nil, errors.New("not synced") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, registry := newMetrics(t)
			watch(t, m, aRunOfEachKind(), change)
			m.ResultRefused(v1alpha1.ReasonForbidden)
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range families {
				if family.GetName() == "validation_operator_runs" || family.GetName() == "validation_operator_jobs_active" {
					t.Errorf("%s is shown", family.GetName())
				}
			}
			if got := samples(t, registry)["results_refused_total{reason=Forbidden}"]; got != 1 {
				t.Errorf("the counter is %v", got)
			}
		})
	}
}

func TestFromCache(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{batchv1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	job := func(name string, conditions ...batchv1.JobCondition) *batchv1.Job {
		return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Status: batchv1.JobStatus{Conditions: conditions}}
	}
	is := func(c batchv1.JobConditionType, s corev1.ConditionStatus) batchv1.JobCondition {
		return batchv1.JobCondition{Type: c, Status: s}
	}
	run := newRun("run", func(*v1alpha1.ValidationRun) {})
	cache := fake.NewClientBuilder().WithScheme(scheme).WithIndex(&batchv1.Job{}, indexActive, active).WithObjects(&run,
		job("new"), job("passed", is(batchv1.JobSuccessCriteriaMet, corev1.ConditionTrue), is(batchv1.JobComplete, corev1.ConditionTrue)),
		job("failed", is(batchv1.JobFailed, corev1.ConditionTrue)), job("failing", is(batchv1.JobFailureTarget, corev1.ConditionTrue)),
		job("not-failed", is(batchv1.JobFailed, corev1.ConditionFalse)),
	).Build()
	elected := make(chan struct{})
	s := fromCache(cache, elected, func() int { return 2 })
	m, registry := newMetrics(t)
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
	if got := samples(t, registry); len(got) > 0 {
		t.Errorf("before it leads it shows %v", got)
	}
	close(elected)
	want := map[string]float64{"runs{state=Pending}": 1, "jobs_active": 3, "logs_followed": 2}
	if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// BenchmarkCollect is a scrape with 10,000 runs of four phases, 1,000 of which ask for series of their own.
func BenchmarkCollect(b *testing.B) {
	runs := make([]v1alpha1.ValidationRun, 10_000)
	for i := range runs {
		runs[i] = newRun(fmt.Sprint("run-", i), func(r *v1alpha1.ValidationRun) {
			r.Status = running(i, v1alpha1.ReasonUnschedulable)
			r.Status.Phases = append(r.Status.Phases, r.Status.Phases...)
			if i%10 == 0 {
				r.Labels = map[string]string{v1alpha1.LabelMetrics: "true"}
			}
		})
	}
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		b.Fatal(err)
	}
	watch(b, m, runs)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
