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

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/plan"
)

// observe gathers what a decision about a run needs.
func (r *Reconciler) observe(ctx context.Context, run *v1alpha1.ValidationRun) (plan.Observed, error) {
	var seen plan.Observed
	k, err := r.observeJobs(ctx, run, &seen)
	if err != nil || !run.DeletionTimestamp.IsZero() {
		return seen, err
	}
	if err := r.observeLater(ctx, run, &seen); err != nil {
		return seen, err
	}
	r.observeBlocks(ctx, k, &seen)
	if err := r.observeSpec(ctx, run, &seen); err != nil {
		return seen, err
	}
	if err := r.observeInputs(ctx, run, &seen); err != nil {
		return seen, err
	}
	err = r.observeDocuments(ctx, run, &seen)
	return seen, err
}

// observeJobs lists the run's Jobs and their pods. The cache may be behind: where a Job or a pod less would make a difference (before the
// first Job of an attempt, at the run's deletion, where status names a Job that is not there, where a Job has ended without a pod) the
// API server is asked.
func (r *Reconciler) observeJobs(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) (*kin, error) {
	var jobs batchv1.JobList
	from, how := client.Reader(r.Client), []client.ListOption{client.InNamespace(run.Namespace), client.MatchingFields{indexRun: string(run.UID)}}
	if startsAfterAnother(run) || !run.DeletionTimestamp.IsZero() {
		from, how = r.Live, []client.ListOption{client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRunUID: string(run.UID)}}
	}
	// What comes from the cache is the cache's own: it is looked at, and never changed.
	if err := from.List(ctx, &jobs, append(how, client.UnsafeDisableDeepCopy)...); err != nil {
		return nil, fmt.Errorf("listing Jobs: %w", err)
	}
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.InNamespace(run.Namespace), client.MatchingFields{indexRun: string(run.UID)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	k := r.kinOf(run, pods.Items)
	for i := range jobs.Items {
		if !metav1.IsControlledBy(&jobs.Items[i], run) {
			continue
		}
		job, err := r.lookAtJob(ctx, k, &jobs.Items[i])
		if err != nil {
			return nil, err
		}
		seen.Jobs = append(seen.Jobs, job)
	}
	if err := r.observeMissing(ctx, k, seen); err != nil {
		return nil, err
	}
	slices.SortFunc(seen.Jobs, func(a, b plan.Job) int { return strings.Compare(a.Name, b.Name) })
	return k, nil
}

// observeLater is an error where there are Jobs of a later attempt than the run that was read knows of, and a later state of the run does.
func (r *Reconciler) observeLater(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	if slices.ContainsFunc(seen.Jobs, func(j plan.Job) bool { return j.Item.Attempt > run.Status.Attempt }) {
		return r.current(ctx, run)
	}
	return nil
}

// startsAfterAnother says that what is due has no Job yet, and that there were others before it: of an earlier attempt, or of an earlier
// run of the phase.
func startsAfterAnother(run *v1alpha1.ValidationRun) bool {
	first := !slices.ContainsFunc(run.Status.Phases, func(p v1alpha1.PhaseStatus) bool { return len(p.Jobs) > 0 || p.FanOut != nil })
	return run.Status.Attempt > 1 && first || slices.ContainsFunc(units(run), func(u unit) bool {
		return u.state == v1alpha1.PhaseRunning && u.item.Restart > 0 && len(u.jobsThatCount(run)) == 0
	})
}

// observeMissing looks for the Jobs that status names for phases that have not ended, and that the cache does not have.
func (r *Reconciler) observeMissing(ctx context.Context, k *kin, seen *plan.Observed) error {
	there := make(map[string]bool, len(seen.Jobs))
	for i := range seen.Jobs {
		there[seen.Jobs[i].Name] = true
	}
	for _, u := range k.units {
		for _, name := range u.jobsThatCount(k.run) {
			if there[name] {
				continue
			}
			job := &batchv1.Job{}
			err := r.Live.Get(ctx, types.NamespacedName{Namespace: k.run.Namespace, Name: name}, job)
			switch {
			case err == nil && metav1.IsControlledBy(job, k.run):
				found, err := r.lookAtJob(ctx, k, job)
				if err != nil {
					return err
				}
				seen.Jobs = append(seen.Jobs, found)
			case err == nil || apierrors.IsNotFound(err):
				gone := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: k.run.Namespace, Name: name}}
				found := plan.Job{Name: name, Item: k.itemOf(gone), Gone: true}
				if found.Pods, err = r.lookClosely(ctx, k, gone); err != nil {
					return err
				}
				seen.Jobs = append(seen.Jobs, found)
			default:
				return fmt.Errorf("getting Job %s: %w", name, err)
			}
		}
	}
	return nil
}

