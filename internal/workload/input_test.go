package workload

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

const specText = `{
	"validator": {"image": "v", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
		"resources": {"limits": {"cpu": 2}}, "volumes": [{"name": "shm", "emptyDir": {"sizeLimit": "1Gi"}}]},
	"phases": [{"name": "a", "goTest": {"package": "./a"}, "timeout": "10m", "validator": {"tolerations": [{"operator": "Exists"}]}}]
}`

func decodeSpec(t *testing.T, text string) *v1alpha1.ValidationRunSpec {
	t.Helper()
	spec := &v1alpha1.ValidationRunSpec{}
	if err := json.Unmarshal([]byte(text), spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestSameSpec(t *testing.T) {
	type spec = v1alpha1.ValidationRunSpec
	tests := []struct {
		name   string
		change func(*spec)
		same   bool
	}{
		{"nothing", func(*spec) {}, true},
		{"10m as 10m0s", func(s *spec) { s.Phases[0].Timeout = &metav1.Duration{Duration: 600 * time.Second} }, true},
		{"the defaults written out", (*spec).SetDefaults, true},
		{"one default written out", func(s *spec) { s.Phases[0].OnFailure = v1alpha1.Stop }, true},
		{"amounts written otherwise", func(s *spec) {
			s.Validator.Resources.Limits["cpu"] = v1alpha1.Amount(intstr.FromString("2000m"))
			*s.Validator.Volumes[0].EmptyDir.SizeLimit = v1alpha1.Amount(intstr.FromString("1024Mi"))
		}, true},
		{"an empty list of the run's", func(s *spec) { s.Validator.Tolerations = []v1alpha1.Toleration{} }, true},
		{"an empty selector of the run's", func(s *spec) { s.Validator.NodeSelector = map[string]string{} }, true},
		{"suspend", func(s *spec) { s.Suspend = true }, true},
		{"cancel", func(s *spec) { s.Cancel = true }, true},
		{"cleanup", func(s *spec) { s.Cleanup = &v1alpha1.Cleanup{Jobs: v1alpha1.CleanupNever} }, true},
		{"the limit of history", func(s *spec) { s.HistoryLimit = new(int32(1)) }, true},

		{"an amount", func(s *spec) { s.Validator.Resources.Limits["cpu"] = v1alpha1.Amount(intstr.FromInt32(3)) }, false},
		{"the trigger", func(s *spec) { s.Trigger = "v2" }, false},
		{"the image", func(s *spec) { s.Validator.Image = "w" }, false},
		{"a timeout", func(s *spec) { s.Phases[0].Timeout.Duration++ }, false},
		{"a default replaced", func(s *spec) { s.Phases[0].OnFailure = v1alpha1.Continue }, false},
		{"the order of env, which expands in order", func(s *spec) {
			e := s.Validator.Env
			e[0], e[1] = e[1], e[0]
		}, false},
		{"an empty list of a phase's, which clears the run's", func(s *spec) { s.Phases[0].Validator.Env = []v1alpha1.EnvVar{} }, false},
		{"an empty affinity, which clears the default", func(s *spec) { s.Validator.Affinity = &v1alpha1.Affinity{} }, false},
		{"an empty security context, which replaces the default", func(s *spec) { s.Validator.SecurityContext = &v1alpha1.SecurityContext{} }, false},
		{"retries", func(s *spec) { s.Phases[0].Retries = new(int32(1)) }, false},
		{"what nothing applicable means", func(s *spec) { s.AllSkipped = v1alpha1.AllSkippedAccept }, false},
		{"one more phase", func(s *spec) { s.Phases = append(s.Phases, container("/smoke")) }, false},
		{"the account", func(s *spec) { s.ServiceAccountName = "x" }, false},
		{"the recipe", func(s *spec) { s.Recipe = &v1alpha1.InputSource{ConfigMap: v1alpha1.ConfigMapKey{Name: "r", Key: "k"}} }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := EncodeSpec(decodeSpec(t, specText))
			if err != nil {
				t.Fatal(err)
			}
			frozen := FrozenInput(newRun(), 1, InputSpec, data)
			now := decodeSpec(t, specText)
			test.change(now)
			was, err := DecodeSpec(frozen)
			if err != nil {
				t.Fatal(err)
			}
			same, err := SameSpec(was, now)
			if err != nil || same != test.same {
				t.Errorf("same is %v, %v, want %v", same, err, test.same)
			}
		})
	}
}

// A spec that an older operator froze lacks the defaults of today's API.
func TestSameSpecGivesBothTodaysDefaults(t *testing.T) {
	was, err := DecodeSpec(FrozenInput(newRun(), 1, InputSpec, []byte(specText)))
	if err != nil {
		t.Fatal(err)
	}
	now := decodeSpec(t, specText)
	now.SetDefaults()
	if same, err := SameSpec(was, now); !same || err != nil {
		t.Errorf("same is %v, %v", same, err)
	}
}

func TestDecodeSpecOfWhatIsNone(t *testing.T) {
	for name, cm := range map[string]*corev1.ConfigMap{
		"no key":  {Data: map[string]string{"other": "{}"}},
		"no JSON": {Data: map[string]string{"spec.json": "{"}},
	} {
		if spec, err := DecodeSpec(cm); err == nil {
			t.Errorf("%s: it is %+v", name, spec)
		}
	}
}

func TestEncodeSpecLeavesTheSpecAsItIs(t *testing.T) {
	spec := decodeSpec(t, specText)
	if _, err := EncodeSpec(spec); err != nil {
		t.Fatal(err)
	}
	if spec.Timeout != nil || spec.Phases[0].OnFailure != "" {
		t.Error("the spec was given defaults")
	}
}

func TestFrozenInputs(t *testing.T) {
	for name, content := range map[string]string{"text": "kind: Recipe\n", "binary": "\xff\xfe\x00", "nothing": ""} {
		t.Run(name, func(t *testing.T) {
			cm := FrozenInput(newRun(), 2, InputRecipe, []byte(content))
			got, ok := Content(cm, "recipe.yaml")
			if !ok || string(got) != content {
				t.Errorf("it holds %q, %v", got, ok)
			}
			if cm.Immutable == nil || !*cm.Immutable || cm.Name != "h100-training-recipe-2" || Attempt(cm.Labels) != 2 {
				t.Errorf("it is %+v", cm.ObjectMeta)
			}
			in := Frozen(InputRecipe, cm)
			if in.Name != "recipe" || in.ConfigMap != cm.Name || len(in.SHA256) != 64 {
				t.Errorf("status says %+v", in)
			}
		})
	}
	empty := Frozen(InputRecipe, FrozenInput(newRun(), 1, InputRecipe, nil))
	if want := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; empty.SHA256 != want {
		t.Errorf("the digest of nothing is %s", empty.SHA256)
	}
}
