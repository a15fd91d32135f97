package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// evidenceKey holds a phase's evidence in its ConfigMap.
	evidenceKey = "phase.json.gz"
	// evidenceBytes bounds a phase's evidence before it is compressed.
	evidenceBytes = 2 << 20
)

// keep stores the evidence of a phase that has ended: the pod and its log may be gone before status says the outcome. What an earlier pass
// kept that was cut off then is the outcome, whatever could still be read of it now.
func (r *Reconciler) keep(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	// A pass that works on an old status has let go of the log, and must not be the one that says what the outcome was.
	if err := r.current(ctx, run); err != nil {
		return err
	}
	data, err := encodeEvidence(*d.Keep)
	if err != nil {
		return err
	}
	attempt := d.Status.Attempt
	cm := &corev1.ConfigMap{
		ObjectMeta: workload.Meta(run, workload.EvidenceName(run, attempt, d.Keep.Name), workload.ComponentEvidence, attempt),
		Immutable:  new(true),
		BinaryData: map[string][]byte{evidenceKey: data},
	}
	cm.Labels[v1alpha1.LabelPhase] = d.Keep.Name
	seen.Kept = d.Keep
	cm, err = createOwned(ctx, r, run, cm)
	if refused, ok := errors.AsType[*refusal](err); ok {
		// Status holds the outcome all the same; a result written later tells the phase from status.
		logf.FromContext(ctx).Info("Evidence cannot be kept", "phase", d.Keep.Name, "message", refused.block.Message)
		return nil
	}
	if err != nil {
		return err
	}
	if kept, err := report.DecodePhase(cm.BinaryData[evidenceKey]); err == nil {
		seen.Kept = &kept
	}
	return nil
}

// encodeEvidence makes a phase fit into a ConfigMap, whatever that takes.
func encodeEvidence(phase report.Phase) ([]byte, error) {
	data, err := report.EncodePhase(phase.Bound(evidenceBytes))
	if err != nil {
		data, err = report.EncodePhase(phase.WithoutTests())
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the evidence of phase %s: %w", phase.Name, err)
	}
	return data, nil
}

// store writes the result of an attempt. One that cannot be stored does not keep the attempt from ending.
func (r *Reconciler) store(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	result, err := r.result(ctx, run, d)
	if err != nil {
		return err
	}
	files, err := report.Encode(result, report.MaxBytes)
	if err != nil {
		seen.StoreRefused = &plan.Block{Reason: v1alpha1.ReasonInvalidSpec, Message: err.Error(), Final: true}
		return nil //nolint:nilerr // the refusal is what the next decision takes into account
	}
	attempt := d.Status.Attempt
	cm := &corev1.ConfigMap{
		ObjectMeta: workload.Meta(run, workload.ResultName(run, attempt), workload.ComponentResult, attempt),
		Immutable:  new(true),
		Data:       files.Data,
		BinaryData: files.BinaryData,
	}
	stored, err := createOwned(ctx, r, run, cm)
	if refused, ok := errors.AsType[*refusal](err); ok {
		seen.StoreRefused = &refused.block
		return nil
	}
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(stored.Data, files.Data) || !equality.Semantic.DeepEqual(stored.BinaryData, files.BinaryData) {
		return r.discard(ctx, run, stored)
	}
	seen.Stored = []v1alpha1.Result{{ConfigMap: cm.Name, Bytes: files.Bytes, SHA256: files.SHA256}}
	return nil
}

// discard deletes a result that a pass wrote which was cut off before status announced it: times in it have moved on since. Where the
// run has changed since it was read, status may have announced it meanwhile.
func (r *Reconciler) discard(ctx context.Context, run *v1alpha1.ValidationRun, cm *corev1.ConfigMap) error {
	if err := r.current(ctx, run); err != nil {
		return err
	}
	err := client.IgnoreNotFound(r.Client.Delete(ctx, cm, client.Preconditions{UID: new(cm.UID)}))
	if err != nil {
		return fmt.Errorf("deleting the unannounced %s: %w", cm.Name, err)
	}
	return fmt.Errorf("replacing the unannounced %s", cm.Name)
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
func (r *Reconciler) result(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision) (report.Result, error) {
	s := d.Status
	result := report.Result{
		Run:     report.Run{Name: run.Name, Namespace: run.Namespace, UID: string(run.UID), Generation: s.ObservedGeneration, Trigger: run.Spec.Trigger},
		Attempt: s.Attempt, Verdict: s.Verdict, Message: s.Message,
		StartTime: timeOf(s.StartTime), CompletionTime: timeOf(s.CompletionTime),
		Inputs: s.Inputs, Summary: s.Summary,
	}
	for _, p := range s.Phases {
		phase, err := r.evidence(ctx, run, d, p)
		if err != nil {
			return result, err
		}
		result.Phases = append(result.Phases, phase)
	}
	return result, nil
}

// evidence is what was kept of a phase. Where somebody has deleted that, the phase is told from status alone.
func (r *Reconciler) evidence(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, p v1alpha1.PhaseStatus) (report.Phase, error) {
	switch {
	case d.Keep != nil && d.Keep.Name == p.Name:
		return *d.Keep, nil
	case p.State == v1alpha1.PhaseNotRun:
		return report.NotRun(p.Name, p.Reason, p.Message), nil
	}
	cm := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: workload.EvidenceName(run, d.Status.Attempt, p.Name)}, cm)
	if err != nil && !apierrors.IsNotFound(err) {
		return report.Phase{}, fmt.Errorf("getting the evidence of phase %s: %w", p.Name, err)
	}
	if err == nil && metav1.IsControlledBy(cm, run) {
		phase, err := report.DecodePhase(cm.BinaryData[evidenceKey])
		if err == nil {
			return phase, nil
		}
	}
	start, end := timeOf(p.StartTime), timeOf(p.CompletionTime)
	return report.Phase{
		Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary, StartTime: &start, CompletionTime: &end,
		Notes: []string{"the evidence that was kept of this phase is gone; this is what status says of it"},
	}, nil
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

// dropEvidence deletes what was kept of the phases, also of attempts that were superseded.
func (r *Reconciler) dropEvidence(ctx context.Context, run *v1alpha1.ValidationRun) error {
	err := r.Client.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(run.Namespace), client.MatchingLabels{
		v1alpha1.LabelRunUID:    string(run.UID),
		v1alpha1.LabelComponent: workload.ComponentEvidence,
	})
	if err != nil {
		return fmt.Errorf("deleting evidence: %w", err)
	}
	return nil
}
