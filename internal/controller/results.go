package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// store writes the result of an attempt. One that cannot be stored does not keep the attempt from ending.
func (r *Reconciler) store(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	result, err := r.result(ctx, run, d, seen)
	if err != nil {
		return err
	}
	parts, err := report.Pack(result, workload.ResultName(run, d.Status.Attempt), r.Results)
	if err != nil {
		seen.StoreRefused = &plan.Block{Reason: v1alpha1.ReasonInvalidSpec, Message: err.Error(), Final: true}
		return nil // the refusal is what the next decision takes into account
	}
	stored := make([]v1alpha1.Result, len(parts))
	// The first part says where the others are: it comes last.
	for i, part := range slices.Backward(parts) {
		err := r.storePart(ctx, run, d.Status.Attempt, part)
		if refused, ok := errors.AsType[*refusal](err); ok {
			seen.StoreRefused = &refused.block
			if len(parts) > 1 {
				return ignoreRefusal(r.deleteParts(ctx, run, d.Status.Attempt))
			}
			return nil
		}
		if err != nil {
			return err
		}
		stored[i] = v1alpha1.Result{ConfigMap: part.Name, Bytes: part.Bytes, SHA256: part.SHA256}
	}
	seen.Stored = stored
	return nil
}

func (r *Reconciler) storePart(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, part report.Part) error {
	cm, err := createOwned(ctx, r, run, &corev1.ConfigMap{
		ObjectMeta: workload.Meta(run, part.Name, workload.ComponentResult, attempt),
		Immutable:  new(true),
		Data:       part.Data,
		BinaryData: part.BinaryData,
	})
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(cm.Data, part.Data) || !equality.Semantic.DeepEqual(cm.BinaryData, part.BinaryData) {
		return r.discard(ctx, run, attempt, part.Name)
	}
	return nil
}

// discard deletes a result that a pass wrote which was cut off before status announced it: times in it have moved on since. Where the
// run has changed since it was read, status may have announced it meanwhile.
func (r *Reconciler) discard(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, name string) error {
	if err := r.current(ctx, run); err != nil {
		return err
	}
	if err := r.deleteParts(ctx, run, attempt); err != nil {
		return err
	}
	return fmt.Errorf("replacing the unannounced %s", name)
}

// deleteParts deletes what there is of a result that status does not announce.
func (r *Reconciler) deleteParts(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) error {
	if err := r.deleteKept(ctx, run, workload.ComponentResult, attempt); err != nil {
		return fmt.Errorf("deleting an unannounced result: %w", err)
	}
	return nil
}

// ignoreRefusal leaves of an error what is simply tried again.
func ignoreRefusal(err error) error {
	if _, ok := errors.AsType[*refusal](err); ok {
		return nil
	}
	return err
}

// deleteKept deletes the ConfigMaps of one kind of an attempt.
func (r *Reconciler) deleteKept(ctx context.Context, run *v1alpha1.ValidationRun, component string, attempt int64) error {
	err := r.Client.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(run.Namespace), client.MatchingLabels{
		v1alpha1.LabelRunUID:    string(run.UID),
		v1alpha1.LabelComponent: component,
		v1alpha1.LabelAttempt:   strconv.FormatInt(attempt, 10),
	})
	if err != nil {
		return refusedTo("deleting ConfigMaps", err)
	}
	return nil
}

// current is an error where the run is not as it was read any more.
func (r *Reconciler) current(ctx context.Context, run *v1alpha1.ValidationRun) error {
	latest := &metav1.PartialObjectMetadata{}
	latest.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ValidationRun"))
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(run), latest)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("getting the run: %w", err)
	}
	if err != nil || latest.UID != run.UID || latest.ResourceVersion != run.ResourceVersion {
		return fmt.Errorf("%w: it is of a later state", errStale)
	}
	return nil
}

// result puts the ValidationResult together from status and the evidence of the phases.
func (r *Reconciler) result(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) (report.Result, error) {
	s, spec := d.Status, run.Spec.DeepCopy()
	if seen.SpecChanged && seen.Spec != nil {
		spec = seen.Spec.DeepCopy()
	}
	spec.SetDefaults()
	result := report.Result{
		Run:     report.Run{Name: run.Name, Namespace: run.Namespace, UID: string(run.UID), Generation: s.ObservedGeneration, Trigger: spec.Trigger},
		Attempt: s.Attempt, Verdict: s.Verdict, Message: s.Message,
		Rejected:  s.Verdict == v1alpha1.VerdictSkipped && !s.Verdict.Succeeded(spec.AllSkipped),
		StartTime: timeOf(s.StartTime), CompletionTime: timeOf(s.CompletionTime),
		Inputs: s.Inputs, Summary: s.Summary,
	}
	room := roomFor(len(s.Phases))
	for _, p := range s.Phases {
		phase, err := r.allRuns(ctx, run, d, seen, p, room)
		if err != nil {
			return result, err
		}
		if gone := int(p.Retries) - len(phase.Earlier); gone > 0 {
			note := fmt.Sprintf("the evidence that was kept of %d of its earlier runs is gone", gone)
			phase.Notes = append(slices.Clip(phase.Notes), note)
		}
		result.Phases = append(result.Phases, phase)
	}
	return result, nil
}

// allRuns is the evidence of all runs of a phase, as far as there is room for it: half of it is for those that were retried.
func (r *Reconciler) allRuns(
	ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed, p v1alpha1.PhaseStatus, room int,
) (report.Phase, error) {
	if p.FanOut != nil && (p.State != v1alpha1.PhaseNotRun || p.Retries > 0) {
		return r.fannedEvidence(ctx, run, d, seen, p, room)
	}
	phase, err := r.evidence(ctx, run, d, p)
	if err != nil || p.Retries == 0 {
		return phase.Bound(shareOf(room, 1)), err
	}
	phase = phase.Bound(shareOf(room/2, 1))
	phase.Earlier, err = r.earlierEvidence(ctx, run, d.Status.Attempt, p, shareOf(room/2, p.Retries))
	return phase, err
}

// pointerTo is a time as a result has it.
func pointerTo(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// prune deletes what was kept of attempts that nothing names any more.
func (r *Reconciler) prune(ctx context.Context, run *v1alpha1.ValidationRun, status *v1alpha1.ValidationRunStatus) error {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMapList"))
	err := r.Live.List(ctx, list, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRunUID: string(run.UID)})
	if err != nil {
		return fmt.Errorf("listing what was kept: %w", err)
	}
	var children []plan.Child
	for i := range list.Items {
		if o := &list.Items[i]; metav1.IsControlledBy(o, run) {
			children = append(children, plan.Child{
				Name: o.Name, Component: o.Labels[v1alpha1.LabelComponent], Attempt: workload.Attempt(o.Labels),
			})
		}
	}
	for _, name := range plan.Superfluous(run, status, children) {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: name}}
		if err := client.IgnoreNotFound(r.Client.Delete(ctx, cm)); err != nil {
			return fmt.Errorf("deleting ConfigMap %s of an earlier attempt: %w", name, err)
		}
	}
	return nil
}
