package conformance

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/health"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// evaluated are the constraints that the checks of this package judge.
var evaluated []string

const (
	// podTime bounds what takes a pod, requestTime what takes requests alone.
	podTime     = 3 * time.Minute
	requestTime = time.Minute
)

// newPod is the pod of a probe, which has still to be created.
func newPod(t *testing.T, c *cluster.Cluster, p cluster.Probe) *corev1.Pod {
	t.Helper()
	pod, err := p.Pod(c.Self(t))
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// TestJobCompletes proves that a Job runs its pod to the end, once, and is then Complete. It needs to create, delete and watch
// Jobs in the run's namespace.
func TestJobCompletes(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, podTime)
	pod := newPod(t, c, cluster.Probe{What: "job", Run: probe.None})
	in := c.BatchV1().Jobs(c.Namespace)
	created := cluster.Create(ctx, t, c, in, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template:     corev1.PodTemplateSpec{Spec: pod.Spec},
		},
	})
	finished := func(job *batchv1.Job) (bool, error) {
		return holds(job, batchv1.JobComplete) || holds(job, batchv1.JobFailed), nil
	}
	job, err := cluster.Await(ctx, in, created, finished)
	switch {
	case err != nil:
		t.Errorf("expected Job %s to end within %s; found %d active, %d ready and %d failed pods: %v. "+
			"To mend: see the events of the namespace",
			job.Name, podTime, job.Status.Active, ptr.Deref(job.Status.Ready, 0), job.Status.Failed, err)
	case !holds(job, batchv1.JobComplete) || job.Status.Succeeded != 1 || job.Status.Failed != 0:
		t.Errorf("expected Job %s to be Complete with one pod succeeded; found %d succeeded, %d failed and %v. "+
			"To mend: see the events of the namespace", job.Name, job.Status.Succeeded, job.Status.Failed, job.Status.Conditions)
	}
}

func holds(job *batchv1.Job, condition batchv1.JobConditionType) bool {
	for _, c := range job.Status.Conditions {
		if c.Type == condition {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// TestConfigMapMount proves that a pod finds the contents of ConfigMaps in its files, each its own: two ConfigMaps with the
// same key are mounted side by side in one pod, which reports what it reads. It needs to create and delete ConfigMaps, and to
// get, create, delete and watch pods, in the run's namespace.
func TestConfigMapMount(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, podTime)
	want := map[string]string{}
	p := cluster.Probe{What: "mount", Run: probe.Read}
	for _, side := range []string{"left", "right"} {
		value := rand.String(32)
		configMap := cluster.Create(ctx, t, c, c.CoreV1().ConfigMaps(c.Namespace), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: cluster.Name(side)},
			Data:       map[string]string{"key": value},
		})
		p.Volumes = append(p.Volumes, corev1.Volume{Name: side, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap.Name}},
		}})
		p.Mounts = append(p.Mounts, corev1.VolumeMount{Name: side, MountPath: "/mounted/" + side, ReadOnly: true})
		path := "/mounted/" + side + "/key"
		p.Paths = append(p.Paths, path)
		want[path] = value
	}
	if got := report(ctx, t, c, newPod(t, c, p)); !maps.Equal(got, want) {
		t.Errorf("expected the pod to read %v; found %v. To mend: see the kubelet's log on the pod's node for trouble with mounts",
			want, got)
	}
}

// report runs the pod of a probe that reads files to its end and returns what it read.
func report(ctx context.Context, t *testing.T, c *cluster.Cluster, pod *corev1.Pod) map[string]string {
	t.Helper()
	in := c.CoreV1().Pods(c.Namespace)
	created := cluster.Create(ctx, t, c, in, pod)
	ended, err := cluster.Await(ctx, in, created, func(pod *corev1.Pod) (bool, error) { return health.PodFinished(pod), nil })
	if err != nil {
		t.Fatalf("expected pod %s to end within %s; found it %s: %v. To mend: see the events of the namespace",
			pod.Name, podTime, health.DescribePod(ended), err)
	}
	if ended.Status.Phase != corev1.PodSucceeded {
		t.Fatalf("expected pod %s to succeed; found it %s", pod.Name, health.DescribePod(ended))
	}
	message := ""
	for _, status := range ended.Status.ContainerStatuses {
		if status.State.Terminated != nil {
			message = status.State.Terminated.Message
		}
	}
	var contents map[string]string
	if err := json.Unmarshal([]byte(message), &contents); err != nil {
		t.Fatalf("expected pod %s to report what it read; found %q as its termination message: %v", pod.Name, message, err)
	}
	return contents
}

// TestImmutableConfigMap proves that an immutable ConfigMap stays as it is: a change of it is refused, and its contents are the
// same afterwards. It needs to get, create, update and delete ConfigMaps in the run's namespace.
func TestImmutableConfigMap(t *testing.T) {
	c, ctx := cluster.Connect(t), cluster.Context(t, requestTime)
	in := c.CoreV1().ConfigMaps(c.Namespace)
	created := cluster.Create(ctx, t, c, in, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("immutable")},
		Data:       map[string]string{"key": "before"},
		Immutable:  new(true),
	})
	changed := created.DeepCopy()
	changed.Data["key"] = "after"
	switch _, err := in.Update(ctx, changed, metav1.UpdateOptions{}); {
	case err == nil:
		t.Error("expected the change of an immutable ConfigMap to be refused as invalid; found it accepted. To mend: nothing in a " +
			"conforming API server does this; look for a webhook that changes ConfigMaps")
	case !apierrors.IsInvalid(err):
		t.Errorf("expected the change of an immutable ConfigMap to be refused as invalid; found: %v", err)
	}
	found, err := in.Get(ctx, created.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatalf("reading the ConfigMap again: %v", err)
	}
	if got := found.Data["key"]; got != "before" {
		t.Errorf("expected the contents to be the same after a refused change; found %q", got)
	}
}
