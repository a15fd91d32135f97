package workload

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psaapi "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func inputs(run *v1alpha1.ValidationRun) *v1alpha1.ValidationRun {
	run.Spec.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "aicr-recipe", Key: "r.yaml"}}
	run.Spec.Snapshot = &v1alpha1.SnapshotSource{ConfigMap: &v1alpha1.ConfigMapKey{Name: "aicr-snapshot", Key: "s.yaml"}}
	return run
}

func TestJobOfGoTests(t *testing.T) {
	run := inputs(newRun(goTest(v1alpha1.GoTest{Package: "./checks/deployment", Run: "^(TestA|TestB)$"})))
	golden(t, "gotest.yaml", toYAML(t, newJob(t, run)))
}

func TestJobOfAContainerWithEverything(t *testing.T) {
	run := newRun(container("/smoke", "--all"))
	run.Spec.Validator = everything()
	run.Spec.ServiceAccountName = "validator"
	golden(t, "container.yaml", toYAML(t, newJob(t, run)))
}

func TestEveryJobMeetsPodSecurityRestricted(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	tests := map[string]*v1alpha1.ValidationRun{
		"goTest":    inputs(newRun(goTest(v1alpha1.GoTest{Package: "./a"}))),
		"command":   newRun(goTest(v1alpha1.GoTest{Command: []string{"/run"}, ExpectedTests: new(int32(1))})),
		"container": newRun(container("/smoke")),
	}
	for name, run := range tests {
		t.Run(name, func(t *testing.T) {
			template := newJob(t, run).Spec.Template
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec))
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
			}
		})
	}
	t.Run("a run's own security is its own affair", func(t *testing.T) {
		run := newRun(container("/smoke"))
		run.Spec.Validator.SecurityContext = &v1alpha1.SecurityContext{Privileged: new(true)}
		template := newJob(t, run).Spec.Template
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec))
		if result.Allowed || !strings.Contains(result.ForbiddenDetail(), "privileged") {
			t.Errorf("a privileged container is allowed=%v: %s", result.Allowed, result.ForbiddenDetail())
		}
	})
}

func TestCommands(t *testing.T) {
	timeout := &metav1.Duration{Duration: 90 * time.Second}
	tests := []struct {
		name  string
		phase v1alpha1.Phase
		want  []string // command and arguments of the validator
		list  []string // command of the list, nil for none
	}{
		{"a package", goTest(v1alpha1.GoTest{Package: "./checks/deployment"}),
			[]string{"deployment.test", "-test.v=test2json", "-test.paniconexit0", "-test.timeout=1m30s"}, []string{"deployment.test", "-test.list=."}},
		{"a package in a folder", goTest(v1alpha1.GoTest{Package: "example.test/a/b", TestDir: "/opt/tests/"}),
			[]string{"/opt/tests/b.test", "-test.v=test2json", "-test.paniconexit0", "-test.timeout=1m30s"}, []string{"/opt/tests/b.test", "-test.list=."}},
		{"a selection that a shell would take apart", goTest(v1alpha1.GoTest{Package: "./a", Run: "^(TestA|TestB)$/ x;rm"}),
			[]string{"a.test", "-test.v=test2json", "-test.paniconexit0", "-test.timeout=1m30s", "-test.run=^(TestA|TestB)$/ x;rm"},
			[]string{"a.test", "-test.list=."}},
		{"no list", goTest(v1alpha1.GoTest{Package: "./a", Manifest: v1alpha1.ManifestNever, ExpectedTests: new(int32(2))}),
			[]string{"a.test", "-test.v=test2json", "-test.paniconexit0", "-test.timeout=1m30s"}, nil},
		{"a command", goTest(v1alpha1.GoTest{Command: []string{"/run", "all"}, ExpectedTests: new(int32(2))}), []string{"/run", "all"}, nil},
		{"a container", container("/smoke"), []string{"/smoke"}, nil},
		{"an image's entrypoint with arguments", v1alpha1.Phase{Name: "smoke", Container: &v1alpha1.Container{Args: []string{"x"}}}, []string{"x"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.phase.Timeout = timeout
			pod := newJob(t, newRun(test.phase)).Spec.Template.Spec
			got := slices.Concat(pod.Containers[0].Command, pod.Containers[0].Args)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("validator (-want +got)\n%s", diff)
			}
			var list []string
			if len(pod.InitContainers) > 0 {
				list = slices.Concat(pod.InitContainers[0].Command, pod.InitContainers[0].Args)
			}
			if diff := cmp.Diff(test.list, list); diff != "" {
				t.Errorf("list (-want +got)\n%s", diff)
			}
			if got, want := Framed(&pod), len(test.want) > 1 && test.want[1] == "-test.v=test2json"; got != want {
				t.Errorf("framed is %t", got)
			}
		})
	}
	t.Run("after a list that failed", func(t *testing.T) {
		run := newRun(goTest(v1alpha1.GoTest{Package: "./a", ExpectedTests: new(int32(1))}))
		if pod := newJobOf(t, run, Item{Attempt: 1, Phase: "deployment", Unlisted: true}).Spec.Template.Spec; len(pod.InitContainers) > 0 {
			t.Error("it lists again")
		}
	})
}

