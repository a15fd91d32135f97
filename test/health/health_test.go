// Package health holds the three readers of a ValidationRun's health to one table: kstatus, as Flux and others use it; the Lua
// health check for Argo CD; the CEL expressions for Flux. The states are those of an API server and of the operator's real core.
// Nothing else runs.
package health

import (
	"maps"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// healths is what each reader says of one state.
type healths struct {
	kstatus status.Status
	argo    string
	flux    status.Status
}

// The healths of the table of conditions.
var (
	inProgress = healths{status.InProgressStatus, "Progressing", status.InProgressStatus}
	suspended  = healths{status.InProgressStatus, "Suspended", status.InProgressStatus}
	current    = healths{status.CurrentStatus, "Healthy", status.CurrentStatus}
	failed     = healths{status.FailedStatus, "Degraded", status.FailedStatus}
)

// conditions is the table itself: Complete, Ready, Reconciling and Stalled, and what is to be read from them.
var conditions = map[[4]string]healths{
	{"False", "Unknown", "True", ""}: inProgress,
	{"False", "Unknown", "", ""}:     suspended,
	{"True", "True", "", ""}:         current,
	{"True", "False", "", "True"}:    failed,
}

func TestHealth(t *testing.T) {
	argo, flux := newArgo(t), newFlux(t)
	for name, tc := range states() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			tc.lead(l)
			object := l.stored()
			computed, err := status.Compute(object)
			if err != nil {
				t.Fatal(err)
			}
			got := healths{computed.Status, argo.health(t, object).Status, flux.status(t, object)}
			if got != tc.want {
				t.Errorf("got %+v, want %+v, of\n%s", got, tc.want, l.printed(object))
			}
			if want, known := conditions[l.conditions()]; l.settled() && (!known || want != tc.want) {
				t.Errorf("the conditions %q are none of the table, or of another row", l.conditions())
			}
			if ready := l.reason(); ready != tc.reason {
				t.Errorf("the state is %q, not %q: the story led elsewhere", ready, tc.reason)
			}
		})
	}
}

// state is one row: how a run gets there, the reason of its condition Ready by which the row knows that it did, and what the
// readers say.
type state struct {
	lead   func(l *life)
	reason string
	want   healths
}

func states() map[string]state {
	table := map[string]state{
		"created":             {func(*life) {}, "", inProgress},
		"pending":             {func(l *life) { l.step() }, v1alpha1.ReasonPending, inProgress},
		"starting":            {func(l *life) { l.settle() }, v1alpha1.ReasonStarting, inProgress},
		"running":             {func(l *life) { l.settle(); l.start(); l.settle() }, v1alpha1.ReasonRunning, inProgress},
		"waiting for input":   {func(l *life) { l.seen.Missing = "ConfigMap recipe"; l.settle() }, v1alpha1.ReasonInputMissing, inProgress},
		"waiting for a node":  {func(l *life) { l.settle(); l.block(v1alpha1.ReasonUnschedulable); l.settle() }, v1alpha1.ReasonUnschedulable, inProgress},
		"passed":              {func(l *life) { l.end(0, "") }, "Passed", current},
		"failed":              {func(l *life) { l.end(1, "") }, "Failed", failed},
		"error":               {func(l *life) { l.end(137, "") }, "Error", failed},
		"skipped, rejected":   {func(l *life) { l.end(2, "SKIP: no GPU") }, "Skipped", failed},
		"skipped, accepted":   {func(l *life) { l.run.Spec.AllSkipped = v1alpha1.AllSkippedAccept; l.end(2, "SKIP: no GPU") }, "Skipped", current},
		"next attempt":        {func(l *life) { l.end(0, ""); l.trigger(); l.step() }, v1alpha1.ReasonPending, inProgress},
		"next attempt passed": {func(l *life) { l.end(1, ""); l.trigger(); l.end(0, "") }, "Passed", current},
		"deleted unseen":      {func(l *life) { l.delete(); l.settle() }, "", terminating},
		"deleted while it runs": {func(l *life) {
			l.settle()
			l.start()
			l.settle()
			l.delete()
			l.settle()
		}, v1alpha1.ReasonRunning, terminating},
		"deleted when passed":    {func(l *life) { l.end(0, ""); l.delete(); l.settle() }, "Passed", terminating},
		"deleted when failed":    {func(l *life) { l.end(1, ""); l.delete(); l.settle() }, "Failed", terminating},
		"status wiped":           {func(l *life) { l.end(0, ""); l.wipe() }, "", inProgress},
		"status wiped and taken": {func(l *life) { l.end(0, ""); l.wipe(); l.step() }, v1alpha1.ReasonPending, inProgress},
	}
	for _, more := range []map[string]state{unseen(), suspensions(), cancellations(), reruns()} {
		maps.Copy(table, more)
	}
	return table
}

