package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/constraint"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

const (
	pulls = 3
	// pullTime bounds one pull, so that one that never ends is told from one that is slow.
	pullTime = 3 * time.Minute

	pulled = "Pulled"
	failed = "Failed"
)

// Pull measures how long a node takes to pull the validator's image: from a pod's being scheduled until the kubelet says that the
// image is there.
func Pull(demanded constraint.Constraint) func(context.Context, *cluster.Bench) *finding.Finding {
	return func(ctx context.Context, b *cluster.Bench) *finding.Finding {
		f := &finding.Finding{}
		if !pullable(ctx, b, f) {
			return f
		}
		samples := make([]time.Duration, 0, pulls)
		for i := range pulls {
			took, ok := pull(ctx, b, f)
			if !ok {
				return f
			}
			f.Note("pull %d of %d took %s", i+1, pulls, took.Round(time.Millisecond))
			samples = append(samples, took)
		}
		judge(f, demanded, samples, "look at the nodes' way to the registry, at its load, and at mirrors or caches between them")
		return f
	}
}

// pullable reports whether the validator's image came from a registry: an image that was loaded into the node has no digest there.
func pullable(ctx context.Context, b *cluster.Bench, f *finding.Finding) bool {
	own, err := b.Own()
	if err != nil {
		f.Refused("get pods in the namespace "+b.Namespace, fmt.Errorf("finding the validator's own pod: %w", err))
		return false
	}
	planned, err := b.Pod(cluster.Probe{What: "pull", Run: probe.None})
	if err != nil {
		f.CouldNotRun("planning a pod: %v", err)
		return false
	}
	image, name := planned.Spec.Containers[0].Image, ""
	for _, container := range own.Spec.Containers {
		if container.Image == image {
			name = container.Name
			if container.ImagePullPolicy == corev1.PullNever {
				f.NotApplicable("the run's imagePullPolicy is Never")
				return false
			}
		}
	}
	// The checks may be running before the kubelet has said so. What the bench has of the own pod may be old.
	if own, err = b.CoreV1().Pods(b.Namespace).Get(ctx, own.Name, metav1.GetOptions{}); err != nil {
		f.Refused("get pods in the namespace "+b.Namespace, err)
		return false
	}
	id := ""
	_, err = cluster.Await(ctx, b.CoreV1().Pods(b.Namespace), own, func(pod *corev1.Pod) (bool, error) {
		for _, status := range pod.Status.ContainerStatuses {
			if status.Name == name {
				id = status.ImageID
			}
		}
		return id != "", nil
	})
	if err != nil {
		f.Refused("watch pods in the namespace "+b.Namespace, fmt.Errorf("learning the ID of the image %s: %w", image, err))
		return false
	}
	if !fromRegistry(id, image) {
		f.NotApplicable("the image %s was loaded into the node, and is in no registry: its ID is %s", image, id)
		return false
	}
	return true
}

// fromRegistry reads the ID that the container runtime gives an image: a digest in a repository for one that it pulled. Tools that
// load images may make repositories up.
func fromRegistry(id, image string) bool {
	repository, _, found := strings.Cut(id, "@sha256:")
	if !found {
		return false
	}
	if _, without, found := strings.Cut(repository, "://"); found {
		repository = without
	}
	want, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndexByte(want, ':'); colon > strings.LastIndexByte(want, '/') {
		want = want[:colon]
	}
	return repository == want || strings.HasSuffix(repository, "/"+want)
}

// pull has a node pull the image once, and returns how long that took.
func pull(ctx context.Context, b *cluster.Bench, f *finding.Finding) (time.Duration, bool) {
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	planned, err := b.Pod(cluster.Probe{What: "pull", Run: probe.None})
	if err != nil {
		f.CouldNotRun("planning a pod: %v", err)
		return 0, false
	}
	planned.Spec.Containers[0].ImagePullPolicy = corev1.PullAlways
	in := b.CoreV1().Pods(b.Namespace)
	created, err := cluster.Make(ctx, b, in, planned)
	if err != nil {
		f.Refused("create pods in the namespace "+b.Namespace, err)
		return 0, false
	}
	pod, err := cluster.Await(ctx, in, created, func(pod *corev1.Pod) (bool, error) { return pod.Spec.NodeName != "", nil })
	start := time.Now()
	if err != nil && cluster.NoRoom(f, pod) {
		return 0, false
	}
	if err != nil {
		inVain(f, err, "watch pods in the namespace "+b.Namespace, finding.Problem{
			Expected: fmt.Sprintf("pod %s to be scheduled", pod.Name),
			Found:    "it " + health.DescribePod(pod),
			Mend:     "see the events of the namespace " + b.Namespace,
		})
		return 0, false
	}
	trouble, err := awaitPulled(ctx, b, pod, planned.Spec.Containers[0].Name)
	if err != nil {
		inVain(f, err, "list and watch events in the namespace "+b.Namespace, finding.Problem{
			Expected: fmt.Sprintf("node %s to pull the image %s", pod.Spec.NodeName, planned.Spec.Containers[0].Image),
			Found:    cmp.Or(trouble, "that it does not say it has"),
			Mend: "see that the node reaches the registry, that the image is still there, and that the run's imagePullSecrets " +
				"are valid",
		})
		return 0, false
	}
	return time.Since(start), true
}

// awaitPulled waits for the kubelet's event, and returns the trouble that it told of before. Where containers were put beside the probe's,
// the kubelet tells of their images too, and their trouble keeps the probe's waiting.
func awaitPulled(ctx context.Context, b *cluster.Bench, pod *corev1.Pod, container string) (trouble string, err error) {
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("involvedObject.uid", string(pod.UID)).String()}
	_, err = cluster.AwaitAny(ctx, b.CoreV1().Events(b.Namespace), options, func(event *corev1.Event) (bool, error) {
		if event.InvolvedObject.UID != pod.UID {
			return false, nil
		}
		// The kubelet tells of each trouble twice: what the registry said, and that it tries again later.
		if event.Reason == failed && len(event.Message) > len(trouble) {
			trouble = event.Message
		}
		return event.Reason == pulled && event.InvolvedObject.FieldPath == "spec.containers{"+container+"}", nil
	})
	return trouble, err
}

// inVain keeps what a wait came to: a problem if its time was up, or else an API server that did not let it wait.
func inVain(f *finding.Finding, err error, right string, problem finding.Problem) {
	if !errors.Is(err, context.DeadlineExceeded) {
		f.Refused(right, err)
		return
	}
	problem.Found += ": " + err.Error()
	f.Problems = append(f.Problems, problem)
}
