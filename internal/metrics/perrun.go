package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// perRun brings the series of the runs that ask for them: of the oldest, so that a new run takes nobody's place.
func (c *collector) perRun(runs []v1alpha1.ValidationRun, out chan<- prometheus.Metric) {
	var asking []*v1alpha1.ValidationRun
	for i := range runs {
		if runs[i].Labels[v1alpha1.LabelMetrics] == "true" {
			asking = append(asking, &runs[i])
		}
	}
	leftOut := max(len(asking)-c.PerRunMax, 0)
	out <- gauge(descLeftOut, float64(leftOut))
	if leftOut > 0 {
		slices.SortFunc(asking, olderFirst)
		asking = asking[:c.PerRunMax]
	}
	for _, run := range asking {
		out <- gauge(descCreated, float64(run.CreationTimestamp.Unix()), run.Namespace, run.Name)
		if t := lastPassed(&run.Status); t != nil {
			out <- gauge(descPassed, float64(t.Unix()), run.Namespace, run.Name)
		}
		last := lastVerdict(&run.Status)
		for _, verdict := range verdictNames {
			value := 0.0
			if verdict == string(last) {
				value = 1
			}
			out <- gauge(descVerdict, value, run.Namespace, run.Name, verdict)
		}
	}
}

func olderFirst(a, b *v1alpha1.ValidationRun) int {
	return cmp.Or(
		a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

// lastVerdict is that of the last attempt that is complete, so that it does not go away while the next one runs.
func lastVerdict(s *v1alpha1.ValidationRunStatus) v1alpha1.Verdict {
	if s.Verdict == "" && s.LastCompleted != nil {
		return s.LastCompleted.Verdict
	}
	return s.Verdict
}

func lastPassed(s *v1alpha1.ValidationRunStatus) *metav1.Time {
	switch {
	case s.Verdict == v1alpha1.VerdictPassed:
		return s.CompletionTime
	case s.LastCompleted != nil && s.LastCompleted.Verdict == v1alpha1.VerdictPassed:
		return s.LastCompleted.CompletionTime
	}
	var last *metav1.Time
	for i := range s.History {
		past := &s.History[i]
		if past.Verdict == v1alpha1.VerdictPassed && past.CompletionTime != nil && (last == nil || last.Before(past.CompletionTime)) {
			last = past.CompletionTime
		}
	}
	return last
}