// lookAtJob looks at a Job with its pods. What the logs say is of interest only where an outcome may still come of it.
func (r *Reconciler) lookAtJob(ctx context.Context, k *kin, job *batchv1.Job) (plan.Job, error) {
	out := plan.Job{
		Name:     job.Name,
		Item:     k.itemOf(job),
		Deleting: !job.DeletionTimestamp.IsZero(),
		Finished: slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		}),
	}
	if _, counts := k.running(out.Item); !counts {
		out.Pods = podsOf(job, k.pods[job.Name])
		return out, nil
	}
	out.Pods = r.lookAtPods(k, job, k.pods[job.Name])
	if !out.Finished && !out.Deleting && !anyGone(out.Pods) {
		return out, nil
	}
	var err error
	out.Pods, err = r.lookClosely(ctx, k, job)
	return out, err
}

// anyGone says whether a pod that was followed is not there any more, as far as the cache knows.
func anyGone(pods []plan.Pod) bool {
	return slices.ContainsFunc(pods, func(p plan.Pod) bool { return p.Gone })
}

// lookClosely looks at the pods of a Job that has ended or is gone, or whose pod is. Where the cache has none, or has lost one, the API
// server is asked: pods come by a watch of their own, and one that was found by asking may not have come by it yet.
func (r *Reconciler) lookClosely(ctx context.Context, k *kin, job *batchv1.Job) ([]plan.Pod, error) {
	if out := r.lookAtPods(k, job, k.pods[job.Name]); len(out) > 0 && !anyGone(out) {
		return out, nil
	}
	var live corev1.PodList
	// By the Job controller's label: a run has thousands of pods, and many of its Jobs may end at once.
	err := r.Live.List(ctx, &live, client.InNamespace(k.run.Namespace), client.MatchingLabels{
		v1alpha1.LabelRunUID: string(k.run.UID), batchv1.JobNameLabel: job.Name,
	})
	if err != nil {
		return nil, fmt.Errorf("listing pods of Job %s: %w", job.Name, err)
	}
	if out := r.lookAtPods(k, job, byJob(live.Items)[job.Name]); len(out) > 0 {
		return out, nil
	}
	return r.recall(ctx, k.run, k.itemOf(job))
}

// lookAtPods looks at the pods of a Job, those that are followed and gone among them, and at their logs.
func (r *Reconciler) lookAtPods(k *kin, job *batchv1.Job, pods []*corev1.Pod) []plan.Pod {
	out := podsOf(job, pods)
	out = append(out, r.follows.gone(client.ObjectKeyFromObject(k.run), job.Name, out)...)
	for i := range out {
		r.lookAtLogs(&out[i])
	}
	slices.SortFunc(out, func(a, b plan.Pod) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// lookAtLogs fills in what the logs of a pod say, the end of the validator's in its termination message included.
func (r *Reconciler) lookAtLogs(pod *plan.Pod) {
	r.follows.look(pod)
	lookAtMessage(pod)
}

// lookAtMessage fills in what the termination message of a pod's validator says.
func lookAtMessage(pod *plan.Pod) {
	if exit := pod.Validator.Exit; exit != nil && exit.Message != "" {
		pod.Log.Witness = witness(exit.Message, framing(pod))
	}
}

// framing is how the stream of a pod is framed, as far as that is known: by what was read of it, or else by the command that prints it.
func framing(pod *plan.Pod) gotest.Framing {
	if f := pod.Log.Stream.Framing; f != gotest.Unframed || !pod.Framed {
		return f
	}
	return gotest.Marked
}

// witness reads the end of a stream that is known to be framed so. Where it turns out to be framed better it is read anew: a line that only
// looked like a frame is what a check printed.
func witness(message string, framing gotest.Framing) gotest.Result {
	stream := gotest.NewFramedStream(gotest.DefaultLimits(), framing)
	_, _ = stream.Write([]byte(message)) // it never fails
	_ = stream.Close()                   // nor does this
	out := stream.Result()
	if out.Framing != framing {
		return witness(message, out.Framing)
	}
	return out
}
