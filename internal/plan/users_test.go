package plan

import (
	"reflect"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// What people and other controllers do to a run.

// after has something happen so many seconds from now.
func (w *world) after(seconds int, do func()) {
	w.timers = append(w.timers, timer{at: w.now.Add(time.Duration(seconds) * time.Second), do: do})
	slices.SortStableFunc(w.timers, func(a, b timer) int { return a.at.Compare(b.at) })
}

func (w *world) second() int { return int(w.now.Sub(epoch).Seconds()) }

// apply applies the spec with a change. One that changes nothing is no new generation.
func (w *world) apply(what string, change func(*v1alpha1.ValidationRunSpec)) {
	before := w.run.Spec.DeepCopy()
	change(&w.run.Spec)
	if !reflect.DeepEqual(before, &w.run.Spec) {
		w.book.resumed(w, before.Suspend)
		w.run.Generation++
	}
	w.say("         %s", what)
}

func (w *world) edit(change func(*v1alpha1.ValidationRunSpec)) { w.apply("the spec is edited", change) }

func (w *world) retrigger(trigger string) {
	w.apply("the trigger is "+trigger, func(s *v1alpha1.ValidationRunSpec) { s.Trigger = trigger })
}

func (w *world) suspend(so bool) {
	what := "the run is suspended"
	if !so {
		what = "the run is resumed"
	}
	w.apply(what, func(s *v1alpha1.ValidationRunSpec) { s.Suspend = so })
}

func (w *world) cancel(so bool) {
	what := "the run is cancelled"
	if !so {
		what = "the cancellation is taken back"
	}
	w.apply(what, func(s *v1alpha1.ValidationRunSpec) { s.Cancel = so })
}

// annotate sets the annotation that asks for a rerun, or removes it.
func (w *world) annotate(value string) {
	shown := value
	if len(value) > 32 {
		shown = value[:32] + "…"
	}
	w.run.Annotations = map[string]string{v1alpha1.AnnotationRerun: value}
	if value == "" {
		w.run.Annotations = nil
	}
	w.say("         the annotation is %q", shown)
}

func (w *world) delete() {
	if w.run.DeletionTimestamp == nil {
		w.run.DeletionTimestamp = new(metav1.NewTime(w.now))
		w.say("         the run is deleted")
	}
}

// wipe takes all of status away.
func (w *world) wipe() {
	w.run.Status = v1alpha1.ValidationRunStatus{ObservedGeneration: -1}
	w.book.forge(w, v1alpha1.ValidationRunStatus{})
	w.say("         status is wiped")
}

// restore writes an earlier status of the run, as a restored backup does.
func (w *world) restore(status *v1alpha1.ValidationRunStatus) {
	w.run.Status = *status.DeepCopy()
	w.book.forge(w, w.run.Status)
	w.say("         status is restored to what it was in attempt %d: %q", status.Attempt, status.Message)
}

// lose deletes a ConfigMap of the run.
func (w *world) lose(component string) {
	for name, cm := range w.configMaps {
		if cm.Component == component {
			delete(w.configMaps, name)
			w.book.excused[name] = true
		}
	}
	w.book.forget(w)
	w.say("         somebody deletes every ConfigMap of component %s", component)
}

// away is an operator that is not there for a while.
func (w *world) away(seconds int) {
	outage := w.outage
	w.outage = seconds
	w.say("         the operator is away for %s", time.Duration(seconds)*time.Second)
	w.die()
	w.outage = outage
}

// theJob is the latest Job of a phase, nil where there is none.
func (w *world) theJob(phase string) *simJob {
	for _, job := range slices.Backward(w.jobs) {
		if job.item.Phase == phase && job.item.Attempt == w.run.Status.Attempt {
			return job
		}
	}
	return nil
}

// loseNode takes the node of a Job's pods away.
func (w *world) loseNode(job *simJob) {
	for _, pod := range job.pods {
		disrupted(w.second(), "DeletionByTaintManager", "Taint manager: deleting")(pod)
		w.terminate(job, pod)
	}
}

// evict evicts a Job's pods.
func (w *world) evict(job *simJob) {
	for _, pod := range job.pods {
		disrupted(w.second(), "EvictionByEvictionAPI", "Eviction API: evicting")(pod)
		w.terminate(job, pod)
	}
}

func fromConfigMap(name string) *v1alpha1.InputSource {
	return &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: name, Key: "k"}}
}

// long is a value of an annotation that no status has room for.
var long = strings.Repeat("long ", 40_000)

func (w *world) haveInput(input string) bool {
	name := workload.InputName(w.run, w.run.Status.Attempt, input)
	return w.configMaps[name] != nil || w.book.excused[name]
}

func snapshotOf(name string) *v1alpha1.SnapshotSource {
	return &v1alpha1.SnapshotSource{ConfigMap: &v1alpha1.ConfigMapKey{Name: name, Key: "k"}}
}
