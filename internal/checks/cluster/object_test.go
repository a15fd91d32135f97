package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

func selfPod(containers ...corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "validator", Namespace: "ns", UID: "u"},
		Spec:       corev1.PodSpec{ServiceAccountName: "validator", Containers: containers},
	}
}

func TestProbesMeetPodSecurityRestricted(t *testing.T) {
	pod, err := Probe{What: "x", Run: probe.Wait}.Pod(selfPod(corev1.Container{Image: "validator:dev"}))
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec)); !result.Allowed {
		t.Errorf("a probe's pod violates %s: %s", level, result.ForbiddenDetail())
	}
}

func TestProbesRunTheValidatorsImage(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sidecar := corev1.Container{Name: "proxy", Image: "proxy:1", Command: []string{"/proxy"}}
	tests := map[string][]corev1.Container{
		"named by its command":       {sidecar, {Image: "validator:dev", Command: []string{"/validator/" + filepath.Base(binary)}}},
		"named by its arguments":     {sidecar, {Image: "validator:dev", Args: []string{filepath.Base(binary), "-test.v=test2json"}}},
		"the image's entry point":    {{Image: "validator:dev"}, sidecar},
		"the only one, by a wrapper": {{Image: "validator:dev", Command: []string{"/wrapper"}}},
	}
	for name, containers := range tests {
		t.Run(name, func(t *testing.T) {
			pod, err := Probe{What: "x", Run: probe.Read, Paths: []string{"/a", "/b"}}.Pod(selfPod(containers...))
			if err != nil {
				t.Fatal(err)
			}
			got := pod.Spec.Containers[0]
			if got.Image != "validator:dev" || got.Command[0] != binary {
				t.Errorf("runs %s of %s, want %s of validator:dev", got.Command, got.Image, binary)
			}
			want := []corev1.EnvVar{{Name: probe.Variable, Value: probe.Read}, {Name: probe.PathsVariable, Value: "/a:/b"}}
			if diff := cmp.Diff(want, got.Env); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := (Probe{}).Pod(selfPod()); err == nil || !strings.Contains(err.Error(), "no container") {
		t.Errorf("error = %v, want one about the missing container", err)
	}
}

// On OpenShift each namespace has users and groups of its own, and a pod that names another is turned down.
func TestProbesRunAsTheValidatorDoes(t *testing.T) {
	user := func(id int64) *corev1.SecurityContext { return &corev1.SecurityContext{RunAsUser: &id} }
	all := func(user, group int64) *corev1.PodSecurityContext {
		return &corev1.PodSecurityContext{RunAsUser: &user, FSGroup: &group}
	}
	tests := map[string]struct {
		pod         *corev1.PodSecurityContext
		container   *corev1.SecurityContext
		user, group *int64
	}{
		"the run says nothing":          {},
		"the run's pod":                 {pod: all(65532, 65532), user: new(int64(65532)), group: new(int64(65532))},
		"the namespace's range":         {pod: &corev1.PodSecurityContext{FSGroup: new(int64(1000760000))}, container: user(1000760000), user: new(int64(1000760000)), group: new(int64(1000760000))},
		"the container before the pod":  {pod: all(1000, 2000), container: user(3000), user: new(int64(3000)), group: new(int64(2000))},
		"a user and no group":           {pod: &corev1.PodSecurityContext{RunAsUser: new(int64(1000))}, user: new(int64(1000))},
		"a container that says nothing": {pod: all(1000, 2000), container: &corev1.SecurityContext{}, user: new(int64(1000)), group: new(int64(2000))},
		"root, which no probe needs":    {pod: all(0, 0), user: new(int64(65532)), group: new(int64(0))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			self := selfPod(corev1.Container{Image: "validator:dev", SecurityContext: tt.container})
			self.Spec.SecurityContext = tt.pod
			pod, err := Probe{What: "x", Run: probe.Wait}.Pod(self)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.user, pod.Spec.SecurityContext.RunAsUser); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.group, pod.Spec.SecurityContext.FSGroup); diff != "" {
				t.Errorf("group of volumes (-want +got):\n%s", diff)
			}
			if pod.Spec.Containers[0].SecurityContext.RunAsUser != nil {
				t.Error("the container names a user of its own")
			}
		})
	}
}
