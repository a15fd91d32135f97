package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/gotest"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// observe gathers what a decision about a run needs.
func (r *Reconciler) observe(ctx context.Context, run *v1alpha1.ValidationRun) (plan.Observed, error) {
	var seen plan.Observed
	if err := r.observeJobs(ctx, run, &seen); err != nil || !run.DeletionTimestamp.IsZero() {
		return seen, err
	}
	if err := r.observeLater(ctx, run, &seen); err != nil {
		return seen, err
	}
	r.observeBlocks(ctx, run, &seen)
	if err := r.observeSpec(ctx, run, &seen); err != nil {
		return seen, err
	}
	if err := r.observeInputs(ctx, run, &seen); err != nil {
		return seen, err
	}
	err := r.observeDocuments(ctx, run, &seen)
	return seen, err
}

// observeJobs lists the run's Jobs and their pods. The cache may be behind: where a Job or a pod less would make a difference (before the
// first Job of an attempt, at the run's deletion, where status names a Job that is not there, where a Job has ended without a pod) the
// API server is asked.
func (r *Reconciler) observeJobs(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) error {
	var jobs batchv1.JobList
	from, how := client.Reader(r.Client), []client.ListOption{client.InNamespace(run.Namespace), client.MatchingFields{indexRun: string(run.UID)}}
	if startsAfterAnother(run) || !run.DeletionTimestamp.IsZero() {
		from, how = r.Live, []client.ListOption{client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRunUID: string(run.UID)}}
	}
	if err := from.List(ctx, &jobs, how...); err != nil {
		return fmt.Errorf("listing Jobs: %w", err)
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(run.Namespace), client.MatchingFields{indexRun: string(run.UID)}); err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	for i := range jobs.Items {
		if !metav1.IsControlledBy(&jobs.Items[i], run) {
			continue
		}
		job, err := r.lookAtJob(ctx, run, &jobs.Items[i], pods.Items)
		if err != nil {
			return err
		}
		seen.Jobs = append(seen.Jobs, job)
	}
	if err := r.observeMissing(ctx, run, seen, pods.Items); err != nil {
		return err
	}
	slices.SortFunc(seen.Jobs, func(a, b plan.Job) int { return strings.Compare(a.Name, b.Name) })
	return nil
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
func (r *Reconciler) observeMissing(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed, pods []corev1.Pod) error {
	for _, u := range units(run) {
		for _, name := range u.jobsThatCount(run) {
			if slices.ContainsFunc(seen.Jobs, func(j plan.Job) bool { return j.Name == name }) {
				continue
			}
			job := &batchv1.Job{}
			err := r.Live.Get(ctx, types.NamespacedName{Namespace: run.Namespace, Name: name}, job)
			switch {
			case err == nil && metav1.IsControlledBy(job, run):
				found, err := r.lookAtJob(ctx, run, job, pods)
				if err != nil {
					return err
				}
				seen.Jobs = append(seen.Jobs, found)
			case err == nil || apierrors.IsNotFound(err):
				gone := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: run.Namespace, Name: name}}
				found := plan.Job{Name: name, Item: itemOf(run, gone), Gone: true}
				if found.Pods, err = r.lookClosely(ctx, run, gone, pods); err != nil {
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

// lookAtJob looks at a Job with its pods.
func (r *Reconciler) lookAtJob(ctx context.Context, run *v1alpha1.ValidationRun, job *batchv1.Job, pods []corev1.Pod) (plan.Job, error) {
	out := plan.Job{
		Name:     job.Name,
		Item:     itemOf(run, job),
		Deleting: !job.DeletionTimestamp.IsZero(),
		Finished: slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		}),
		Pods: r.lookAtPods(run, job, pods),
	}
	if !out.Finished && !out.Deleting && !anyGone(out.Pods) || !counts(run, out.Item) {
		return out, nil
	}
	var err error
	out.Pods, err = r.lookClosely(ctx, run, job, pods)
	return out, err
}

// anyGone says whether a pod that was followed is not there any more, as far as the cache knows.
func anyGone(pods []plan.Pod) bool {
	return slices.ContainsFunc(pods, func(p plan.Pod) bool { return p.Gone })
}

// lookClosely looks at the pods of a Job that has ended or is gone, or whose pod is. Where the cache has none, or has lost one, the API
// server is asked: pods come by a watch of their own, and one that was found by asking may not have come by it yet.
func (r *Reconciler) lookClosely(ctx context.Context, run *v1alpha1.ValidationRun, job *batchv1.Job, pods []corev1.Pod) ([]plan.Pod, error) {
	if out := r.lookAtPods(run, job, pods); len(out) > 0 && !anyGone(out) {
		return out, nil
	}
	var live corev1.PodList
	err := r.Live.List(ctx, &live, client.InNamespace(run.Namespace), client.MatchingLabels{v1alpha1.LabelRunUID: string(run.UID)})
	if err != nil {
		return nil, fmt.Errorf("listing pods of Job %s: %w", job.Name, err)
	}
	if out := r.lookAtPods(run, job, live.Items); len(out) > 0 {
		return out, nil
	}
	return r.recall(ctx, run, itemOf(run, job))
}

// lookAtPods looks at the pods of a Job, those that are followed and gone among them.
func (r *Reconciler) lookAtPods(run *v1alpha1.ValidationRun, job *batchv1.Job, pods []corev1.Pod) []plan.Pod {
	var out []plan.Pod
	for i := range pods {
		if owner := metav1.GetControllerOf(&pods[i]); owner == nil || owner.Kind != "Job" || owner.Name != job.Name {
			continue
		}
		out = append(out, plan.Look(&pods[i]))
	}
	out = append(out, r.follows.gone(client.ObjectKeyFromObject(run), job.Name, out)...)
	for i := range out {
		r.lookAtLogs(&out[i])
	}
	slices.SortFunc(out, func(a, b plan.Pod) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// lookAtLogs fills in what the logs of a pod say, the end of the validator's in its termination message included.
func (r *Reconciler) lookAtLogs(pod *plan.Pod) {
	r.follows.look(pod)
	if pod.Validator.Exit == nil || pod.Validator.Exit.Message == "" {
		return
	}
	witness := gotest.NewStream(gotest.DefaultLimits())
	_, _ = witness.Write([]byte(pod.Validator.Exit.Message)) // it never fails
	_ = witness.Close()                                      // nor does this
	pod.Log.Witness = witness.Result()
}

// patience is how long a start takes before the events are asked what keeps it: most starts are over by then.
const patience = 3 * time.Second

// observeBlocks asks the events why a Job of the current attempt has no pod, or its pod no container. They only give a wait its name, so
// that a failure to read them is no reason to stop.
func (r *Reconciler) observeBlocks(ctx context.Context, run *v1alpha1.ValidationRun, seen *plan.Observed) {
	for i := range seen.Jobs {
		job := &seen.Jobs[i]
		if !r.lasts(run, job.Item) || job.Finished || job.Gone || job.Deleting || job.Item.Attempt != run.Status.Attempt || len(job.Pods) > 1 {
			continue
		}
		if len(job.Pods) == 0 {
			job.Blocked = plan.BlockedJob(r.eventsAbout(ctx, run.Namespace, "Job", job.Name))
			continue
		}
		pod := &job.Pods[0]
		if pod.Gone || pod.Blocked != nil || pod.List.ID != "" || pod.Validator.ID != "" || pod.Started.IsZero() {
			continue
		}
		pod.Blocked = plan.BlockedPod(r.eventsAbout(ctx, run.Namespace, "Pod", pod.Name))
	}
}

// lasts says whether an item runs, and has been due for longer than most starts take.
func (r *Reconciler) lasts(run *v1alpha1.ValidationRun, item workload.Item) bool {
	item.Unlisted = false
	return slices.ContainsFunc(units(run), func(u unit) bool {
		return u.item == item && u.state == v1alpha1.PhaseRunning && r.Clock.Since(u.since) >= patience
	})
}

func (r *Reconciler) eventsAbout(ctx context.Context, namespace, kind, name string) []eventsv1.Event {
	var events eventsv1.EventList
	err := r.Live.List(ctx, &events, client.InNamespace(namespace), client.MatchingFields{"regarding.kind": kind, "regarding.name": name})
	if err != nil {
		logf.FromContext(ctx).Info("Events cannot be listed", "regarding", kind+"/"+name, "error", err.Error())
	}
	return events.Items
}
