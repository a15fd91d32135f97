package controller

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

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
func asks(d plan.Decision, seen *plan.Observed) bool {
	return d.Freeze || d.Setup || d.Capture || d.FreezeNodes != nil || len(d.Create) > 0 || d.Store || len(d.Unkept(seen)) > 0
}

// make makes what a decision asks for and adds it, or its refusal, to what was seen.
func (r *Reconciler) make(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	// The finalizer comes before anything that it has to outlive, or that goes with it.
	if err := r.finalize(ctx, run); err != nil {
		return err
	}
	var err error
	switch {
	case len(d.Unkept(seen)) > 0:
		return r.keep(ctx, run, d.Unkept(seen), seen)
	case d.Store:
		return r.store(ctx, run, d, seen)
	case d.Freeze:
		err = r.freezeSpec(ctx, run, d, seen)
	case d.Setup:
		err = r.freezeSources(ctx, run, d.Status.Attempt, seen)
	case d.Capture:
		err = r.freezeCaptured(ctx, run, d, seen)
		if refused, ok := errors.AsType[*refusal](err); ok {
			seen.CaptureRefused = logRefusal(ctx, refused)
			return nil
		}
	case d.FreezeNodes != nil:
		err = r.freezeNodes(ctx, run, d.Status.Attempt, d.FreezeNodes, seen)
		if refused, ok := errors.AsType[*refusal](err); ok {
			if seen.RefusedNodes == nil {
				seen.RefusedNodes = map[string]*plan.Block{}
			}
			seen.RefusedNodes[d.FreezeNodes.Phase] = logRefusal(ctx, refused)
			return nil
		}
	default:
		return r.createJobs(ctx, run, d, seen)
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		seen.Refused = logRefusal(ctx, refused)
		return nil
	}
	return err
}

func logRefusal(ctx context.Context, refused *refusal) *plan.Block {
	logf.FromContext(ctx).Info("API server refused an object", "reason", refused.block.Reason, "message", refused.block.Message)
	return &refused.block
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

// freezeSpec makes room, makes the identity of a run that names none, and freezes the attempt's spec.
func (r *Reconciler) freezeSpec(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	if d.Status.Attempt > 1 {
		if err := r.prune(ctx, run, &d.Status); err != nil {
			return err
		}
	}
	if run.Spec.ServiceAccountName == "" {
		if _, err := createOwned(ctx, r, run, workload.ServiceAccount(run)); err != nil {
			return err
		}
		if _, err := createOwned(ctx, r, run, workload.RoleBinding(run)); err != nil {
			return err
		}
	}
	spec, err := workload.EncodeSpec(&run.Spec)
	if err != nil {
		return err
	}
	in, err := r.freeze(ctx, run, d.Status.Attempt, workload.InputSpec, spec)
	if err != nil {
		return err
	}
	seen.Frozen = []v1alpha1.Input{in}
	return nil
}

// freezeSources freezes the inputs that the spec names.
func (r *Reconciler) freezeSources(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, seen *plan.Observed) error {
	frozen := seen.Frozen[:1:1]
	for _, source := range workload.Sources(&run.Spec) {
		content, why, err := r.sourceContent(ctx, run, source)
		if err != nil {
			return err
		}
		if why != "" {
			return &refusal{block: plan.Block{Reason: v1alpha1.ReasonInputMissing, Message: why}}
		}
		in, err := r.freeze(ctx, run, attempt, source.Input, content)
		if err != nil {
			return err
		}
		frozen = append(frozen, in)
	}
	seen.Frozen = frozen
	return r.observeDocuments(ctx, run, seen)
}

// freeze copies an input. A copy that is there already was made by a pass that was cut off, and stands.
func (r *Reconciler) freeze(ctx context.Context, run *v1alpha1.ValidationRun, attempt int64, input string, content []byte) (v1alpha1.Input, error) {
	cm, err := createOwned(ctx, r, run, workload.FrozenInput(run, attempt, input, content))
	if err != nil {
		return v1alpha1.Input{}, err
	}
	if err := isOwn(run, cm); err != nil {
		return v1alpha1.Input{}, &refusal{block: plan.Block{
			Reason: v1alpha1.ReasonNameConflict, Message: fmt.Sprintf("ConfigMap %s is in the way: %v: delete it", cm.Name, err),
		}}
	}
	return workload.Frozen(input, cm), nil
}

// createJobs creates the Jobs that a decision asks for, or finds out which of them the API server does not take.
func (r *Reconciler) createJobs(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen *plan.Observed) error {
	seen.RefusedJobs = map[workload.Item]*plan.Block{}
	k := r.kinOf(run, nil)
	for i := range d.Create {
		c := &d.Create[i]
		job, err := r.createJob(ctx, run, c)
		if refused, ok := errors.AsType[*refusal](err); ok {
			seen.RefusedJobs[c.Item] = logRefusal(ctx, refused)
			continue
		}
		if err != nil {
			return err
		}
		created, err := r.lookAtJob(ctx, k, job)
		if err != nil {
			return err
		}
		created.Item = c.Item // whatever the labels of one that was there already say
		seen.Jobs = append(seen.Jobs, created)
	}
	return nil
}

func (r *Reconciler) createJob(ctx context.Context, run *v1alpha1.ValidationRun, c *plan.Creation) (*batchv1.Job, error) {
	job, err := workload.Job(run, &c.Phase, c.Item)
	if err != nil {
		return nil, &refusal{block: plan.Block{Reason: v1alpha1.ReasonInvalidSpec, Message: err.Error(), Final: true}}
	}
	if job, err = createOwned(ctx, r, run, job); err != nil {
		return nil, err
	}
	logf.FromContext(ctx).Info("Created Job", "phase", c.Item.Phase, "attempt", c.Item.Attempt, "job", klog.KObj(job))
	return job, nil
}

// createOwned creates an object, or finds that it is there and the run's own. It returns the object as the API server has it.
func createOwned[T client.Object](ctx context.Context, r *Reconciler, run *v1alpha1.ValidationRun, o T) (T, error) {
	what := reflect.TypeOf(o).Elem().Name() + " " + o.GetName()
	err := r.Client.Create(ctx, o)
	if err == nil {
		return o, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return o, refused(what, err)
	}
	// Read into an object of its own: into o, what a stranger's object leaves out would stay ours.
	found := reflect.New(reflect.TypeOf(o).Elem()).Interface().(T)
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(o), found); err != nil {
		return o, fmt.Errorf("getting %s: %w", what, err)
	}
	switch {
	case metav1.IsControlledBy(found, run) && found.GetDeletionTimestamp() == nil:
		return found, nil
	case leftBehind(found, run):
		r.clear(ctx, found)
		return o, &refusal{block: plan.Block{Reason: v1alpha1.ReasonNameConflict, Message: what + " of an earlier run is being deleted"}}
	case found.GetDeletionTimestamp() != nil:
		return o, &refusal{block: plan.Block{Reason: v1alpha1.ReasonNameConflict, Message: what + " is being deleted"}}
	}
	return o, &refusal{block: plan.Block{
		Reason: v1alpha1.ReasonNameConflict, Message: what + " exists and does not belong to this run: delete it, or rename the run", Final: true,
	}}
}

