// Package metrics says in numbers what the operator does: counters of what was written to status, and gauges that are computed from the
// cache whenever somebody asks.
//
// Labels come from closed sets, so that no cluster can make them many: a value that is not in its set becomes Other. The name of a run
// is a label only where the run asks for it, and of so many runs at most. Texts, and the names of tests and phases, are none.
//
// A counter is bumped after the write that it is about has succeeded. An operator that is killed between the two loses a count and never
// counts twice; the gauges are right again at once.
//
// The package knows the API's types alone: it must not import controller, plan, podlog or any other package of ours.
package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "validation_operator"

// Metrics counts what the operator has done. A nil one counts nothing.
type Metrics struct {
	registry prometheus.Registerer

	attemptsStarted    *prometheus.CounterVec
	attemptsCompleted  *prometheus.CounterVec
	attemptsSuperseded prometheus.Counter
	attemptSeconds     *prometheus.HistogramVec

	phasesCompleted *prometheus.CounterVec
	phasesFlaky     prometheus.Counter
	phaseSeconds    *prometheus.HistogramVec
	retries         *prometheus.CounterVec

	resultBytes    prometheus.Histogram
	resultsRefused *prometheus.CounterVec

	logBytes prometheus.Counter
	logGaps  *prometheus.CounterVec
}

// New makes the counters and registers them.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		registry: registry,
		attemptsStarted: counters("attempts_started_total",
			"Attempts that were started, by their cause: the run is new (First), its spec differs (SpecChanged), or the annotation asks (Rerun).",
			"cause"),
		attemptsCompleted: counters("attempts_completed_total", "Attempts that were completed, by their verdict.", "verdict"),
		attemptsSuperseded: counter("attempts_superseded_total",
			"Attempts that the next one ended. They are among those completed."),
		attemptSeconds: durations("attempt_duration_seconds",
			"Time from an attempt's start to its verdict, without the time for which it was suspended.", "verdict"),
		phasesCompleted: counters("phases_completed_total",
			"Phases that have ended, by their state and its reason, which is empty where the state says it all.",
			"state", "reason"),
		phasesFlaky: counter("phases_flaky_total", "Phases that passed on a retry. They are among those completed."),
		phaseSeconds: durations("phase_duration_seconds",
			"Time from when a phase was due to its outcome, waiting for what it needs included.", "state"),
		retries: counters("retries_total", "Phases that were begun anew after trouble with the infrastructure, by that trouble.", "reason"),
		resultBytes: prometheus.NewHistogram(sized(prometheus.HistogramOpts{
			Namespace: namespace, Name: "result_size_bytes", Help: "Size of the results of completed attempts, as they are stored.",
			Buckets: prometheus.ExponentialBuckets(1<<10, 4, 8),
		})),
		resultsRefused: counters("results_refused_total", "Results that could not be stored, by the reason.", "reason"),
		logBytes:       counter("log_read_bytes_total", "Bytes read of validators' logs."),
		logGaps:        counters("log_gaps_total", "Places at which a part of a validator's log is missing or damaged, by their kind.", "reason"),
	}
	for _, c := range []prometheus.Collector{
		m.attemptsStarted, m.attemptsCompleted, m.attemptsSuperseded, m.attemptSeconds,
		m.phasesCompleted, m.phasesFlaky, m.phaseSeconds, m.retries,
		m.resultBytes, m.resultsRefused, m.logBytes, m.logGaps,
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	m.begin()
	return m, nil
}

// begin shows what can be counted at 0. Where a series comes into being with its first count, rate() and increase() do not see it.
func (m *Metrics) begin() {
	for cause := range causes {
		m.attemptsStarted.WithLabelValues(cause)
	}
	for verdict := range verdicts {
		m.attemptsCompleted.WithLabelValues(verdict)
	}
	for state, reasons := range phaseReasons {
		for reason := range reasons {
			m.phasesCompleted.WithLabelValues(state, reason)
		}
	}
	for reason := range retryReasons {
		m.retries.WithLabelValues(reason)
	}
	for reason := range refusals {
		m.resultsRefused.WithLabelValues(reason)
	}
	for reason := range gaps {
		m.logGaps.WithLabelValues(reason)
	}
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

// durations are of 1 s to 8 h, which is from the fastest check to a long benchmark.
func durations(name, help, label string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(sized(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		Buckets: []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800},
	}), []string{label})
}

// sized makes a histogram a native one as well, for a Prometheus that asks for it.
func sized(o prometheus.HistogramOpts) prometheus.HistogramOpts {
	o.NativeHistogramBucketFactor = 1.1
	o.NativeHistogramMaxBucketNumber = 100
	o.NativeHistogramMinResetDuration = time.Hour
	return o
}

// ResultRefused counts a result that could not be stored, so that its attempt ended without one.
func (m *Metrics) ResultRefused(reason string) {
	if m != nil {
		m.resultsRefused.WithLabelValues(refusals.close(reason)).Inc()
	}
}

// LogMeter is what was counted of one log already. Its zero value is that of a new one.
type LogMeter struct {
	bytes int64
	gaps  int
}

// Resumed is the meter of a log of which an earlier process has counted so much.
func Resumed(bytes int64, gapKinds int) LogMeter { return LogMeter{bytes: bytes, gaps: gapKinds} }

// Log counts what a log brought since meter saw it last: bytes and gaps are all of it so far, each gap named by its kind.
func (m *Metrics) Log(meter *LogMeter, bytes int64, gapKinds []string) {
	if m == nil {
		return
	}
	if bytes > meter.bytes {
		m.logBytes.Add(float64(bytes - meter.bytes))
		meter.bytes = bytes
	}
	for ; meter.gaps < len(gapKinds); meter.gaps++ {
		m.logGaps.WithLabelValues(gaps.close(gapKinds[meter.gaps])).Inc()
	}
}
