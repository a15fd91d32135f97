package metrics

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestTransitions(t *testing.T) {
	const (
		passed, failed, notRun, errored, skipped = v1alpha1.PhasePassed, v1alpha1.PhaseFailed, v1alpha1.PhaseNotRun, v1alpha1.PhaseError, v1alpha1.PhaseSkipped
	)
	newRun := func() *life { return (&life{}).then(func(*v1alpha1.ValidationRunStatus) {}) }
	for name, test := range map[string]struct {
		life *life
		want map[string]float64
	}{
		"passed": {
			newRun().attempt(1, 0, "a", "b").ends(0, 20, passed, "").ends(1, 90, skipped, v1alpha1.ReasonNothingApplicable).verdict(v1alpha1.VerdictPassed, 91, 1000, 24),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_completed_total{verdict=Passed}": 1,
				"attempt_duration_seconds_count{verdict=Passed}": 1, "attempt_duration_seconds_sum{verdict=Passed}": 91,
				"phases_completed_total{reason=,state=Passed}": 1, "phases_completed_total{reason=NothingApplicable,state=Skipped}": 1,
				"phase_duration_seconds_count{state=Passed}": 1, "phase_duration_seconds_sum{state=Passed}": 20,
				"phase_duration_seconds_count{state=Skipped}": 1, "phase_duration_seconds_sum{state=Skipped}": 70,
				"result_size_bytes_count": 1, "result_size_bytes_sum": 1024,
			},
		},
		"failed, later phase not run, no result": {
			newRun().attempt(1, 0, "a", "b").ends(0, 20, failed, v1alpha1.ReasonTestsFailed).ends(1, 20, notRun, v1alpha1.ReasonEarlierPhase).verdict(v1alpha1.VerdictFailed, 20),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_completed_total{verdict=Failed}": 1,
				"attempt_duration_seconds_count{verdict=Failed}": 1, "attempt_duration_seconds_sum{verdict=Failed}": 20,
				"phases_completed_total{reason=TestsFailed,state=Failed}": 1, "phases_completed_total{reason=EarlierPhase,state=NotRun}": 1,
				"phase_duration_seconds_count{state=Failed}": 1, "phase_duration_seconds_sum{state=Failed}": 20,
			},
		},
		"suspended twice, once until it was cancelled": {
			newRun().attempt(1, 0, "a").then(func(s *v1alpha1.ValidationRunStatus) { s.SuspendedSeconds, s.SuspendedSince = 30, at(60) }).
				ends(0, 100, notRun, v1alpha1.ReasonCancelled).verdict(v1alpha1.VerdictCancelled, 100),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_completed_total{verdict=Cancelled}": 1,
				"attempt_duration_seconds_count{verdict=Cancelled}": 1, "attempt_duration_seconds_sum{verdict=Cancelled}": 30,
				"phases_completed_total{reason=Cancelled,state=NotRun}": 1,
			},
		},
		"superseded, by a changed spec, and run again": {
			newRun().attempt(1, 0, "a", "b").ends(0, 20, passed, "").attempt(2, 50, "a").ends(0, 60, passed, "").verdict(v1alpha1.VerdictPassed, 60).
				attempt(3, 100, "a").then(func(s *v1alpha1.ValidationRunStatus) { s.LastHandledRerun = "now" }).
				attempt(4, 110, "a"),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_started_total{cause=SpecChanged}": 3, "attempts_superseded_total": 2,
				"attempts_completed_total{verdict=Cancelled}": 2, "attempts_completed_total{verdict=Passed}": 1,
				"attempt_duration_seconds_count{verdict=Cancelled}": 2, "attempt_duration_seconds_sum{verdict=Cancelled}": 60,
				"attempt_duration_seconds_count{verdict=Passed}": 1, "attempt_duration_seconds_sum{verdict=Passed}": 10,
				"phases_completed_total{reason=,state=Passed}": 2, "phase_duration_seconds_count{state=Passed}": 2, "phase_duration_seconds_sum{state=Passed}": 30,
			},
		},
		"superseded after a failure, without a history": {
			newRun().attempt(1, 0, "a", "b").ends(0, 20, failed, v1alpha1.ReasonTestsFailed).then(func(s *v1alpha1.ValidationRunStatus) {
				*s = v1alpha1.ValidationRunStatus{Attempt: 2, StartTime: at(50)}
			}),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_started_total{cause=SpecChanged}": 1, "attempts_superseded_total": 1,
				"attempts_completed_total{verdict=Failed}":       1,
				"attempt_duration_seconds_count{verdict=Failed}": 1, "attempt_duration_seconds_sum{verdict=Failed}": 50,
				"phases_completed_total{reason=TestsFailed,state=Failed}": 1, "phase_duration_seconds_count{state=Failed}": 1, "phase_duration_seconds_sum{state=Failed}": 20,
			},
		},
		"ended in the write that began the next one, by its own failure": {
			newRun().attempt(1, 0, "a").then(func(s *v1alpha1.ValidationRunStatus) {
				*s = v1alpha1.ValidationRunStatus{
					Attempt: 2, StartTime: at(50), History: []v1alpha1.PastAttempt{{Attempt: 1, Verdict: v1alpha1.VerdictFailed, CompletionTime: at(40)}},
				}
			}),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_started_total{cause=SpecChanged}": 1, "attempts_completed_total{verdict=Failed}": 1,
				"attempt_duration_seconds_count{verdict=Failed}": 1, "attempt_duration_seconds_sum{verdict=Failed}": 40,
			},
		},
		"cancelled before its first attempt": {
			newRun().then(func(s *v1alpha1.ValidationRunStatus) {
				s.Phases = []v1alpha1.PhaseStatus{{Name: "a", State: v1alpha1.PhaseNotRun, Reason: v1alpha1.ReasonCancelled, CompletionTime: at(1)}}
			}).verdict(v1alpha1.VerdictCancelled, 1).attempt(1, 60, "a"),
			map[string]float64{"attempts_started_total{cause=First}": 1},
		},
		"completed as superseded before the next attempt begins": {
			newRun().attempt(1, 0, "a").ends(0, 20, notRun, v1alpha1.ReasonSuperseded).verdict(v1alpha1.VerdictCancelled, 20).attempt(2, 50, "a"),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_started_total{cause=SpecChanged}": 1, "attempts_superseded_total": 1,
				"attempts_completed_total{verdict=Cancelled}":       1,
				"attempt_duration_seconds_count{verdict=Cancelled}": 1, "attempt_duration_seconds_sum{verdict=Cancelled}": 20,
				"phases_completed_total{reason=Superseded,state=NotRun}": 1,
			},
		},
		"retried, flaky": {
			newRun().attempt(1, 0, "a").
				then(func(s *v1alpha1.ValidationRunStatus) {
					s.Phases[0].Retries, s.Phases[0].Reason = 1, v1alpha1.ReasonEvicted
				}).
				then(func(s *v1alpha1.ValidationRunStatus) {
					s.Phases[0].Retries, s.Phases[0].Reason = 2, v1alpha1.ReasonStarting
				}).
				then(func(s *v1alpha1.ValidationRunStatus) { s.Phases[0].Flaky = true }).ends(0, 9, passed, ""),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "retries_total{reason=Evicted}": 1, "retries_total{reason=Other}": 1,
				"phases_flaky_total": 1, "phases_completed_total{reason=,state=Passed}": 1,
				"phase_duration_seconds_count{state=Passed}": 1, "phase_duration_seconds_sum{state=Passed}": 9,
			},
		},
		"words that are not of this version": {
			newRun().attempt(1, 0, "a").ends(0, 9, errored, "SolarFlare").verdict("Splendid", 9),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_completed_total{verdict=Other}": 1,
				"attempt_duration_seconds_count{verdict=Other}": 1, "attempt_duration_seconds_sum{verdict=Other}": 9,
				"phases_completed_total{reason=Other,state=Error}": 1, "phase_duration_seconds_count{state=Error}": 1, "phase_duration_seconds_sum{state=Error}": 9,
			},
		},
		"a clock that was set back": {
			newRun().attempt(1, 50, "a").ends(0, 9, passed, "").verdict(v1alpha1.VerdictPassed, 9),
			map[string]float64{
				"attempts_started_total{cause=First}": 1, "attempts_completed_total{verdict=Passed}": 1,
				"attempt_duration_seconds_count{verdict=Passed}": 1, "phases_completed_total{reason=,state=Passed}": 1, "phase_duration_seconds_count{state=Passed}": 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, registry := newMetrics(t)
			for i := 1; i < len(test.life.statuses); i++ {
				m.Transition(&test.life.statuses[i-1], &test.life.statuses[i])
				before := samples(t, registry)
				m.Transition(&test.life.statuses[i], &test.life.statuses[i])
				if diff := cmp.Diff(before, samples(t, registry)); diff != "" {
					t.Errorf("a write that changed nothing was counted (-before +after):\n%s", diff)
				}
			}
			if diff := cmp.Diff(test.want, samples(t, registry)); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCauseOfAnAttempt(t *testing.T) {
	m, registry := newMetrics(t)
	first := v1alpha1.ValidationRunStatus{Attempt: 1, Verdict: v1alpha1.VerdictPassed, LastHandledRerun: "a"}
	m.Transition(&v1alpha1.ValidationRunStatus{}, &first)
	m.Transition(&first, &v1alpha1.ValidationRunStatus{Attempt: 2, LastHandledRerun: "b"})
	m.Transition(&first, &v1alpha1.ValidationRunStatus{Attempt: 2, LastHandledRerun: "a"})
	m.Transition(&first, &v1alpha1.ValidationRunStatus{Attempt: 2})
	got := samples(t, registry)
	maps.DeleteFunc(got, func(name string, _ float64) bool { return name == "attempts_completed_total{verdict=Passed}" })
	want := map[string]float64{
		"attempts_started_total{cause=First}": 1, "attempts_started_total{cause=Rerun}": 1, "attempts_started_total{cause=SpecChanged}": 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestLogIsCountedOnce(t *testing.T) {
	m, registry := newMetrics(t)
	var meter, other LogMeter
	m.Log(&meter, 100, nil)
	m.Log(&meter, 100, nil)
	m.Log(&meter, 250, []string{"OverlapLost"})
	m.Log(&meter, 250, []string{"OverlapLost", "Unstamped", "Swallowed"})
	m.Log(&other, 1000, []string{"OverlapLost"})
	resumed := Resumed(5000, 1)
	m.Log(&resumed, 5000, []string{"LineChanged"})
	m.Log(&resumed, 5010, []string{"LineChanged", "Unstamped"})
	want := map[string]float64{
		"log_read_bytes_total": 1260, "log_gaps_total{reason=OverlapLost}": 2, "log_gaps_total{reason=Unstamped}": 2, "log_gaps_total{reason=Other}": 1,
	}
	if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

func TestRefusedResults(t *testing.T) {
	m, registry := newMetrics(t)
	m.ResultRefused(v1alpha1.ReasonQuotaExceeded)
	m.ResultRefused("exceeded quota: compute, requested: configmaps=1")
	want := map[string]float64{"results_refused_total{reason=QuotaExceeded}": 1, "results_refused_total{reason=Other}": 1}
	if diff := cmp.Diff(want, samples(t, registry)); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// TestNoMetrics: whoever needs no metrics gives none.
func TestNoMetrics(t *testing.T) {
	var m *Metrics
	m.Transition(&v1alpha1.ValidationRunStatus{}, &v1alpha1.ValidationRunStatus{Attempt: 1})
	m.ResultRefused("")
	m.Log(&LogMeter{}, 1, nil)
	if err := m.Watch(Sources{}); err != nil {
		t.Error(err)
	}
	if err := m.SetupWithManager(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

func TestRegisteredTwice(t *testing.T) {
	_, registry := newMetrics(t)
	if _, err := New(registry); err == nil {
		t.Error("the same metrics were registered twice")
	}
}
