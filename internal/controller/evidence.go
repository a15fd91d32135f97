package controller

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	// evidenceBytes bounds a phase's evidence before it is compressed, and leastEvidenceBytes is what it is cut down to, where need be,
	// before its tests are left out.
	evidenceBytes      = 4 << 20
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
		kept, err := r.keepOne(ctx, run, &what[i])
		if err != nil {
			return err
		}
		seen.Kept[what[i].As] = kept
	}
	return nil
}

func (r *Reconciler) keepOne(ctx context.Context, run *v1alpha1.ValidationRun, k *plan.Keeping) (*report.Phase, error) {
	data, err := encodeEvidence(k.Phase)
	if err != nil {
		return nil, err
	}
	cm := &corev1.ConfigMap{
		ObjectMeta: workload.Meta(run, workload.EvidenceName(run, k.As), workload.ComponentEvidence, k.As.Attempt),
		Immutable:  new(true),
		BinaryData: map[string][]byte{evidenceKey: data},
	}
	cm.Labels[v1alpha1.LabelPhase] = k.As.Phase
	if k.As.Check != "" || k.As.Node != "" {
		cm.Annotations = map[string]string{v1alpha1.AnnotationNode: k.As.Node, v1alpha1.AnnotationRestart: strconv.Itoa(int(k.As.Restart))}
	}
	cm, err = createOwned(ctx, r, run, cm)
	if refused, ok := errors.AsType[*refusal](err); ok {
		// Status holds the outcome all the same; a result written later tells the phase from status.
		logf.FromContext(ctx).Info("Evidence cannot be kept", "phase", k.As.Phase, "message", refused.block.Message)
		return &k.Phase, nil
	}
	if err != nil {
		return nil, err
	}
	if kept, err := report.DecodePhase(cm.BinaryData[evidenceKey]); err == nil {
		return &kept, nil
	}
	return &k.Phase, nil
}

// encodeEvidence makes a phase fit into a ConfigMap, whatever that takes: text that does not compress is cut down further.
func encodeEvidence(phase report.Phase) ([]byte, error) {
	for limit := evidenceBytes; limit >= leastEvidenceBytes; limit /= 2 {
		if data, err := report.EncodePhase(phase.Bound(limit)); err == nil {
			return data, nil
		}
	}
	data, err := report.EncodePhase(phase.WithoutTests())
	if err != nil {
		return nil, fmt.Errorf("encoding the evidence of phase %s: %w", phase.Name, err)
	}
	return data, nil
}

// evidence is what was kept of a phase. Where somebody has deleted that, the phase is told from status alone.
func (r *Reconciler) evidence(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, p v1alpha1.PhaseStatus) (report.Phase, error) {
	item := workload.Item{Attempt: d.Status.Attempt, Phase: p.Name, Restart: p.Restarts}
	if p.FanOut != nil && p.State != v1alpha1.PhaseNotRun {
		return r.fannedEvidence(ctx, run, d, p)
	}
	if p.State == v1alpha1.PhaseNotRun {
		return report.NotRun(p.Name, p.Reason, p.Message), nil
	}
	for i := range d.Keep {
		if d.Keep[i].As == item {
			return d.Keep[i].Phase, nil
		}
	}
	phase, err := r.keptEvidence(ctx, run, item)
	if err != nil || phase != nil {
		return ptr.Deref(phase, report.Phase{}), err
	}
	start, end := timeOf(p.StartTime), timeOf(p.CompletionTime)
	return report.Phase{
		Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary, StartTime: &start, CompletionTime: &end,
		Notes: []string{"the evidence that was kept of this phase is gone; this is what status says of it"},
	}, nil
}

// earlierEvidence is what was kept of the runs of a phase that were retried, the oldest first.
func (r *Reconciler) earlierEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, p v1alpha1.PhaseStatus,
) (out []report.Phase, err error) {
	if p.Retries == 0 {
		return nil, nil
	}
	for restart := range p.Restarts {
		phase, err := r.keptEvidence(ctx, run, workload.Item{Attempt: attempt, Phase: p.Name, Restart: restart})
		if err != nil {
			return nil, err
		}
		if phase != nil {
			out = append(out, *phase)
		}
	}
	return out, nil
}