// unseen are complete runs of which more is asked than the operator has seen.
func unseen() map[string]state {
	return map[string]state{
		"passed, spec changed": {func(l *life) { l.end(0, ""); l.trigger() }, "Passed", inProgress},
		"failed, spec changed": {func(l *life) { l.end(1, ""); l.trigger() }, "Failed", inProgress},
		// What starts no attempt is a new generation as well, until the operator says that it means the same.
		"passed, history limited": {func(l *life) { l.end(0, ""); l.limitHistory() }, "Passed", inProgress},
		"passed, and that seen":   {func(l *life) { l.end(0, ""); l.limitHistory(); l.settle() }, "Passed", current},
	}
}

func suspensions() map[string]state {
	return map[string]state{
		"suspended from the start": {func(l *life) { l.suspend(true); l.settle() }, v1alpha1.ReasonSuspended, suspended},
		"stopping to be suspended": {func(l *life) {
			l.settle()
			l.start()
			l.settle()
			l.lingers = true
			l.suspend(true)
			l.settle()
		}, v1alpha1.ReasonStopping, inProgress},
		"suspended while it ran":    {func(l *life) { l.settle(); l.start(); l.settle(); l.suspend(true); l.settle() }, v1alpha1.ReasonSuspended, suspended},
		"resumed, unseen":           {func(l *life) { l.suspend(true); l.settle(); l.suspend(false) }, v1alpha1.ReasonSuspended, inProgress},
		"resumed":                   {func(l *life) { l.suspend(true); l.settle(); l.suspend(false); l.settle() }, v1alpha1.ReasonStarting, inProgress},
		"passed, suspended after":   {func(l *life) { l.end(0, ""); l.suspend(true); l.settle() }, "Passed", current},
		"failed, suspended after":   {func(l *life) { l.end(1, ""); l.suspend(true); l.settle() }, "Failed", failed},
		"changed while suspended":   {func(l *life) { l.suspend(true); l.settle(); l.trigger(); l.settle() }, v1alpha1.ReasonSuspended, suspended},
		"suspended, deleted":        {func(l *life) { l.suspend(true); l.settle(); l.delete() }, v1alpha1.ReasonSuspended, terminating},
		"suspended, rerun asked":    {func(l *life) { l.suspend(true); l.settle(); l.rerun("1") }, v1alpha1.ReasonSuspended, suspended},
		"suspended, rerun taken up": {func(l *life) { l.suspend(true); l.settle(); l.rerun("1"); l.settle() }, v1alpha1.ReasonSuspended, suspended},
	}
}

func cancellations() map[string]state {
	return map[string]state{
		"stopping to be cancelled": {func(l *life) {
			l.settle()
			l.start()
			l.settle()
			l.lingers = true
			l.cancel(true)
			l.settle()
		}, v1alpha1.ReasonStopping, inProgress},
		"cancelled":                {func(l *life) { l.settle(); l.start(); l.settle(); l.cancel(true); l.settle() }, "Cancelled", failed},
		"cancelled from the start": {func(l *life) { l.run.Spec.Cancel = true; l.settle() }, "Cancelled", failed},
		"cancel taken back":        {func(l *life) { l.settle(); l.cancel(true); l.settle(); l.cancel(false); l.settle() }, "Cancelled", failed},
		"passed, cancelled after":  {func(l *life) { l.end(0, ""); l.cancel(true); l.settle() }, "Passed", current},
		// No attempt starts, so the verdict stays, of the spec that it is about, and what is asked for now has none.
		"cancelled, changed": {func(l *life) { l.settle(); l.cancel(true); l.settle(); l.trigger(); l.settle() }, "Cancelled", inProgress},
		"passed, cancelled, changed": {func(l *life) {
			l.end(0, "")
			l.cancel(true)
			l.settle()
			l.trigger()
			l.settle()
		}, "Passed", inProgress},
		"failed, cancelled, changed": {func(l *life) { l.end(1, ""); l.cancel(true); l.settle(); l.trigger(); l.settle() }, "Failed", inProgress},
	}
}

// terminating is the health of a run that is being deleted. Argo CD says it of itself.
var terminating = healths{status.TerminatingStatus, "Progressing", status.InProgressStatus}

