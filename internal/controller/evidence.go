package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
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
	// leastEvidenceBytes is what a phase's evidence is cut down to, where no ConfigMap takes it, before its tests are left out.
	leastEvidenceBytes = 256 << 10
)

// keep stores the evidence of what has ended: the pod and its log may be gone before status says the outcome. What an earlier pass
// kept that was cut off then is the outcome, whatever could still be read of it now.
func (r *Reconciler) keep(ctx context.Context, run *v1alpha1.ValidationRun, what []plan.Keeping, seen *plan.Observed) error {
	// A pass that works on an old status has let go of the log, and must not be the one that says what the outcome was.
	if err := r.current(ctx, run); err != nil {
		return err
	}
	if seen.Kept == nil {
		seen.Kept = map[workload.Item]*report.Phase{}
	}
	for i := range what {
		kept, err := r.keepOne(ctx, run, &what[i], roomToKeep(run, what, i))
		if err != nil {
			return err
		}
		seen.Kept[what[i].As] = kept
	}
	return nil
}

// keepOne keeps the evidence of one item, or holds it where the API server does not take it: status gets the outcome all the same. What
// counts is the same either way, as it is bounded and as it is read back.
func (r *Reconciler) keepOne(ctx context.Context, run *v1alpha1.ValidationRun, k *plan.Keeping, room int) (*report.Phase, error) {
	if held := r.unkept.phase(run, k.As); held != nil && !plan.Outweighs(&k.Phase, held) {
		return held, nil
	}
	data, err := encodeEvidence(k.Phase, room)
	if err != nil {
		return nil, err
	}
	kept, err := r.writeEvidence(ctx, run, k, data)
	if err == nil {
		r.unkept.letGo(run, k.As)
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return kept, err
	}
	held := r.unkept.hold(run, k.As, data, refused.block, r.Clock.Now())
	logf.FromContext(ctx).Info("Evidence cannot be kept for now", "phase", k.As.Phase, "held", held, "message", refused.block.Message)
	phase, err := report.DecodePhase(data)
	return &phase, err
}

// writeEvidence writes evidence, encoded, into a ConfigMap, and returns what counts: what an earlier pass has written there, if that can
// be it.
func (r *Reconciler) writeEvidence(ctx context.Context, run *v1alpha1.ValidationRun, k *plan.Keeping, data []byte) (*report.Phase, error) {
	for range 2 {
		cm := &corev1.ConfigMap{
			ObjectMeta: workload.Meta(run, workload.EvidenceName(run, k.As), workload.ComponentEvidence, k.As.Attempt),
			Immutable:  new(true),
			BinaryData: map[string][]byte{evidenceKey: data},
		}
		cm.Labels[v1alpha1.LabelPhase] = k.As.Phase
		if k.As.Check != "" || k.As.Node != "" {
			cm.Annotations = map[string]string{v1alpha1.AnnotationNode: k.As.Node, v1alpha1.AnnotationRestart: strconv.Itoa(int(k.As.Restart))}
		}
		cm, err := createOwned(ctx, r, run, cm)
		if err != nil {
			return nil, err
		}
		kept, err := evidenceIn(run, cm, k.As)
		if bytes.Equal(cm.BinaryData[evidenceKey], data) {
			err = isOwn(run, cm)
		}
		if err == nil && plan.Outweighs(&k.Phase, kept) {
			err = fmt.Errorf("it says %s, and a failure was read", kept.State)
		}
		if err == nil {
			return kept, nil
		}
		logf.FromContext(ctx).Info("Evidence is replaced", "configMap", cm.Name, "error", err.Error())
		if err := client.IgnoreNotFound(r.Client.Delete(ctx, cm, client.Preconditions{UID: new(cm.UID)})); err != nil {
			return nil, refusedTo("replacing ConfigMap "+cm.Name, err)
		}
	}
	return nil, &refusal{block: plan.Block{Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf(
		"replacing ConfigMap %s: somebody else writes it again", workload.EvidenceName(run, k.As))}}
}

// evidenceIn is the evidence of an item that a ConfigMap holds, or why it cannot be that.
func evidenceIn(run *v1alpha1.ValidationRun, cm *corev1.ConfigMap, item workload.Item) (*report.Phase, error) {
	phase, err := report.DecodePhase(cm.BinaryData[evidenceKey])
	if err != nil {
		return nil, err
	}
	return &phase, holds(run, cm, &phase, item)
}

