package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var epoch = time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)

// at is some seconds after the beginning.
func at(seconds int) *metav1.Time {
	t := metav1.NewTime(epoch.Add(time.Duration(seconds) * time.Second))
	return &t
}

// samples are all series that are not 0, without the prefix of their names; of a histogram the count and the sum.
func samples(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	add := func(name, labels string, value float64) {
		if value != 0 {
			out[strings.TrimPrefix(name, "validation_operator_")+labels] = value
		}
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%s", l.GetName(), l.GetValue()))
			}
			of := ""
			if len(labels) > 0 {
				of = "{" + strings.Join(labels, ",") + "}"
			}
			add(family.GetName(), of, m.GetCounter().GetValue()+m.GetGauge().GetValue())
			add(family.GetName()+"_count", of, float64(m.GetHistogram().GetSampleCount()))
			add(family.GetName()+"_sum", of, m.GetHistogram().GetSampleSum())
		}
	}
	return out
}

func newMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// life is a sequence of statuses, the first of which is the empty one.
type life struct {
	statuses []v1alpha1.ValidationRunStatus
}

// then appends a status that differs from the last one by what change does.
func (l *life) then(change func(*v1alpha1.ValidationRunStatus)) *life {
	next := v1alpha1.ValidationRunStatus{}
	if n := len(l.statuses); n > 0 {
		next = *l.statuses[n-1].DeepCopy()
	}
	change(&next)
	l.statuses = append(l.statuses, next)
	return l
}

// attempt begins an attempt of phases at some second.
func (l *life) attempt(number int64, second int, phases ...string) *life {
	return l.then(func(s *v1alpha1.ValidationRunStatus) {
		history := s.History
		if s.Attempt > 0 {
			past := v1alpha1.PastAttempt{Attempt: s.Attempt, Verdict: s.Verdict, StartTime: s.StartTime, CompletionTime: s.CompletionTime}
			if s.Verdict == "" {
				past.Verdict, past.Reason, past.CompletionTime = v1alpha1.VerdictCancelled, v1alpha1.ReasonSuperseded, at(second)
			}
			history = append([]v1alpha1.PastAttempt{past}, history...)
		}
		*s = v1alpha1.ValidationRunStatus{Attempt: number, StartTime: at(second), History: history, LastHandledRerun: s.LastHandledRerun}
		for i, name := range phases {
			p := v1alpha1.PhaseStatus{Name: name, State: v1alpha1.PhasePending}
			if i == 0 {
				p.State, p.StartTime = v1alpha1.PhaseRunning, at(second)
			}
			s.Phases = append(s.Phases, p)
		}
	})
}

// ends ends a phase and begins the next one.
func (l *life) ends(i, second int, state v1alpha1.PhaseState, reason string) *life {
	return l.then(func(s *v1alpha1.ValidationRunStatus) {
		p := &s.Phases[i]
		p.State, p.Reason, p.CompletionTime = state, reason, at(second)
		if state != v1alpha1.PhaseNotRun && i+1 < len(s.Phases) {
			s.Phases[i+1].State, s.Phases[i+1].StartTime = v1alpha1.PhaseRunning, at(second)
		}
	})
}

func (l *life) verdict(v v1alpha1.Verdict, second int, bytes ...int64) *life {
	return l.then(func(s *v1alpha1.ValidationRunStatus) {
		s.Verdict, s.CompletionTime = v, at(second)
		for _, n := range bytes {
			s.Results = append(s.Results, v1alpha1.Result{ConfigMap: "result", Bytes: n})
		}
	})
}