func TestTheListHasNoAccessAndNoDevices(t *testing.T) {
	run := inputs(newRun(goTest(v1alpha1.GoTest{Package: "./a"})))
	run.Spec.Validator = everything()
	pod := newJob(t, run).Spec.Template.Spec
	list, validator := pod.InitContainers[0], pod.Containers[0]
	if name, ok := mounts(list)[tokenPath]; ok {
		t.Errorf("the list has the token of volume %s", name)
	}
	if mounts(validator)[tokenPath] != tokenVolume {
		t.Errorf("the validator has no token: %v", mounts(validator))
	}
	if _, ok := list.Resources.Limits["nvidia.com/gpu"]; ok || list.Resources.Limits.Memory().String() != "2Gi" {
		t.Errorf("the list's limits are %v", list.Resources.Limits)
	}
	if gpu := validator.Resources.Limits["nvidia.com/gpu"]; gpu.String() != "8" {
		t.Errorf("the validator's limits are %v", validator.Resources.Limits)
	}
	if env(list)["AICR_LIST_ONLY"] != "1" {
		t.Error("the list is not told that it only lists")
	}
	if _, ok := env(validator)["AICR_LIST_ONLY"]; ok {
		t.Error("the validator is told that it only lists")
	}
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("admission would mount a token into every container")
	}
}

// The preflight's validator lists as well, and waits for no GPU. What it runs with otherwise is what the phase has.
func TestThePreflightHasNoDevices(t *testing.T) {
	run := newRun(goTest(v1alpha1.GoTest{Package: "./a", Command: []string{"a.test", "-test.list=."}}))
	run.Spec.Phases[0].Name = v1alpha1.PhasePreflight
	run.Spec.Validator = everything()
	run.Spec.Validator.Resources.Requests["nvidia.com/gpu"] = amount("8")
	run.Spec.Validator.Resources.Requests["hugepages-2Mi"] = amount("1Gi")
	run.Spec.Validator.Resources.Limits["hugepages-2Mi"] = amount("1Gi")
	pod := newJob(t, run).Spec.Template.Spec
	want := corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			"cpu": resource.MustParse("500m"), "memory": resource.MustParse("1Gi"), "hugepages-2Mi": resource.MustParse("1Gi"),
		},
		Limits: corev1.ResourceList{"memory": resource.MustParse("2Gi"), "hugepages-2Mi": resource.MustParse("1Gi")},
	}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		if diff := cmp.Diff(want, c.Resources); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.Name, diff)
		}
	}
}

func TestWhatTheValidatorIsGiven(t *testing.T) {
	run := inputs(newRun(container("/smoke")))
	pod := newJob(t, run).Spec.Template.Spec
	c := pod.Containers[0]
	if got, want := env(c)["AICR_RECIPE_PATH"], "/data/recipe/recipe.yaml"; got != want {
		t.Errorf("AICR_RECIPE_PATH=%s, want %s", got, want)
	}
	if got, want := env(c)["AICR_SNAPSHOT_PATH"], "/data/snapshot/snapshot.yaml"; got != want {
		t.Errorf("AICR_SNAPSHOT_PATH=%s, want %s", got, want)
	}
	if c.Env[0].Name != "AICR_NAMESPACE" || c.Env[0].ValueFrom.FieldRef.FieldPath != "metadata.namespace" {
		t.Errorf("the first variable is %+v", c.Env[0])
	}
	want := map[string]string{
		"/data/recipe": "validation-recipe", "/data/snapshot": "validation-snapshot", "/tmp": "validation-tmp", tokenPath: tokenVolume,
	}
	if diff := cmp.Diff(want, mounts(c)); diff != "" {
		t.Errorf("mounts (-want +got)\n%s", diff)
	}
	for _, v := range pod.Volumes {
		if v.ConfigMap != nil && !strings.HasPrefix(v.ConfigMap.Name, "h100-training-") {
			t.Errorf("volume %s mounts %s, which is no frozen copy", v.Name, v.ConfigMap.Name)
		}
	}
}

func TestTheRunsOwnTmpReplacesOurs(t *testing.T) {
	for _, path := range []string{"/tmp", "/tmp/", "//tmp"} {
		run := newRun(container("/smoke"))
		run.Spec.Validator.Volumes = []v1alpha1.Volume{{Name: "scratch", EmptyDir: &v1alpha1.EmptyDirVolume{}}}
		run.Spec.Validator.VolumeMounts = []v1alpha1.VolumeMount{{Name: "scratch", MountPath: path}}
		pod := newJob(t, run).Spec.Template.Spec
		if slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == tmpVolume }) {
			t.Errorf("%s: there are two", path)
		}
	}
}

func TestDeadlines(t *testing.T) {
	tests := []struct {
		name           string
		phase          v1alpha1.Phase
		start, running int64
	}{
		{"goTest", goTest(v1alpha1.GoTest{Package: "./a"}), 300 + 90 + 60, 7 + 90 + 60},
		{"container", container("/smoke"), 300 + 90, 7 + 90},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.phase.Timeout, test.phase.StartTimeout = &metav1.Duration{Duration: 90 * time.Second}, &metav1.Duration{Duration: 5 * time.Minute}
			job := newJob(t, newRun(test.phase))
			if got := *job.Spec.Template.Spec.ActiveDeadlineSeconds; got != test.start {
				t.Errorf("at first %d, want %d", got, test.start)
			}
			if got := RunningDeadline(&test.phase, 6200*time.Millisecond); got != test.running {
				t.Errorf("running %d, want %d", got, test.running)
			}
			if got := RunningDeadline(&test.phase, -time.Hour); got != test.running-7 {
				t.Errorf("with a clock that stepped back %d, want %d", got, test.running-7)
			}
			if job.Spec.ActiveDeadlineSeconds != nil {
				t.Error("a deadline of the Job would delete the pod and its log")
			}
		})
	}
}
