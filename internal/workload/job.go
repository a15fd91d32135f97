package workload

import (
	"math"
	"path"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// DeadlineGrace is what a goTest pod gets beyond the tests' own timeout: -test.timeout makes Go itself name the test that hung, and the
// pod's deadline is there for what does not even get that far.
const DeadlineGrace = 60 * time.Second

// Job is the Job of one item: one pod that is never restarted and never replaced. Deadlines are the pod's and not the Job's, because
// the Job controller deletes the pod, and with it the log, when the Job's own is over.
func Job(run *v1alpha1.ValidationRun, phase *v1alpha1.Phase, item Item) (*batchv1.Job, error) {
	meta := Meta(run, JobName(run, item), ComponentValidator, item.Attempt)
	meta.Labels[v1alpha1.LabelPhase] = phase.Name
	if item.Check != "" {
		meta.Labels[v1alpha1.LabelCheck] = item.Check
	}
	if item.Node != "" {
		meta.Annotations = map[string]string{v1alpha1.AnnotationNode: item.Node}
	}
	spec, err := podSpec(run, phase, item)
	if err != nil {
		return nil, err
	}
	job := &batchv1.Job{
		ObjectMeta: meta,
		Spec: batchv1.JobSpec{
			Parallelism:          ptr.To[int32](1),
			Completions:          ptr.To[int32](1),
			BackoffLimit:         ptr.To[int32](0),
			PodReplacementPolicy: ptr.To(batchv1.Failed),
			Template:             corev1.PodTemplateSpec{Spec: spec},
		},
	}
	job.Spec.Template.Labels = meta.Labels
	return job, nil
}

// StartDeadline is the pod's activeDeadlineSeconds at first: it counts from before the image is pulled.
func StartDeadline(phase *v1alpha1.Phase) int64 {
	return seconds(phase.StartTimeout.Duration + Deadline(phase))
}

// Deadline is how long the validator's container may run before the pod is ended from outside.
func Deadline(phase *v1alpha1.Phase) time.Duration {
	if phase.GoTest != nil {
		return phase.Timeout.Duration + DeadlineGrace
	}
	return phase.Timeout.Duration
}

// RunningDeadline is the pod's activeDeadlineSeconds once the validator's container has started, so long after the pod.
func RunningDeadline(phase *v1alpha1.Phase, afterPodStart time.Duration) int64 {
	return seconds(max(afterPodStart, 0) + Deadline(phase))
}

func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// Lists says whether the Job of an item asks the test binary for its tests.
func Lists(phase *v1alpha1.Phase, item Item) bool {
	return phase.GoTest != nil && phase.GoTest.Package != "" && phase.GoTest.Manifest != v1alpha1.ManifestNever && !item.Unlisted
}

// framed has testing mark each frame of its stream, so that nothing that a test prints looks like one.
const framed = "-test.v=test2json"

// Framed says whether the validator of a pod is a test binary that marks its frames, because it was told to by the operator's own command.
func Framed(pod *corev1.PodSpec) bool {
	return slices.ContainsFunc(pod.Containers, func(c corev1.Container) bool {
		return c.Name == ValidatorContainer && len(c.Command) > 1 && c.Command[1] == framed
	})
}

// Binary is the compiled test binary of a package, as `go test -c` names it.
func Binary(t *v1alpha1.GoTest) string {
	name := path.Base(t.Package) + ".test"
	if t.TestDir != "" {
		return path.Join(t.TestDir, name)
	}
	return name
}

// validatorCommand is the command of the validator's container. There is no shell in it: nothing to quote, nothing that hides an exit code,
// and an image needs none.
func validatorCommand(phase *v1alpha1.Phase) (command, args []string) {
	if c := phase.Container; c != nil {
		return c.Command, c.Args
	}
	t := phase.GoTest
	if len(t.Command) > 0 {
		return t.Command, nil
	}
	command = []string{Binary(t), framed, "-test.paniconexit0", "-test.timeout=" + phase.Timeout.Duration.String()}
	if t.Run != "" {
		command = append(command, "-test.run="+t.Run)
	}
	return command, nil
}

// listCommand prints the names of all tests. The selection is made by the operator, so that a message can tell "no such test" from "no
// test at all".
func listCommand(t *v1alpha1.GoTest) []string { return []string{Binary(t), "-test.list=."} }
