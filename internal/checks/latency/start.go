package latency

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	starts = 5
	// startTime bounds the start of one pod, so that a pod that never starts is told from one that is slow.
	startTime = 2 * time.Minute
)

// PodStart measures how long it takes from a pod's creation until its container is seen to run.
func PodStart(demanded constraint.Constraint) func(context.Context, *cluster.Bench) *finding.Finding {
	return func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := &finding.Finding{}
		samples := make([]time.Duration, 0, starts)
		for i := range starts {
			took, ok := start(ctx, b, f)
			if !ok {
				return f
			}
			f.Note("pod %d of %d started after %s", i+1, starts, took.Round(time.Millisecond))
			samples = append(samples, took)
		}
		judge(f, demanded, samples, "look at the events of pods in this namespace for what takes the time: scheduling, pulling the image, "+
			"the network plug-in, the container runtime")
		return f
	}
}

// start starts one pod, and returns how long that took.
func start(ctx context.Context, b *cluster.Bench, f *finding.Finding) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	planned, err := b.Pod(cluster.Probe{What: "pod-start", Run: probe.None})
	if err != nil {
		f.Refused("get pods in the namespace "+b.Namespace, fmt.Errorf("finding the validator's own pod: %w", err))
		return 0, false
	}
	in, begun := b.CoreV1().Pods(b.Namespace), time.Now()
	created, err := cluster.Make(ctx, b, in, planned)
	if err != nil {
		f.Refused("create pods in the namespace "+b.Namespace, err)
		return 0, false
	}
	name := planned.Spec.Containers[0].Name
	last, err := cluster.Await(ctx, in, created, func(pod *corev1.Pod) (bool, error) {
		state := stateOf(pod, name)
		return state.Running != nil || state.Terminated != nil, nil
	})
	took := time.Since(begun)
	problem := finding.Problem{
		Expected: fmt.Sprintf("pod %s to start within %s", created.Name, startTime), Found: "it " + health.DescribePod(last),
		Mend: "see the events of the namespace " + b.Namespace,
	}
	switch ended := stateOf(last, name).Terminated; {
	// How long the start of a pod takes that no node has room for cannot be measured.
	case err != nil && cluster.NoRoom(f, last):
		return 0, false
	case err != nil:
		inVain(f, err, "watch pods in the namespace "+b.Namespace, problem)
		return 0, false
	case ended != nil && ended.ExitCode != 0:
		// A container that the runtime cannot start is shown as one that has ended.
		f.Problems = append(f.Problems, problem)
		return 0, false
	}
	return took, true
}

func stateOf(pod *corev1.Pod, container string) corev1.ContainerState {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == container {
			return status.State
		}
	}
	return corev1.ContainerState{}
}
