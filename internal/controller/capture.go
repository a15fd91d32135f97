package controller

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/recipe"
	"github.com/validation-operator/validation-operator/internal/report"
	"github.com/validation-operator/validation-operator/internal/workload"
)

const (
	// snapshotLabel is the label of the artifacts that a snapshot is made of, one for each part of it.
	snapshotLabel = "snapshot"
	// snapshotParts is the attribute by which the check that takes it says how many there are.
	snapshotParts = "snapshot.parts"
)

// freezeCaptured puts the snapshot together from what the attempt's own phase has captured, and freezes it.
func (r *Reconciler) freezeCaptured(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	parts, jobs, err := r.captures(ctx, run, d)
	incomplete := func(format string, args ...any) error {
		return &refusal{block: plan.Block{
			Reason: v1alpha1.ReasonSnapshotIncomplete, Message: "the captured snapshot is not whole: " + fmt.Sprintf(format, args...), Final: true,
		}}
	}
	if wrong, ok := errors.AsType[*unwhole](err); ok {
		return incomplete("%v", wrong)
	}
	if err != nil {
		return err
	}
	if passed := captured(&d.Status); jobs < passed {
		return incomplete("it was captured by %d Jobs, and the evidence of %d of them is gone", passed, passed-jobs)
	}
	if len(parts) == 0 {
		return incomplete("nothing was measured")
	}
	data, err := recipe.Encode(recipe.MergeSnapshots(parts...))
	if err != nil {
		return incomplete("%v", err)
	}
	in, err := r.freeze(ctx, run, d.Status.Attempt, workload.InputSnapshot, data)
	if err != nil {
		return err
	}
	seen.Captured = &in
	doc := r.documents.open(run)
	if err := r.readSnapshot(ctx, run, doc); err != nil {
		return err
	}
	seen.Snapshot, seen.InvalidSnapshot = doc.snapshot, doc.wrong[workload.InputSnapshot]
	return nil
}

// captured is how many Jobs have captured the snapshot.
func captured(status *v1alpha1.ValidationRunStatus) int {
	for i := range status.Phases {
		if p := &status.Phases[i]; p.Name == v1alpha1.PhaseSnapshot && p.FanOut != nil {
			return int(p.FanOut.Passed)
		}
	}
	return 1
}

// unwhole says why what was captured is not a snapshot.
type unwhole struct{ error }

// captures are the parts of the snapshot that the phase has captured, and how many Jobs have captured them: one on each node, or one.
func (r *Reconciler) captures(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision) (parts []*recipe.Snapshot, jobs int, err error) {
	add := func(k keptItem) error {
		if k.phase.State != v1alpha1.PhasePassed {
			return nil
		}
		found, err := partsOf(&k.phase)
		if err != nil {
			return &unwhole{err}
		}
		parts, jobs = append(parts, found...), jobs+1
		return nil
	}
	for i := range d.Status.Phases {
		p := &d.Status.Phases[i]
		switch {
		case p.Name != v1alpha1.PhaseSnapshot:
		case p.FanOut != nil:
			// Each part is taken out as its evidence is read: that of all nodes at once may not fit into memory.
			err = r.eachEvidence(ctx, run, d.Status.Attempt, p.Name, add)
		default:
			phase, failed := r.evidence(ctx, run, d, *p)
			if err = failed; err == nil {
				err = add(keptItem{phase: phase})
			}
		}
	}
	return parts, jobs, err
}

// partsOf are the parts of a snapshot that one validator has reported, as many as it says that there are.
func partsOf(phase *report.Phase) (parts []*recipe.Snapshot, err error) {
	said := -1
	for i := range phase.Tests {
		t := &phase.Tests[i]
		if n, ok := t.Attributes[snapshotParts]; ok {
			if said, err = strconv.Atoi(n); err != nil {
				return nil, fmt.Errorf("%s says that it has %q parts", t.Name, n)
			}
		}
		for _, a := range t.Artifacts {
			if a.Label != snapshotLabel {
				continue
			}
			content, err := contentOf(a)
			if err != nil {
				return nil, err
			}
			part, err := recipe.ParseMeasurement(content)
			if err != nil {
				return nil, fmt.Errorf("part %d: %w", len(parts)+1, err)
			}
			parts = append(parts, part.On(phase.Node))
		}
	}
	if said != len(parts) {
		return nil, fmt.Errorf("of %s %d parts arrived, and it says that there are %d", where(phase), len(parts), said)
	}
	return parts, nil
}

// contentOf is what an artifact holds, as long as all of it is here.
func contentOf(a report.Artifact) ([]byte, error) {
	content := []byte(a.Text)
	if a.Base64 != "" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(a.Base64); err != nil {
			return nil, fmt.Errorf("decoding artifact %s: %w", a.Label, err)
		}
	}
	if sum := sha256.Sum256(content); a.DataOmitted || hex.EncodeToString(sum[:]) != a.SHA256 {
		return nil, fmt.Errorf("of artifact %s (%d bytes) parts are missing", a.Label, a.Bytes)
	}
	return content, nil
}

func where(phase *report.Phase) string {
	if phase.Node == "" {
		return "the cluster"
	}
	return "node " + phase.Node
}
