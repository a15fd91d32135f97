package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/verdict"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// evidencePage is how many ConfigMaps of evidence are read at a time: each may have a megabyte.
	evidencePage = 20
	// maxGuess is up to which run of an item its evidence is looked for under its name where nothing else says which one it is.
	maxGuess = 16
)

// keptItem is what was kept of one run of an item.
type keptItem struct {
	phase report.Phase
	item  workload.Item
}

// eachEvidence hands over what was kept, or is held, of each run of each item of a phase, one at a time and in no particular order. What
// cannot be read is as good as gone.
func (r *Reconciler) eachEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, phase string, take func(keptItem) error,
) error {
	held := r.unkept.all(run)
	for _, item := range held {
		if p := r.unkept.phase(run, item); p != nil && item.Attempt == attempt && item.Phase == phase {
			if err := take(keptItem{*p, item}); err != nil {
				return err
			}
		}
	}
	labels := client.MatchingLabels{
		v1alpha1.LabelRunUID: string(run.UID), v1alpha1.LabelComponent: workload.ComponentEvidence,
		v1alpha1.LabelAttempt: strconv.FormatInt(attempt, 10), v1alpha1.LabelPhase: phase,
	}
	next := ""
	for {
		list := &corev1.ConfigMapList{}
		if err := r.Live.List(ctx, list, client.InNamespace(run.Namespace), labels, client.Limit(evidencePage), client.Continue(next)); err != nil {
			return fmt.Errorf("listing the evidence of phase %s: %w", phase, err)
		}
		for i := range list.Items {
			cm := &list.Items[i]
			if _, ok := cm.BinaryData[evidenceKey]; !ok {
				continue // a checkpoint
			}
			k, err := itemIn(run, cm, workload.Item{Attempt: attempt, Phase: phase})
			if err != nil {
				logf.FromContext(ctx).Info("Evidence cannot be read", "configMap", cm.Name, "error", err.Error())
				continue
			}
			if slices.Contains(held, k.item) {
				continue
			}
			if err := take(k); err != nil {
				return err
			}
		}
		if next = list.Continue; next == "" {
			return nil
		}
	}
}

// itemIn is the evidence that a ConfigMap holds, with what it is of. Its name says that, and nobody can edit it; annotations, which anybody
// can, only save looking for it.
func itemIn(run *v1alpha1.ValidationRun, cm *corev1.ConfigMap, item workload.Item) (keptItem, error) {
	phase, err := report.DecodePhase(cm.BinaryData[evidenceKey])
	if err != nil {
		return keptItem{}, err
	}
	item.Check, item.Node = phase.Check, cm.Annotations[v1alpha1.AnnotationNode]
	if n, err := strconv.ParseInt(cm.Annotations[v1alpha1.AnnotationRestart], 10, 32); err == nil {
		item.Restart = int32(n)
	}
	for _, node := range []string{item.Node, phase.Node, ""} {
		for restart := int32(0); restart <= maxGuess && cm.Name != workload.EvidenceName(run, item); restart++ {
			item.Node, item.Restart = node, restart
		}
	}
	return keptItem{phase, item}, holds(run, cm, &phase, item)
}

// itemEvidence is what was kept of the items of a phase, that of each one's last run with the earlier ones in it, in the order of their names.
// Half of the room that there is for it is for those that did not pass; each has an equal share of its half.
func (r *Reconciler) itemEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, p v1alpha1.PhaseStatus, room int,
) ([]keptItem, error) {
	good, bad := shareOf(room/2, p.FanOut.Passed+p.FanOut.Skipped), shareOf(room/2, p.FanOut.Failed+p.FanOut.Errored+p.Retries)
	var kept []keptItem
	err := r.eachEvidence(ctx, run, attempt, p.Name, func(k keptItem) error {
		limit := good
		if verdict.Stops(k.phase.State) {
			limit = bad
		}
		k.phase = k.phase.Bound(limit)
		kept = append(kept, k)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(kept, func(a, b keptItem) int {
		return cmp.Or(byName(a.item, b.item), cmp.Compare(a.item.Restart, b.item.Restart))
	})
	var out []keptItem
	for _, k := range kept {
		if n := len(out); n > 0 && byName(out[n-1].item, k.item) == 0 {
			k.phase.Earlier = out[n-1].runs()
			out[n-1] = k
			continue
		}
		out = append(out, k)
	}
	return out, nil
}

func byName(a, b workload.Item) int {
	return cmp.Or(strings.Compare(a.Check, b.Check), strings.Compare(a.Node, b.Node))
}

// runs are all runs of the item, the oldest first.
func (k *keptItem) runs() []report.Phase {
	last := k.phase
	last.Earlier = nil
	return append(slices.Clip(k.phase.Earlier), last)
}

// fannedEvidence is the evidence of a phase of several Jobs: what status says of it as a whole, and what was kept of its items.
func (r *Reconciler) fannedEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed, p v1alpha1.PhaseStatus, room int,
) (report.Phase, error) {
	kept, err := r.itemEvidence(ctx, run, d.Status.Attempt, p, room)
	if err != nil {
		return report.Phase{}, err
	}
	frame := report.Phase{
		Name: p.Name, State: p.State, Reason: p.Reason, Message: p.Message, Summary: p.Summary,
		StartTime: pointerTo(p.StartTime), CompletionTime: pointerTo(p.CompletionTime), Flaky: p.Flaky, Retries: p.Retries,
	}
	items := ended(&frame, kept, plan.ItemStates(run, *seen, &p), p.FanOut)
	return report.Merge(frame, items), nil
}

// ended are the items of a phase that came to an end, by the states that status has of them: of one whose evidence is gone, or says
// otherwise, what status says. Runs that were retried are then earlier ones of the phase. Where nobody can say any more which state is
// whose, the items are those that something was kept of.
func ended(frame *report.Phase, kept []keptItem, states map[workload.Item]v1alpha1.PhaseState, f *v1alpha1.FanOutStatus) (items []report.Phase) {
	for i := range kept {
		k := &kept[i]
		item := k.item
		item.Restart = 0
		switch state := states[item]; {
		case states == nil || state == k.phase.State:
			items = append(items, k.phase)
			delete(states, item)
		case k.phase.State == v1alpha1.PhaseError:
			frame.Earlier = append(frame.Earlier, k.runs()...)
		}
	}
	missing, note := 0, "the evidence that was kept of %d of its items is gone, or is not what status was told by; this is what status says of them"
	for item, state := range states {
		if state != v1alpha1.PhaseNotRun {
			items = append(items, byStatus(item, state, f))
			missing++
		}
	}
	if states == nil {
		missing = len(f.Outcomes) - strings.Count(f.Outcomes, "N") - len(items)
		note = "the evidence that was kept of %d of its items is gone"
	}
	if missing > 0 {
		frame.Notes = append(frame.Notes, fmt.Sprintf(note, missing))
	}
	slices.SortStableFunc(items, func(a, b report.Phase) int {
		return byName(workload.Item{Check: a.Check, Node: a.Node}, workload.Item{Check: b.Check, Node: b.Node})
	})
	return items
}

// byStatus is what status says of an item.
func byStatus(item workload.Item, state v1alpha1.PhaseState, f *v1alpha1.FanOutStatus) report.Phase {
	out := report.Phase{Name: item.Phase, Check: item.Check, Node: item.Node, State: state}
	for _, i := range f.Failing {
		if i.Check == item.Check && i.Node == item.Node {
			out.Reason, out.Message = i.Reason, i.Message
		}
	}
	return out
}
