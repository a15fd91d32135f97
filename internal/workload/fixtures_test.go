package workload

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata, or writes it under -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); -update writes it\n%s", path, diff)
	}
}

// newRun is a run with the given phases, as the API server would have defaulted it.
func newRun(phases ...v1alpha1.Phase) *v1alpha1.ValidationRun {
	run := &v1alpha1.ValidationRun{
		ObjectMeta: metav1.ObjectMeta{Name: "h100-training", Namespace: "aicr-validation", UID: "1b4e28ba-2fa1-11d2-883f-0016d3cca427"},
		Spec:       v1alpha1.ValidationRunSpec{Validator: v1alpha1.Validator{Image: "example.test/validator:v1"}, Phases: phases},
	}
	run.Spec.SetDefaults()
	return run
}

func goTest(t v1alpha1.GoTest) v1alpha1.Phase { return v1alpha1.Phase{Name: "deployment", GoTest: &t} }

func container(command ...string) v1alpha1.Phase {
	return v1alpha1.Phase{Name: "smoke", Container: &v1alpha1.Container{Command: command}}
}

// newJob is the Job of the first phase of a run.
func newJob(t *testing.T, run *v1alpha1.ValidationRun) *batchv1.Job {
	t.Helper()
	return newJobOf(t, run, Item{Attempt: 1, Phase: run.Spec.Phases[0].Name})
}

func newJobOf(t *testing.T, run *v1alpha1.ValidationRun, item Item) *batchv1.Job {
	t.Helper()
	job, err := Job(run, &run.Spec.Phases[0], item)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func toYAML(t *testing.T, o any) string {
	t.Helper()
	data, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func amount(text string) v1alpha1.Amount { return v1alpha1.Amount(intstr.Parse(text)) }

// everything is a validator with something in every field.
func everything() v1alpha1.Validator {
	return v1alpha1.Validator{
		Image: "example.test/validator:v1", ImagePullPolicy: v1alpha1.PullAlways, ImagePullSecrets: []v1alpha1.LocalReference{{Name: "registry"}},
		Env: []v1alpha1.EnvVar{
			{Name: "LOG_LEVEL", Value: "debug"},
			{Name: "NODE", ValueFrom: &v1alpha1.EnvVarSource{FieldRef: &v1alpha1.FieldRef{FieldPath: "spec.nodeName"}}},
		},
		Resources: v1alpha1.ResourceRequirements{
			Requests: map[string]v1alpha1.Amount{"cpu": amount("500m"), "memory": amount("1Gi")},
			Limits:   map[string]v1alpha1.Amount{"memory": amount("2Gi"), "nvidia.com/gpu": amount("8")},
		},
		NodeSelector:       map[string]string{"pool": "gpu"},
		Tolerations:        []v1alpha1.Toleration{{Key: "nvidia.com/gpu", Operator: "Exists", Effect: "NoSchedule"}},
		Affinity:           &v1alpha1.Affinity{},
		PriorityClassName:  "high",
		RuntimeClassName:   "nvidia",
		PodSecurityContext: &v1alpha1.PodSecurityContext{RunAsUser: new(int64(1000))},
		SecurityContext:    &v1alpha1.SecurityContext{ReadOnlyRootFilesystem: new(true)},
		Volumes: []v1alpha1.Volume{
			{Name: "shm", EmptyDir: &v1alpha1.EmptyDirVolume{Medium: "Memory", SizeLimit: new(amount("1Gi"))}},
			{Name: "token", Projected: &v1alpha1.ProjectedVolume{Sources: []v1alpha1.ProjectedSource{{
				ServiceAccountToken: &v1alpha1.ProjectedToken{Audience: "vault", ExpirationSeconds: new(int64(600)), Path: "token"},
			}}}},
		},
		VolumeMounts: []v1alpha1.VolumeMount{{Name: "shm", MountPath: "/dev/shm"}, {Name: "token", MountPath: "/run/vault", ReadOnly: true}},
	}
}

func env(c corev1.Container) map[string]string {
	out := map[string]string{}
	for _, e := range c.Env {
		out[e.Name] = e.Value
	}
	return out
}

func mounts(c corev1.Container) map[string]string {
	out := map[string]string{}
	for _, m := range c.VolumeMounts {
		out[m.MountPath] = m.Name
	}
	return out
}
