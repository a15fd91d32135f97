package controller

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// among is a run of which phase a has ended, b runs three items of which one was begun anew, and c runs as a whole.
func among(run *v1alpha1.ValidationRun) {
	at := metav1.NewTime(epoch)
	run.Status = v1alpha1.ValidationRunStatus{Attempt: 3, StartTime: &at, Phases: []v1alpha1.PhaseStatus{
		{Name: "a", State: v1alpha1.PhasePassed},
		{Name: "b", State: v1alpha1.PhaseRunning, StartTime: &at, FanOut: &v1alpha1.FanOutStatus{Items: 4, Outcomes: "P...", Active: []v1alpha1.ItemStatus{
			{Check: "one", Node: "n1", State: v1alpha1.PhaseRunning, StartTime: &at},
			{Check: "one", Node: "n2", State: v1alpha1.PhaseRunning, Restarts: 2, StartTime: &at},
			{Check: "two", State: v1alpha1.PhasePending, Restarts: 1},
		}}},
		{Name: "c", State: v1alpha1.PhaseRunning, Restarts: 1, StartTime: &at},
	}}
}

// labelled is a Job as the operator makes it, of which somebody has then edited the labels.
func labelled(run *v1alpha1.ValidationRun, item workload.Item, edited bool) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: workload.Meta(run, workload.JobName(run, item), workload.ComponentValidator, item.Attempt)}
	job.Labels[v1alpha1.LabelPhase], job.Labels[v1alpha1.LabelCheck] = item.Phase, item.Check
	job.Annotations = map[string]string{v1alpha1.AnnotationNode: item.Node}
	if edited {
		job.Labels, job.Annotations = map[string]string{v1alpha1.LabelAttempt: "9", v1alpha1.LabelPhase: "x"}, nil
	}
	return job
}

// What a Job is for that counts is known by its name: nobody can edit that.
func TestItemOf(t *testing.T) {
	run := newRun(among)
	for name, item := range map[string]workload.Item{
		"an item":                            {Attempt: 3, Phase: "b", Check: "one", Node: "n1"},
		"one without its list":               {Attempt: 3, Phase: "b", Check: "one", Node: "n1", Unlisted: true},
		"the run of it that counts":          {Attempt: 3, Phase: "b", Check: "one", Node: "n2", Restart: 2},
		"an earlier run of it":               {Attempt: 3, Phase: "b", Check: "one", Node: "n2", Restart: 1},
		"one that waits for being resumed":   {Attempt: 3, Phase: "b", Check: "two", Restart: 1},
		"a phase as a whole":                 {Attempt: 3, Phase: "c", Restart: 1},
		"an earlier run of it as a whole":    {Attempt: 3, Phase: "c"},
		"one of a phase that has ended":      {Attempt: 3, Phase: "a"},
		"the tests beside other items":       {Attempt: 3, Phase: "b"},
		"one without a list, of an old life": {Attempt: 3, Phase: "c", Unlisted: true},
	} {
		for _, edited := range []bool{false, true} {
			if diff := cmp.Diff(item, rosterOf(run).itemOf(labelled(run, item, edited))); diff != "" {
				t.Errorf("%s, edited %t (-want +got)\n%s", name, edited, diff)
			}
		}
	}
	for name, item := range map[string]workload.Item{
		"of an item that has ended":    {Attempt: 3, Phase: "b", Check: "zero", Node: "n1"},
		"of an earlier attempt":        {Attempt: 2, Phase: "b", Check: "one", Node: "n1"},
		"of a phase that is not there": {Attempt: 3, Phase: "z"},
	} {
		if diff := cmp.Diff(item, rosterOf(run).itemOf(labelled(run, item, false))); diff != "" {
			t.Errorf("%s, by its labels (-want +got)\n%s", name, diff)
		}
		if got := rosterOf(run).itemOf(labelled(run, item, true)); got != (workload.Item{Attempt: 9, Phase: "x"}) {
			t.Errorf("%s, by its edited labels: %+v", name, got)
		}
	}
}

// Only what runs counts, and of it only the run that status is about.
func TestRunning(t *testing.T) {
	run := newRun(among)
	for _, test := range []struct {
		item workload.Item
		want bool
	}{
		{workload.Item{Attempt: 3, Phase: "b", Check: "one", Node: "n1"}, true},
		{workload.Item{Attempt: 3, Phase: "b", Check: "one", Node: "n1", Unlisted: true}, true},
		{workload.Item{Attempt: 3, Phase: "b", Check: "one", Node: "n1", Restart: 1}, false},
		{workload.Item{Attempt: 3, Phase: "b", Check: "one", Node: "n2", Restart: 2}, true},
		{workload.Item{Attempt: 3, Phase: "b", Check: "one", Node: "n2", Restart: 1}, false},
		{workload.Item{Attempt: 3, Phase: "b", Check: "two", Restart: 1}, false},
		{workload.Item{Attempt: 3, Phase: "b"}, false},
		{workload.Item{Attempt: 3, Phase: "c", Restart: 1}, true},
		{workload.Item{Attempt: 2, Phase: "c", Restart: 1}, false},
		{workload.Item{Attempt: 3, Phase: "a"}, false},
	} {
		if _, got := rosterOf(run).running(test.item); got != test.want {
			t.Errorf("%+v counts: %t", test.item, got)
		}
	}
}
