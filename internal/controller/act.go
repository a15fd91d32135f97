package controller

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// asks says whether a decision asks for something to be made, after which it has to be taken again.
func asks(d plan.Decision) bool { return d.Setup || d.Create != nil || d.Store }

// make makes what a decision asks for and adds it, or its refusal, to what was seen.
func (r *Reconciler) make(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	if d.Store {
		return r.store(ctx, run, d, seen)
	}
	// The finalizer comes before anything that it has to outlive.
	if err := r.finalize(ctx, run); err != nil {
		return err
	}
	var err error
	if d.Setup {
		seen.Frozen, err = r.setup(ctx, run, d.Status.Attempt)
	} else {
		err = r.createJob(ctx, run, d, seen)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		logf.FromContext(ctx).Info("API server refused an object", "reason", refused.block.Reason, "message", refused.block.Message)
		seen.Refused = &refused.block
		return nil
	}
	return err
}

func (r *Reconciler) finalize(ctx context.Context, run *v1alpha1.ValidationRun) error {
	before := run.DeepCopy()
	if !controllerutil.AddFinalizer(run, v1alpha1.Finalizer) {
		return nil
	}
	if err := r.Client.Patch(ctx, run, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("adding the finalizer: %w", stale(err))
	}
	return nil
}

// setup makes the identity of a run that names none, and freezes its inputs.
func (r *Reconciler) setup(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64) ([]v1alpha1.Input, error) {
	if run.Spec.ServiceAccountName == "" {
		if err := r.createOwned(ctx, run, workload.ServiceAccount(run)); err != nil {
			return nil, err
		}
		if err := r.createOwned(ctx, run, workload.RoleBinding(run)); err != nil {
			return nil, err
		}
	}
	spec, err := workload.EncodeSpec(&run.Spec)
	if err != nil {
		return nil, err
	}
	in, err := r.freeze(ctx, run, attempt, workload.InputSpec, spec)
	if err != nil {
		return nil, err
	}
	frozen := []v1alpha1.Input{in}
	for _, source := range workload.Sources(&run.Spec) {
		content, why, err := r.sourceContent(ctx, run, source)
		if err != nil {
			return nil, err
		}
		if why != "" {
			return nil, &refusal{block: plan.Block{Reason: v1alpha1.ReasonInputMissing, Message: why}}
		}
		if in, err = r.freeze(ctx, run, attempt, source.Input, content); err != nil {
			return nil, err
		}
		frozen = append(frozen, in)
	}
	return frozen, nil
}

// freeze copies an input. A copy that is there already was made by a pass that was cut off, and stands.
func (r *Reconciler) freeze(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, input string, content []byte) (v1alpha1.Input, error) {
	cm := workload.FrozenInput(run, attempt, input, content)
	if err := r.createOwned(ctx, run, cm); err != nil {
		return v1alpha1.Input{}, err
	}
	return workload.Frozen(input, cm), nil
}

func (r *Reconciler) createJob(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	spec := run.Spec.DeepCopy()
	spec.SetDefaults()
	for i := range spec.Phases {
		if spec.Phases[i].Name != d.Create.Phase {
			continue
		}
		job, err := workload.Job(run, &spec.Phases[i], *d.Create)
		if err != nil {
			return &refusal{block: plan.Block{Reason: v1alpha1.ReasonInvalidSpec, Message: err.Error(), Final: true}}
		}
		if err := r.createOwned(ctx, run, job); err != nil {
			return err
		}
		logf.FromContext(ctx).Info("Created Job", "phase", d.Create.Phase, "attempt", d.Create.Attempt, "job", klog.KObj(job))
		seen.Jobs = append(seen.Jobs, r.lookAtJob(run, job, nil))
		return nil
	}
	return fmt.Errorf("creating Job: the spec has no phase %s", d.Create.Phase)
}

// createOwned creates an object, or finds that it is there and the run's own; the object is then as the API server has it.
func (r *Reconciler) createOwned(ctx context.Context, run *v1alpha1.ValidationRun, o client.Object) error {
	what := fmt.Sprintf("%T %s", o, o.GetName())
	err := r.Client.Create(ctx, o)
	if err == nil {
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return refused(what, err)
	}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
		return fmt.Errorf("getting %s: %w", what, err)
	}
	switch {
	case metav1.IsControlledBy(o, run) && o.GetDeletionTimestamp() == nil:
		return nil
	case o.GetDeletionTimestamp() != nil:
		return &refusal{block: plan.Block{Reason: v1alpha1.ReasonNameConflict, Message: what + " is being deleted"}}
	}
	return &refusal{block: plan.Block{
		Reason: v1alpha1.ReasonNameConflict, Message: what + " exists and does not belong to this run: delete it, or rename the run", Final: true,
	}}
}

// act does what a decision says besides what it asked to be made.
func (r *Reconciler) act(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen plan.Observed) error {
	for _, name := range d.Stop {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: name}}
		if err := r.Client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting Job %s: %w", name, err)
		}
	}
	if err := r.shorten(ctx, run, d.Shorten); err != nil {
		return err
	}
	r.follow(run, d.Follow, seen)
	if d.Keep != nil && d.Status.Verdict == "" {
		return r.keep(ctx, run, d)
	}
	return nil
}

// shorten lowers a pod's deadline. The UID in the patch is a precondition: another pod of the name is left alone.
func (r *Reconciler) shorten(ctx context.Context, run *v1alpha1.ValidationRun, s *plan.Shorten) error {
	if s == nil {
		return nil
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: s.Pod}}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"spec":{"activeDeadlineSeconds":%d}}`, s.UID, s.Seconds)
	err := r.Client.Patch(ctx, pod, client.RawPatch(types.MergePatchType, []byte(patch)))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err) {
		// The pod has changed under our hands; the next pass sees how.
		logf.FromContext(ctx).V(4).Info("Pod took no shorter deadline", "pod", s.Pod, "error", err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("lowering the deadline of pod %s: %w", s.Pod, err)
	}
	return nil
}

// follow reads the logs of the pod that counts, and lets go of all others of the run.
func (r *Reconciler) follow(run *v1alpha1.ValidationRun, uid types.UID, seen plan.Observed) {
	key := client.ObjectKeyFromObject(run)
	r.follows.keepOnly(key, uid)
	for _, job := range seen.Jobs {
		for _, pod := range job.Pods {
			if pod.UID == uid && uid != "" {
				r.follows.read(key, job.Name, pod)
			}
		}
	}
}

// release takes the finalizer away once there are no pods, and with it the evidence that the result has made superfluous.
func (r *Reconciler) release(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision) error {
	if d.Finalizer || !controllerutil.ContainsFinalizer(run, v1alpha1.Finalizer) {
		return nil
	}
	if run.DeletionTimestamp.IsZero() {
		if err := r.dropEvidence(ctx, run); err != nil {
			return err
		}
	}
	before := run.DeepCopy()
	controllerutil.RemoveFinalizer(run, v1alpha1.Finalizer)
	err := r.Client.Patch(ctx, run, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", stale(err))
	}
	return nil
}

func (r *Reconciler) forget(run types.NamespacedName) {
	r.follows.keepOnly(run, "")
	r.published.forget(run)
}