// holds is an error where a ConfigMap cannot be the evidence of an item: what the operator writes is immutable, under a name that only that
// item has, and says itself what it is of.
func holds(run *v1alpha1.ValidationRun, cm *corev1.ConfigMap, phase *report.Phase, item workload.Item) error {
	if cm.Name != workload.EvidenceName(run, item) || phase.Name != item.Phase || phase.Check != item.Check || !phase.State.Ended() {
		return fmt.Errorf("it is of phase %q, check %q, and says %q", phase.Name, phase.Check, phase.State)
	}
	return isOwn(run, cm)
}

// encodeEvidence makes a phase fit into the room that there is for it and into a ConfigMap, whatever that takes: text that does not compress
// is cut down further.
func encodeEvidence(phase report.Phase, room int) ([]byte, error) {
	for {
		if data, err := report.EncodePhase(phase.Bound(room)); err == nil {
			return data, nil
		}
		if room /= 2; room < leastEvidenceBytes {
			break
		}
	}
	data, err := report.EncodePhase(phase.WithoutTests())
	if err != nil {
		return nil, fmt.Errorf("encoding the evidence of phase %s: %w", phase.Name, err)
	}
	return data, nil
}

// evidence is what was kept of a phase of one Job. Where somebody has deleted that, the phase is told from status alone.
func (r *Reconciler) evidence(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, p v1alpha1.PhaseStatus) (report.Phase, error) {
	item := workload.Item{Attempt: d.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
	if p.State == v1alpha1.PhaseNotRun {
		return report.NotRun(p.Name, p.Reason, p.Message), nil
	}
	for i := range d.Keep {
		if d.Keep[i].As == item {
			return d.Keep[i].Phase, nil
		}
	}
	phase, err := r.keptEvidence(ctx, run, item)
	if err != nil || phase != nil && phase.State == p.State {
		return ptr.Deref(phase, report.Phase{}), err
	}
	note := "the evidence that was kept of this phase is gone; this is what status says of it"
	if phase != nil {
		note = fmt.Sprintf("the evidence that was kept of this phase says %s, and is not what status was told by; this is what status says", phase.State)
	}
	return report.Phase{
		Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary,
		StartTime: pointerTo(p.StartTime), CompletionTime: pointerTo(p.CompletionTime), Notes: []string{note},
	}, nil
}

// earlierEvidence is what was kept of the runs of a phase that were retried, the oldest first, and of each no more than so many bytes.
func (r *Reconciler) earlierEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, p v1alpha1.PhaseStatus, limit int,
) (out []report.Phase, err error) {
	for restart := range p.Restarts {
		phase, err := r.keptEvidence(ctx, run, workload.Item{Attempt: attempt, Phase: p.Name, Restart: restart})
		if err != nil {
			return nil, err
		}
		if phase != nil {
			out = append(out, phase.Bound(limit))
		}
	}
	return out, nil
}

// keptEvidence is what was kept, or is held, of a run of a phase, nil where nothing legible is.
func (r *Reconciler) keptEvidence(ctx context.Context, run *v1alpha1.ValidationRun, item workload.Item) (*report.Phase, error) {
	if held := r.unkept.phase(run, item); held != nil {
		return held, nil
	}
	cm := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: workload.EvidenceName(run, item)}, cm)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("getting the evidence of phase %s: %w", item.Phase, err)
	}
	phase, err := evidenceIn(run, cm, item)
	if err != nil {
		logf.FromContext(ctx).Info("Evidence cannot be read", "configMap", cm.Name, "error", err.Error())
		return nil, nil // what cannot be read is as good as gone
	}
	return phase, nil
}

// dropEvidence deletes what was kept of the phases of an attempt.
func (r *Reconciler) dropEvidence(ctx context.Context, run *v1alpha1.ValidationRun) error {
	if err := r.deleteKept(ctx, run, workload.ComponentEvidence, run.Status.Attempt); err != nil {
		return fmt.Errorf("deleting evidence: %w", err)
	}
	return nil
}
