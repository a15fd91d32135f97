package controller

import (
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
	// itemsBytes bounds what the evidence of all items of a phase takes in memory: a result holds less in the end. Half of it is for those
	// that did not pass. Each has an equal share of its half, and at least leastItemBytes.
	itemsBytes     = 32 << 20
	leastItemBytes = 8 << 10
	// maxGuess is up to which run of an item its evidence is looked for under its name where nothing else says which one it is.
	maxGuess = 16
)

// keptItem is what was kept of one run of an item.
type keptItem struct {
	phase   report.Phase
	node    string
	restart int32
}

// eachEvidence hands over what was kept, or is held, of each run of each item of a phase, one at a time and in no particular order. What
// cannot be read is as good as gone.
func (r *Reconciler) eachEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, phase string, take func(keptItem) error,
) error {
	held := r.unkept.all(run)
	for _, item := range held {
		if p := r.unkept.phase(run, item); p != nil && item.Attempt == attempt && item.Phase == phase {
			if err := take(keptItem{phase: *p, node: item.Node, restart: item.Restart}); err != nil {
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
			k, item, err := itemIn(run, cm, workload.Item{Attempt: attempt, Phase: phase})
			if err != nil {
				logf.FromContext(ctx).Info("Evidence cannot be read", "configMap", cm.Name, "error", err.Error())
				continue
			}
			if slices.Contains(held, item) {
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

// itemIn is the evidence that a ConfigMap holds, and what it is of. Its name says that, and nobody can edit it; annotations, which anybody
// can, only save looking for it.
func itemIn(run *v1alpha1.ValidationRun, cm *corev1.ConfigMap, item workload.Item) (keptItem, workload.Item, error) {
	phase, err := report.DecodePhase(cm.BinaryData[evidenceKey])
	if err != nil {
		return keptItem{}, item, err
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
	return keptItem{phase: phase, node: item.Node, restart: item.Restart}, item, holds(run, cm, &phase, item)
}

// itemEvidence is what was kept of the items of a phase, that of each one's last run with the earlier ones in it, in the order of their names.
func (r *Reconciler) itemEvidence(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, p v1alpha1.PhaseStatus) ([]report.Phase, error) {
	share := func(n int32) int { return min(evidenceBytes, max(leastItemBytes, itemsBytes/2/int(max(1, n)))) }
	good, bad := share(p.FanOut.Passed+p.FanOut.Skipped), share(p.FanOut.Failed+p.FanOut.Errored+p.Retries)
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
		if c := strings.Compare(a.phase.Check+"\x00"+a.node, b.phase.Check+"\x00"+b.node); c != 0 {
			return c
		}
		return int(a.restart - b.restart)
	})
	var out []report.Phase
	for i, k := range kept {
		if i > 0 && kept[i-1].phase.Check == k.phase.Check && kept[i-1].node == k.node {
			before := &out[len(out)-1]
			k.phase.Earlier, before.Earlier = before.Earlier, nil
			k.phase.Earlier = append(k.phase.Earlier, *before)
			*before = k.phase
			continue
		}
		out = append(out, k.phase)
	}
	return out, nil
}

// fannedEvidence is the evidence of a phase of several Jobs: what status says of it as a whole, and what was kept of its items.
func (r *Reconciler) fannedEvidence(
	ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, p v1alpha1.PhaseStatus,
) (report.Phase, error) {
	items, err := r.itemEvidence(ctx, run, d.Status.Attempt, p)
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