// keptEvidence is what was kept of a run of a phase, nil where nothing legible is.
func (r *Reconciler) keptEvidence(ctx context.Context, run *v1alpha1.ValidationRun, item workload.Item) (*report.Phase, error) {
	cm := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: workload.EvidenceName(run, item)}, cm)
	switch {
	case apierrors.IsNotFound(err) || err == nil && !metav1.IsControlledBy(cm, run):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("getting the evidence of phase %s: %w", item.Phase, err)
	}
	phase, err := report.DecodePhase(cm.BinaryData[evidenceKey])
	if err != nil {
		logf.FromContext(ctx).Info("Evidence cannot be read", "configMap", cm.Name, "error", err.Error())
		return nil, nil // what cannot be read is as good as gone
	}
	return &phase, nil
}

// dropEvidence deletes what was kept of the phases of an attempt.
func (r *Reconciler) dropEvidence(ctx context.Context, run *v1alpha1.ValidationRun) error {
	if err := r.deleteKept(ctx, run, workload.ComponentEvidence, run.Status.Attempt); err != nil {
		return fmt.Errorf("deleting evidence: %w", err)
	}
	return nil
}

// keptItem is what was kept of one run of an item.
type keptItem struct {
	phase   report.Phase
	node    string
	restart int
}

// evidencePage is how many ConfigMaps of evidence are read at a time: each may have a megabyte.
const evidencePage = 20

// listEvidence is what was kept of all items of a phase. What cannot be read is as good as gone.
func (r *Reconciler) listEvidence(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, phase string) (out []keptItem, err error) {
	labels := client.MatchingLabels{
		v1alpha1.LabelRunUID: string(run.UID), v1alpha1.LabelComponent: workload.ComponentEvidence,
		v1alpha1.LabelAttempt: strconv.FormatInt(attempt, 10), v1alpha1.LabelPhase: phase,
	}
	next := ""
	for {
		list := &corev1.ConfigMapList{}
		if err := r.Live.List(ctx, list, client.InNamespace(run.Namespace), labels, client.Limit(evidencePage), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("listing the evidence of phase %s: %w", phase, err)
		}
		for i := range list.Items {
			cm := &list.Items[i]
			data, ok := cm.BinaryData[evidenceKey]
			if !ok || !metav1.IsControlledBy(cm, run) {
				continue // a checkpoint, or a stranger's
			}
			kept, err := report.DecodePhase(data)
			if err != nil {
				logf.FromContext(ctx).Info("Evidence cannot be read", "configMap", cm.Name, "error", err.Error())
				continue
			}
			restart, _ := strconv.Atoi(cm.Annotations[v1alpha1.AnnotationRestart])
			out = append(out, keptItem{phase: kept, node: cm.Annotations[v1alpha1.AnnotationNode], restart: restart})
		}
		if next = list.Continue; next == "" {
			return out, nil
		}
	}
}

// fannedEvidence is the evidence of a phase of several Jobs: what status says of it as a whole, and what was kept of its items.
func (r *Reconciler) fannedEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, p v1alpha1.PhaseStatus,
) (report.Phase, error) {
	items, err := r.itemEvidence(ctx, run, d.Status.Attempt, p.Name)
	if err != nil {
		return report.Phase{}, err
	}
	start, end := timeOf(p.StartTime), timeOf(p.CompletionTime)
	frame := report.Phase{
		Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary, StartTime: &start, CompletionTime: &end,
		Flaky: p.Flaky, Retries: p.Retries,
	}
	if missing := len(p.FanOut.Outcomes) - strings.Count(p.FanOut.Outcomes, "N") - len(items); missing > 0 {
		frame.Notes = append(frame.Notes, fmt.Sprintf("the evidence that was kept of %d of its items is gone", missing))
	}
	return report.Merge(frame, items), nil
}
