// Package conformance has the checks of the conformance phase: does the cluster do what Kubernetes promises? Jobs, storage,
// scaling, admission, access and isolation are tried out with objects of the checks' own. Each check is a function that finds
// something out on a bench; the tests beside it, which run in a pod of the cluster, say what it found. It must import neither a
// phase's other checks nor the operator.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
)

// proofPath is where a check's volume keeps what proves it.
const proofPath = "/data/proof"

// askInterval is how often a check asks whether something has come to effect that no watch tells of.
const askInterval = 200 * time.Millisecond

// lookTime is how long a watch is listened to that begins with what is there.
const lookTime = 2 * time.Second

// dryRun is what a request asks for that must not change anything.
var dryRun = []string{metav1.DryRunAll}

// start makes the pod of a probe, changed as the check needs it.
func start(ctx context.Context, b *cluster.Bench, p cluster.Probe, change func(*corev1.Pod)) (*corev1.Pod, error) {
	pod, err := b.Pod(p)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(pod)
	}
	return cluster.Make(ctx, b, b.CoreV1().Pods(b.Namespace), pod)
}

// finish waits until a pod has ended well. What it did instead is a problem, and false is returned.
func finish(ctx context.Context, b *cluster.Bench, f *finding.Finding, pod *corev1.Pod, mend string) (*corev1.Pod, bool) {
	ended, err := cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), pod, func(pod *corev1.Pod) (bool, error) {
		return health.PodFinished(pod), nil
	})
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("watch pods in "+b.Namespace, err)
	// A volume that cannot be had is the storage's fault; that a node has no room is nobody's.
	case err != nil && !cluster.LacksVolume(cluster.Unschedulable(ended)) && cluster.NoRoom(f, ended):
	case err != nil:
		f.Fail("pod "+pod.Name+" to end", fmt.Sprintf("it %s: %v", health.DescribePod(ended), err), mend)
	case ended.Status.Phase != corev1.PodSucceeded && closedTo(ended):
		f.CouldNotRun("pod %s may not open its volume: %s. To mend: give the run a podSecurityContext with an fsGroup, that of its user "+
			"for instance", pod.Name, message(ended))
	case ended.Status.Phase != corev1.PodSucceeded:
		f.Fail("pod "+pod.Name+" to succeed", "it "+health.DescribePod(ended), mend)
	default:
		return ended, true
	}
	return ended, false
}

// closedTo reports whether a pod had no right to its volume, which most are root's until they are told of a group.
func closedTo(pod *corev1.Pod) bool {
	return pod.Spec.SecurityContext.FSGroup == nil && strings.Contains(message(pod), "permission denied")
}

// admitted reports whether a pod is admitted that a controller is to make. What turns it down tells the controller, and not the check.
func admitted(ctx context.Context, b *cluster.Bench, f *finding.Finding, pod *corev1.Pod) bool {
	_, err := b.CoreV1().Pods(b.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: dryRun})
	// Who cannot be asked without consequences is left to the controller.
	if err == nil || strings.Contains(err.Error(), "does not support dry run") {
		return true
	}
	f.Refused("create pods in "+b.Namespace, err)
	return false
}

// noRoomFor reports whether the controller's pods with the labels all wait for a node that has room.
func noRoomFor(ctx context.Context, b *cluster.Bench, f *finding.Finding, of labels.Set) bool {
	// The time of the check itself may be over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTime)
	defer cancel()
	// Without a version it begins with what is there, and takes no right to list.
	watcher, err := b.CoreV1().Pods(b.Namespace).Watch(ctx, metav1.ListOptions{LabelSelector: of.String()})
	if err != nil {
		return false
	}
	defer watcher.Stop()
	var waiting *corev1.Pod
	for {
		select {
		case event := <-watcher.ResultChan():
			pod, is := event.Object.(*corev1.Pod)
			if !is || cluster.Unschedulable(pod) == "" {
				return false
			}
			waiting = pod
		case <-ctx.Done():
			return waiting != nil && cluster.NoRoom(f, waiting)
		}
	}
}

// message is the termination message of a probe that has ended.
func message(pod *corev1.Pod) string {
	for _, status := range pod.Status.ContainerStatuses {
		if status.State.Terminated != nil {
			return status.State.Terminated.Message
		}
	}
	return ""
}

// ask repeats a question until its answer is the wanted one, and reports whether it came to be. The answer given last is returned.
func ask(ctx context.Context, question func(context.Context) error, wanted func(error) bool) (is bool, answer error) {
	answer = errNoAnswer
	err := wait.PollUntilContextCancel(ctx, askInterval, true, func(ctx context.Context) (bool, error) {
		given := question(ctx)
		// An answer that the end of the time has cut off is none.
		if ctx.Err() != nil && !wanted(given) {
			return false, nil
		}
		answer = given
		return wanted(given), nil
	})
	return err == nil, answer
}

// errNoAnswer is what a question came to that nobody answered in time.
var errNoAnswer = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)

// accepted is the answer to a request that was let through.
func accepted(err error) bool { return err == nil }

// outcome is an answer as a message shows it.
func outcome(err error) string {
	if err == nil {
		return "that it was accepted"
	}
	return err.Error()
}

// labelled creates a ConfigMap as a dry run: admission has its say, and nothing comes of it.
func labelled(b *cluster.Bench, labels map[string]string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := b.CoreV1().ConfigMaps(b.Namespace).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("admission"), Labels: labels},
		}, metav1.CreateOptions{DryRun: dryRun})
		return err
	}
}

// gone waits until an object is deleted.
func gone[T cluster.Object](ctx context.Context, in cluster.Watcher, obj T) error {
	_, err := cluster.Await(ctx, in, obj, func(T) (bool, error) { return false, nil })
	if errors.Is(err, cluster.ErrDeleted) {
		return nil
	}
	return err
}

// refused keeps the error of a request to make an object of the whole cluster. A name that somebody else has is no fault.
func refused(f *finding.Finding, right string, err error) *finding.Finding {
	if errors.Is(err, cluster.ErrTaken) {
		f.CouldNotRun("%v. To mend: delete it if nobody needs it, or wait until the other run is over", err)
		return f
	}
	f.Refused(right, err)
	return f
}
