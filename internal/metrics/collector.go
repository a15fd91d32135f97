package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

const (
	// perRunMax is of how many runs there are series of their own, seven of each.
	perRunMax = 500
	// collectTimeout is for a cache that is not filled yet. A scrape waits for ten seconds, as Prometheus is shipped.
	collectTimeout = 5 * time.Second
	// deletionPatience is how long a deleted run may take to stop its pods.
	deletionPatience = 15 * time.Minute
)

// Sources are where the gauges come from.
type Sources struct {
	// Leads says whether this process does the work. One that stands by shows no gauges, so that sums over replicas are right.
	Leads func() bool
	// Runs are all ValidationRuns. They are only read.
	Runs func(context.Context) ([]v1alpha1.ValidationRun, error)
	// ActiveJobs is how many Jobs of runs have not finished.
	ActiveJobs func(context.Context) (int, error)
	// FollowedLogs is how many pods' logs are being followed.
	FollowedLogs func() int
	// Clock tells the time.
	Clock clock.PassiveClock
	// PerRunMax is of how many of the runs that ask for it there are series of their own; 0 stands for 500.
	PerRunMax int
}

// Watch registers the gauges.
func (m *Metrics) Watch(s Sources) error {
	if m == nil {
		return nil
	}
	if s.PerRunMax == 0 {
		s.PerRunMax = perRunMax
	}
	if err := m.registry.Register(&collector{Sources: s}); err != nil {
		return fmt.Errorf("registering gauges: %w", err)
	}
	return nil
}

// collector computes the gauges whenever the metrics are read.
type collector struct{ Sources }

var (
	descRuns    = describe("runs", "ValidationRuns, by their state: their verdict once they have one.", "state")
	descOverdue = describe("runs_overdue",
		"ValidationRuns that should have ended by their own timeout, or be gone some minutes after their deletion, and are not.")
	descPhases = describe("phases_running", "Phases that are due and have not ended, by what they wait for; Running where they do not wait.", "reason")
	descJobs   = describe("jobs_active", "Jobs of ValidationRuns that have not finished.")
	descLogs   = describe("logs_followed", "Pods whose logs are being followed.")

	descCreated = describe("run_created_timestamp_seconds", "When a run that asks for it was created.", "namespace", "run")
	descPassed  = describe("run_last_passed_timestamp_seconds",
		"When an attempt of a run that asks for it was Passed last, as far as its status goes back. Absent where none was.", "namespace", "run")
	descVerdict = describe("run_verdict",
		"1 for the verdict of the last complete attempt of a run that asks for it, 0 for the others; 0 for all before the first.",
		"namespace", "run", "verdict")
	descLeftOut = describe("run_series_left_out", "Runs that ask for series of their own and get none, because there are too many of them.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe tells what Collect can bring.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descRuns, descOverdue, descPhases, descJobs, descLogs, descCreated, descPassed, descVerdict, descLeftOut,
	} {
		out <- d
	}
}

// Collect brings the gauges. Where the cache does not answer there are none: an error would take all other metrics with it.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	if !c.Leads() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	runs, err := c.Runs(ctx)
	if err != nil {
		return
	}
	counts := count(runs, c.Clock.Now())
	for _, state := range runStates {
		out <- gauge(descRuns, float64(counts.states[state]), state)
	}
	for reason, n := range counts.phases {
		out <- gauge(descPhases, float64(n), reason)
	}
	out <- gauge(descOverdue, float64(counts.overdue))
	out <- gauge(descLogs, float64(c.FollowedLogs()))
	if jobs, err := c.ActiveJobs(ctx); err == nil {
		out <- gauge(descJobs, float64(jobs))
	}
	c.perRun(runs, out)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

// counted is what all runs come to.
type counted struct {
	states, phases map[string]int
	overdue        int
}

func count(runs []v1alpha1.ValidationRun, now time.Time) counted {
	out := counted{states: map[string]int{}, phases: map[string]int{v1alpha1.ReasonRunning: 0}}
	for i := range runs {
		run := &runs[i]
		out.states[stateOf(run)]++
		if overdue(run, now) {
			out.overdue++
		}
		if run.Status.Verdict != "" {
			continue
		}
		for j := range run.Status.Phases {
			if p := &run.Status.Phases[j]; p.State == v1alpha1.PhaseRunning {
				out.phases[waitOf(p)]++
			}
		}
	}
	return out
}

func stateOf(run *v1alpha1.ValidationRun) string {
	s := &run.Status
	switch {
	case !run.DeletionTimestamp.IsZero():
		return stateDeleting
	case s.Verdict != "":
		return verdicts.close(string(s.Verdict))
	case s.SuspendedSince != nil:
		return stateSuspended
	}
	for i := range s.Phases {
		if s.Phases[i].State == v1alpha1.PhaseRunning {
			return stateRunning
		}
	}
	return statePending
}

func waitOf(p *v1alpha1.PhaseStatus) string {
	if p.Reason == "" {
		return v1alpha1.ReasonRunning
	}
	return reasons.close(p.Reason)
}

// overdue says that a run should have come to its end. Whoever asks for it adds the patience that a busy cluster needs.
func overdue(run *v1alpha1.ValidationRun, now time.Time) bool {
	s := &run.Status
	if !run.DeletionTimestamp.IsZero() {
		return now.Sub(run.DeletionTimestamp.Time) > deletionPatience
	}
	if s.Verdict != "" || s.StartTime == nil || s.SuspendedSince != nil {
		return false
	}
	timeout := v1alpha1.DefaultRunTimeout
	if run.Spec.Timeout != nil {
		timeout = run.Spec.Timeout.Duration
	}
	return now.Sub(s.StartTime.Time)-suspended(s, now) > timeout
}
