// Package controller does all the I/O on API objects: it observes what belongs to a ValidationRun, has package plan decide, acts on the
// decision and publishes the status. It decides nothing about phases or verdicts itself.
package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/recorder"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/metrics"
	"github.com/validation-operator/validation-operator/internal/plan"
	"github.com/validation-operator/validation-operator/internal/podlog"
	"github.com/validation-operator/validation-operator/internal/report"
)

// +kubebuilder:rbac:groups=validation.aicr.dev,resources=validationruns,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=validation.aicr.dev,resources=validationruns/status,verbs=patch
// +kubebuilder:rbac:groups=validation.aicr.dev,resources=validationruns/finalizers,verbs=update
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch;patch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=list
// +kubebuilder:rbac:groups="",resources=pods/log,verbs=get
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;create;update;delete;deletecollection
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;create
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings,verbs=get;create
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,verbs=bind,resourceNames=validation-check
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=list;create;patch

const (
	// progressEvery is how often status shows the progress of a running phase at most.
	progressEvery = 10 * time.Second
	// noticeEvery is how often a run whose log goes on is looked at, at most.
	noticeEvery = 5 * time.Second
	// passTimeout bounds one pass, so that a hanging API call does not hold a run for ever.
	passTimeout = time.Minute
	// followsPerNode leaves most of a node's 128 inotify instances, which every followed log takes one of, to everybody else.
	followsPerNode = 64
	// maxAsked is more than a pass ever has to make: the spec, the inputs, the snapshot, the nodes of each phase that is due, Jobs, the
	// evidence, the result.
	maxAsked = 32
	// retryAtMost keeps a run whose passes fail from sleeping past its deadlines.
	retryAtMost = 30 * time.Second
	// DefaultConcurrency is how many runs are worked on at once where nothing else is asked for.
	DefaultConcurrency = 10
	// indexRun is the cache's index of Jobs and pods by the UID of their run.
	indexRun = "run"
)

// Reconciler brings ValidationRuns to their verdicts.
type Reconciler struct {
	// Client reads ValidationRuns, Jobs and pods from the cache and writes; Live reads from the API server.
	Client client.Client
	Live   client.Reader
	// Logs opens containers' logs.
	Logs podlog.Source
	// Events records what happened, for people.
	Events recorder.EventRecorder
	// Clock tells the time.
	Clock clock.PassiveClock
	// Metrics counts what happened; nil counts nothing.
	Metrics *metrics.Metrics
	// Results bounds what the result of an attempt takes.
	Results report.Limits
	// Concurrency is how many runs are worked on at once.
	Concurrency int

	follows   *follows
	published published
	documents documents
	unkept    unkept
	answers   answers
	nodes     nodeList
}

// New returns a reconciler that does all its I/O through a manager's clients. Its public fields may be changed before SetupWithManager.
func New(mgr ctrl.Manager) (*Reconciler, error) {
	logs, err := kubernetes.NewForConfig(mgr.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("making the client for logs: %w", err)
	}
	return &Reconciler{
		Client:      mgr.GetClient(),
		Live:        mgr.GetAPIReader(),
		Logs:        podlog.NewSource(logs),
		Events:      mgr.GetEventRecorder("validation-operator"),
		Clock:       clock.RealClock{},
		Concurrency: DefaultConcurrency,
	}, nil
}

// SetupWithManager registers the reconciler and the log followers with the manager.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	changed := make(chan event.TypedGenericEvent[types.NamespacedName], 1024)
	r.follows = newFollows(r.Logs, func(run types.NamespacedName) {
		select {
		case changed <- event.TypedGenericEvent[types.NamespacedName]{Object: run}:
		case <-ctx.Done():
		}
	})
	r.follows.metrics = r.Metrics
	if err := r.Metrics.SetupWithManager(ctx, mgr, r.follows.open); err != nil {
		return fmt.Errorf("setting up metrics: %w", err)
	}
	if err := mgr.Add(r.follows); err != nil {
		return fmt.Errorf("adding the log followers: %w", err)
	}
	for _, kind := range []client.Object{&batchv1.Job{}, &corev1.Pod{}} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, kind, indexRun, runOf); err != nil {
			return fmt.Errorf("indexing %T by run: %w", kind, err)
		}
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.ValidationRun{}).
		Owns(&batchv1.Job{}).
		Watches(&corev1.Pod{}, onPod()).
		WatchesRawSource(source.Channel(changed, onLog())).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Concurrency,
			ReconciliationTimeout:   passTimeout,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](5*time.Millisecond, retryAtMost),
		}).
		Complete(r)
}

// Reconcile is one pass over one run.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	run := &v1alpha1.ValidationRun{}
	if err := r.Client.Get(ctx, request.NamespacedName, run); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(request.NamespacedName)
		}
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	after, err := r.pass(ctx, run)
	if errors.Is(err, errStale) {
		logf.FromContext(ctx).V(4).Info("Run has changed since it was read", "error", err.Error())
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: after}, err
}

// errStale says that the run has changed since the cache saw it. The change's own event brings the next pass.
var errStale = errors.New("stale read")

// stale marks the conflicts of writes to the run itself.
func stale(err error) error {
	if apierrors.IsConflict(err) {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	return err
}

// pass observes, decides, acts and publishes, and returns when to look again. A decision that asks for something to be made is taken
// again once that is made, and only then published, so that one write of status holds both.
func (r *Reconciler) pass(ctx context.Context, run *v1alpha1.ValidationRun) (time.Duration, error) {
	seen, err := r.observe(ctx, run)
	if err != nil {
		return 0, err
	}
	now := r.Clock.Now()
	decision := plan.Decide(run, seen, now)
	for asked := 0; asks(decision, &seen); asked++ {
		if asked == maxAsked {
			return 0, fmt.Errorf("deciding about phase Jobs of attempt %d does not come to rest", decision.Status.Attempt)
		}
		if err := r.make(ctx, run, decision, &seen); err != nil {
			if errors.Is(err, errStale) {
				return 0, err
			}
			// Whatever cannot be written, logs are read: a kubelet keeps them only for so long.
			return 0, errors.Join(err, r.follow(ctx, run, decision.Follow, seen))
		}
		decision = plan.Decide(run, seen, now)
	}
	// What cannot be done is said after status is written: it is no reason for silence about the rest.
	undone := r.act(ctx, run, decision, seen)
	verdict, again := run.Status.Verdict, r.keepHeld(ctx, run, &decision)
	after, err := r.publish(ctx, run, decision)
	if err != nil {
		return 0, err
	}
	if refused := seen.StoreRefused; refused != nil && verdict == "" && run.Status.Verdict != "" {
		r.Metrics.ResultRefused(refused.Reason)
	}
	// Only now: what was read is worth keeping until status holds what it came to.
	r.follows.keepOnly(client.ObjectKeyFromObject(run), decision.Follow)
	r.unkept.settle(run)
	if d := decision; undone == nil && d.Prune && run.DeletionTimestamp.IsZero() {
		undone = r.prune(ctx, run, &d.Status)
	}
	if undone != nil && !run.DeletionTimestamp.IsZero() {
		return 0, errors.Join(undone, r.release(ctx, run, decision)) // what does not let a Job go does not hold the run for ever
	}
	if undone != nil {
		return 0, undone
	}
	if again > 0 {
		after = soonest(after, again)
	}
	return after, r.release(ctx, run, decision)
}