// clear deletes a ConfigMap that a run of the same name has left behind. The garbage collector does as well, unless it took the one run
// for the other: to a watch that was cut off in between, a run made anew is the old one, changed.
func (r *Reconciler) clear(ctx context.Context, o client.Object) {
	if _, ok := o.(*corev1.ConfigMap); !ok || o.GetDeletionTimestamp() != nil {
		return
	}
	if err := client.IgnoreNotFound(r.Client.Delete(ctx, o, client.Preconditions{UID: new(o.GetUID())})); err != nil {
		logf.FromContext(ctx).Info("What an earlier run has left behind cannot be deleted", "configMap", klog.KObj(o), "error", err.Error())
	}
}

// leftBehind says that an object belonged to an earlier run of the same name, so that the garbage collector is about to take it.
func leftBehind(o client.Object, run *v1alpha1.ValidationRun) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.Kind == "ValidationRun" && owner.Name == run.Name && owner.UID != run.UID &&
		strings.HasPrefix(owner.APIVersion, v1alpha1.GroupVersion.Group+"/")
}

// act does what a decision says besides what it asked to be made. It does all that it can.
func (r *Reconciler) act(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision, seen plan.Observed) error {
	var failed []error
	if err := r.follow(ctx, run, d.Follow, seen); err != nil {
		failed = append(failed, err)
	}
	for _, s := range d.Shorten {
		r.shorten(ctx, run, s)
	}
	r.checkpoint(ctx, run, d, seen)
	for _, name := range d.Stop {
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: name}}
		err := client.IgnoreNotFound(r.Client.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground)))
		if err != nil {
			failed = append(failed, fmt.Errorf("deleting Job %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// shorten lowers a pod's deadline. The UID in the patch is a precondition: another pod of the name is left alone. Where it cannot be done
// the first deadline stands, and the operator's own look at the clock.
func (r *Reconciler) shorten(ctx context.Context, run *v1alpha1.ValidationRun, s plan.Shorten) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: s.Pod}}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"spec":{"activeDeadlineSeconds":%d}}`, s.UID, s.Seconds)
	if err := r.Client.Patch(ctx, pod, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		logf.FromContext(ctx).Info("Pod takes no shorter deadline", "pod", klog.KObj(pod), "error", err.Error())
	}
}

// follow reads the logs of the pods that count. One of which the checkpoint cannot be read for now keeps no other from being read.
func (r *Reconciler) follow(ctx context.Context, run *v1alpha1.ValidationRun, pods []types.UID, seen plan.Observed) error {
	key := client.ObjectKeyFromObject(run)
	var failed []error
	for _, job := range seen.Jobs {
		for _, pod := range job.Pods {
			if !slices.Contains(pods, pod.UID) {
				continue
			}
			if err := r.resume(ctx, run, job, pod); err != nil {
				failed = append(failed, err)
				continue
			}
			r.follows.read(key, job.Name, pod, r.Clock.Now())
		}
	}
	return errors.Join(failed...)
}

// release takes the finalizer away once there are no pods, and with it the evidence that the result has made superfluous.
func (r *Reconciler) release(ctx context.Context, run *v1alpha1.ValidationRun, d plan.Decision) error {
	if d.Finalizer || !controllerutil.ContainsFinalizer(run, v1alpha1.Finalizer) {
		return nil
	}
	if run.DeletionTimestamp.IsZero() && len(run.Status.Results) > 0 {
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
	r.follows.keepOnly(run, nil)
	r.published.forget(run)
	r.documents.forget(run)
	r.unkept.forget(run)
	r.answers.forget(run)
}