// An annotation is no new generation, so that kstatus takes the last verdict for the one after the rerun until the operator has
// seen it. Ours know better, as far as a status holds the annotation's value: a longer one is there by its digest.
func reruns() map[string]state {
	short, long := strings.Repeat("a", 128), strings.Repeat("a", 129)
	afterPass := healths{status.CurrentStatus, "Progressing", status.InProgressStatus}
	afterFail := healths{status.FailedStatus, "Progressing", status.InProgressStatus}
	return map[string]state{
		"rerun asked of a passed run": {func(l *life) { l.end(0, ""); l.rerun("1") }, "Passed", afterPass},
		"rerun asked of a failed run": {func(l *life) { l.end(1, ""); l.rerun("1") }, "Failed", afterFail},
		"rerun asked at length":       {func(l *life) { l.end(0, ""); l.rerun(short) }, "Passed", afterPass},
		"rerun asked at more length":  {func(l *life) { l.end(0, ""); l.rerun(long) }, "Passed", current},
		"rerun asked in many bytes":   {func(l *life) { l.end(0, ""); l.rerun(short[1:] + "é") }, "Passed", current},
		"rerun taken up":              {func(l *life) { l.end(0, ""); l.rerun("1"); l.step() }, v1alpha1.ReasonPending, inProgress},
		"rerun passed":                {func(l *life) { l.end(1, ""); l.rerun("1"); l.end(0, "") }, "Passed", current},
		"rerun passed, at length":     {func(l *life) { l.end(1, ""); l.rerun(short); l.end(0, "") }, "Passed", current},
		"rerun passed, more length":   {func(l *life) { l.end(1, ""); l.rerun(long); l.end(0, "") }, "Passed", current},
		"rerun failed":                {func(l *life) { l.end(0, ""); l.rerun("1"); l.end(1, "") }, "Failed", failed},
		"rerun taken back":            {func(l *life) { l.end(0, ""); l.rerun("1"); l.rerun("") }, "Passed", current},
		"annotation removed later":    {func(l *life) { l.rerun("1"); l.end(0, ""); l.rerun("") }, "Passed", current},
		// While the run is cancelled it is not taken up.
		"passed, cancelled, rerun asked": {func(l *life) { l.end(0, ""); l.cancel(true); l.settle(); l.rerun("1"); l.settle() }, "Passed", current},
		"failed, cancelled, rerun asked": {func(l *life) { l.end(1, ""); l.cancel(true); l.settle(); l.rerun("1"); l.settle() }, "Failed", failed},
		"annotated when created":         {func(l *life) { l.rerun("1"); l.end(0, "") }, "Passed", current},
	}
}

// A hook that is being deleted is kept by Argo CD until it has ended, and Argo CD asks the check; to hang would block the sync.
func TestDeletedHookEnds(t *testing.T) {
	argo := newArgo(t)
	for name, lead := range map[string]func(l *life){
		"unseen":  func(*life) {},
		"running": func(l *life) { l.settle(); l.start(); l.settle() },
		"passed":  func(l *life) { l.end(0, "") },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			lead(l)
			l.delete()
			object := l.stored()
			object.SetFinalizers([]string{hookFinalizer})
			if got := argo.health(t, object); got.Status != "Degraded" {
				t.Errorf("got %+v, want Degraded", got)
			}
		})
	}
}

// What people read in Argo CD is the operator's own words.
func TestArgoMessages(t *testing.T) {
	argo := newArgo(t)
	for name, tc := range map[string]struct {
		lead func(l *life)
		want string
	}{
		"created":      {func(*life) {}, "waiting for the operator to take up the spec"},
		"waiting":      {func(l *life) { l.seen.Missing = "ConfigMap recipe is missing"; l.settle() }, "InputMissing: phase smoke (1 of 1): ConfigMap recipe is missing"},
		"suspended":    {func(l *life) { l.suspend(true); l.settle() }, "Suspended: the run is suspended"},
		"rerun asked":  {func(l *life) { l.end(0, ""); l.rerun("1") }, "waiting for the operator to take up the rerun"},
		"passed":       {func(l *life) { l.end(0, "") }, "Passed: 1 passed in 1 phase"},
		"being erased": {func(l *life) { l.delete() }, "Pending deletion"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			tc.lead(l)
			if got := argo.health(t, l.stored()).Message; !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %q, want it to begin with %q", got, tc.want)
			}
		})
	}
}

// Our readers say of a status that the operator does not write that there is no verdict yet, and nothing better.
func TestNothingIsNotHealth(t *testing.T) {
	argo, flux := newArgo(t), newFlux(t)
	for name, listed := range map[string][]any{
		"no conditions":          nil,
		"no condition":           {},
		"neither ready nor not":  {condition("Complete", "True"), condition("Ready", "Unknown")},
		"not ready, not stalled": {condition("Complete", "True"), condition("Ready", "False")},
		"ready, yet reconciling": {condition("Complete", "True"), condition("Ready", "True"), condition("Reconciling", "True")},
		"stalled, reconciling":   {condition("Ready", "False"), condition("Stalled", "True"), condition("Reconciling", "True")},
	} {
		t.Run(name, func(t *testing.T) {
			object := newLife(t).stored()
			status := map[string]any{"observedGeneration": int64(1), "verdict": "Passed"}
			if listed != nil {
				status["conditions"] = listed
			}
			object.Object["status"] = status
			if got := argo.health(t, object); got.Status != "Progressing" {
				t.Errorf("Argo CD: got %+v, want Progressing", got)
			}
			if got := flux.status(t, object).String(); got != "InProgress" {
				t.Errorf("Flux: got %s, want InProgress", got)
			}
		})
	}
}

func condition(name, status string) map[string]any {
	return map[string]any{"type": name, "status": status, "reason": "Passed"}
}
