package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/finding"
	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// JobCompletes proves that a Job runs its pod to the end, once, and is then Complete.
func JobCompletes(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	pod, err := b.Pod(cluster.Probe{What: "job", Run: probe.None})
	if err != nil {
		f.Refused("get pods in "+b.Namespace, err)
		return f
	}
	if !admitted(ctx, b, f, pod) {
		return f
	}
	in := b.BatchV1().Jobs(b.Namespace)
	created, err := cluster.Make(ctx, b, in, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template:     corev1.PodTemplateSpec{Spec: pod.Spec},
		},
	})
	if err != nil {
		f.Refused("create Jobs in "+b.Namespace, err)
		return f
	}
	job, err := cluster.Await(ctx, in, created, func(job *batchv1.Job) (bool, error) {
		return jobHas(job, batchv1.JobComplete) || jobHas(job, batchv1.JobFailed), nil
	})
	const mend = "see the events of the namespace"
	switch {
	case apierrors.IsForbidden(err):
		f.Refused("watch Jobs in "+b.Namespace, err)
	case err != nil && noRoomFor(ctx, b, f, labels.Set{batchv1.JobNameLabel: job.Name}):
	case err != nil:
		f.Fail("Job "+job.Name+" to end", fmt.Sprintf("%d active, %d ready and %d failed pods: %v",
			job.Status.Active, ptr.Deref(job.Status.Ready, 0), job.Status.Failed, err), mend)
	case !jobHas(job, batchv1.JobComplete) || job.Status.Succeeded != 1 || job.Status.Failed != 0:
		f.Fail("Job "+job.Name+" to be Complete with one pod succeeded",
			fmt.Sprintf("%d succeeded, %d failed and %v", job.Status.Succeeded, job.Status.Failed, job.Status.Conditions), mend)
	}
	return f
}

func jobHas(job *batchv1.Job, condition batchv1.JobConditionType) bool {
	for _, c := range job.Status.Conditions {
		if c.Type == condition {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// ConfigMapMount proves that a pod finds the contents of ConfigMaps in its files, each its own: two ConfigMaps with the same key
// are mounted side by side in one pod, which reports what it reads.
func ConfigMapMount(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	want := map[string]string{}
	p := cluster.Probe{What: "mount", Run: probe.Read}
	for _, side := range []string{"left", "right"} {
		value := rand.String(32)
		configMap, err := cluster.Make(ctx, b, b.CoreV1().ConfigMaps(b.Namespace), &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: cluster.Name(side)},
			Data:       map[string]string{"key": value},
		})
		if err != nil {
			f.Refused("create ConfigMaps in "+b.Namespace, err)
			return f
		}
		p.Volumes = append(p.Volumes, corev1.Volume{Name: side, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: configMap.Name}},
		}})
		p.Mounts = append(p.Mounts, corev1.VolumeMount{Name: side, MountPath: "/mounted/" + side, ReadOnly: true})
		path := "/mounted/" + side + "/key"
		p.Paths = append(p.Paths, path)
		want[path] = value
	}
	pod, err := start(ctx, b, p, nil)
	if err != nil {
		f.Refused("create pods in "+b.Namespace, err)
		return f
	}
	ended, ok := finish(ctx, b, f, pod, "see the events of the namespace")
	if !ok {
		return f
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(message(ended)), &got); err != nil || !maps.Equal(got, want) {
		f.Fail(fmt.Sprintf("the pod to read %v", want), fmt.Sprintf("%q", message(ended)),
			"see the kubelet's log on the pod's node for trouble with mounts")
	}
	return f
}

// ImmutableConfigMap proves that an immutable ConfigMap stays as it is: a change of it is refused, and its contents are the same
// afterwards.
func ImmutableConfigMap(ctx context.Context, b *cluster.Bench) *finding.Finding {
	f := &finding.Finding{}
	in := b.CoreV1().ConfigMaps(b.Namespace)
	created, err := cluster.Make(ctx, b, in, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: cluster.Name("immutable")},
		Data:       map[string]string{"key": "before"},
		Immutable:  new(true),
	})
	if err != nil {
		f.Refused("create ConfigMaps in "+b.Namespace, err)
		return f
	}
	const mend = "nothing in a conforming API server does this; look for a webhook that changes ConfigMaps"
	changed := created.DeepCopy()
	changed.Data["key"] = "after"
	switch _, err := in.Update(ctx, changed, metav1.UpdateOptions{}); {
	case err == nil:
		f.Fail("the change of an immutable ConfigMap to be refused as invalid", outcome(err), mend)
	case !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "immutable"):
		f.Refused("update ConfigMaps in "+b.Namespace, err)
		return f
	}
	found, err := in.Get(ctx, created.Name, metav1.GetOptions{})
	if err != nil {
		f.Refused("get ConfigMaps in "+b.Namespace, err)
		return f
	}
	if got := found.Data["key"]; got != "before" {
		f.Fail("the contents to be the same after the change of an immutable ConfigMap", fmt.Sprintf("%q", got), mend)
	}
	return f
}
