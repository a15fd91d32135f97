package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// observeSpec finds out whether the spec means something new, and which attempts there have been.
func (r *Reconciler) observeSpec(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	var err error
	if run.Status.Attempt > 0 && run.Generation != run.Status.ObservedGeneration {
		if err := r.compareSpec(ctx, run, seen); err != nil {
			return err
		}
	}
	if plan.Renews(run, seen.SpecChanged) {
		seen.HighestAttempt, err = r.highestAttempt(ctx, run)
	}
	return err
}

// compareSpec holds the run's spec against the one that the current attempt froze. Where there is none to be read, nobody can say that the
// attempt validates this spec.
func (r *Reconciler) compareSpec(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	seen.SpecChanged = true
	name := workload.InputName(run, run.Status.Attempt, workload.InputSpec)
	frozen := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: name}, frozen)
	if apierrors.IsNotFound(err) {
		// An attempt that has come to nothing yet validates the spec that it is about to freeze.
		seen.SpecChanged = len(run.Status.Inputs) > 0 || run.Status.Verdict != ""
		return nil
	}
	if err != nil {
		return fmt.Errorf("getting frozen spec: %w", err)
	}
	var spec *v1alpha1.ValidationRunSpec
	if err = isOwn(run, frozen); err == nil {
		spec, err = workload.DecodeSpec(frozen)
	}
	if err != nil {
		logf.FromContext(ctx).Info("Frozen spec cannot be read", "configMap", name, "error", err.Error())
		return nil
	}
	same, err := workload.SameSpec(spec, &run.Spec)
	if err != nil {
		return fmt.Errorf("comparing specs: %w", err)
	}
	if seen.SpecChanged = !same; !same {
		seen.Spec = spec
	}
	return nil
}

// highestAttempt is the highest attempt that any child of the run is labelled with, so that a run whose status was lost never takes the
// children of an earlier attempt for its own.
func (r *Reconciler) highestAttempt(ctx context.Context, run *v1alpha1.ValidationRun) (int64, error) {
	var highest int64
	for _, kind := range []string{"JobList", "ConfigMapList"} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind(kind))
		if kind == "ConfigMapList" {
			list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
		}
		err := r.Live.List(ctx, list, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRunUID: string(run.UID)})
		if err != nil {
			return 0, fmt.Errorf("listing children: %w", err)
		}
		for i := range list.Items {
			if metav1.IsControlledBy(&list.Items[i], run) {
				highest = max(highest, workload.Attempt(list.Items[i].Labels))
			}
		}
	}
	return highest, nil
}

// observeInputs finds out what is not there of what the run names, as long as its inputs are not frozen.
func (r *Reconciler) observeInputs(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	if run.Status.Attempt == 0 || len(run.Status.Inputs) > 0 || seen.SpecChanged {
		return nil
	}
	var err error
	if seen.Frozen, err = r.frozenInputs(ctx, run); err != nil || run.Spec.Suspend {
		return err
	}
	var missing []string
	for _, source := range workload.Sources(&run.Spec) {
		if slices.ContainsFunc(seen.Frozen, func(in v1alpha1.Input) bool { return in.Name == source.Input }) {
			continue
		}
		_, why, err := r.sourceContent(ctx, run, source)
		if err != nil {
			return err
		}
		if why != "" {
			missing = append(missing, why)
		}
	}
	if name := run.Spec.ServiceAccountName; name != "" {
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: name}, &corev1.ServiceAccount{})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, fmt.Sprintf("ServiceAccount %s does not exist", name))
		case err != nil:
			return fmt.Errorf("getting ServiceAccount %s: %w", name, err)
		}
	}
	seen.Missing = strings.Join(missing, "; ")
	return nil
}

// frozenInputs are those of the attempt's inputs that are frozen: a pass that was cut off may have made them before status could say so.
func (r *Reconciler) frozenInputs(ctx context.Context, run *v1alpha1.ValidationRun) ([]v1alpha1.Input, error) {
	names := []string{workload.InputSpec}
	for _, source := range workload.Sources(&run.Spec) {
		names = append(names, source.Input)
	}
	var frozen []v1alpha1.Input
	for _, input := range names {
		cm := &corev1.ConfigMap{}
		name := workload.InputName(run, run.Status.Attempt, input)
		err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: name}, cm)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, fmt.Errorf("getting frozen %s: %w", input, err)
		case isOwn(run, cm) == nil:
			frozen = append(frozen, workload.Frozen(input, cm))
		}
	}
	return frozen, nil
}

// sourceContent is the content of an input's original, or why there is none.
func (r *Reconciler) sourceContent(ctx context.Context, run *v1alpha1.ValidationRun, source workload.Source) (content []byte, why string, err error) {
	cm := &corev1.ConfigMap{}
	err = r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: source.From.Name}, cm)
	if apierrors.IsNotFound(err) {
		return nil, fmt.Sprintf("%s: ConfigMap %s does not exist", source.Input, source.From.Name), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("getting %s: %w", source.Input, err)
	}
	content, ok := workload.Content(cm, source.From.Key)
	if !ok {
		return nil, fmt.Sprintf("%s: ConfigMap %s has no key %s", source.Input, source.From.Name, source.From.Key), nil
	}
	return content, "", nil
}
