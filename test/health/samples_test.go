package health

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

const gitops = "../../config/gitops"

var builds sync.Map // of a directory: what kustomize makes of it

// build is the objects of a kustomization.
func build(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	made, _ := builds.LoadOrStore(dir, sync.OnceValues(func() ([]byte, error) { return kustomize(dir) }))
	data, err := made.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq(string(data), "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &object.Object); err != nil {
			t.Fatalf("decoding what kustomize built of %s: %v", dir, err)
		}
		out = append(out, object)
	}
	return out
}

// kustomize runs the one that the repository pins.
func kustomize(dir string) ([]byte, error) {
	stderr := &bytes.Buffer{}
	cmd := exec.Command("go", "tool", "-modfile=../../hack/tools/go.mod", "kustomize", "build", dir)
	cmd.Stderr = stderr
	data, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("building %s: %w: %s", dir, err, stderr)
	}
	return data, nil
}

func named(t *testing.T, objects []*unstructured.Unstructured, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range objects {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// one is the only object of a kind.
func one(t *testing.T, objects []*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	t.Helper()
	var out *unstructured.Unstructured
	for _, o := range objects {
		if o.GetKind() != kind {
			continue
		}
		if out != nil {
			t.Fatalf("there is more than one %s", kind)
		}
		out = o
	}
	if out == nil {
		t.Fatalf("there is no %s", kind)
	}
	return out
}

// decoded is an object as a ValidationRun, which has no field that the API does not.
func decoded(t *testing.T, text []byte) *v1alpha1.ValidationRun {
	t.Helper()
	run := &v1alpha1.ValidationRun{}
	if err := yaml.UnmarshalStrict(text, run); err != nil {
		t.Fatal(err)
	}
	return run
}

func encoded(t *testing.T, object *unstructured.Unstructured) []byte {
	t.Helper()
	data, err := yaml.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every sample's run decodes, and names the recipe that comes with it, whose digest is in its name.
func TestSamples(t *testing.T) {
	for _, dir := range []string{"run", "argocd/run", "argocd/hook", "flux/run"} {
		t.Run(dir, func(t *testing.T) {
			objects := build(t, gitops+"/"+dir)
			run := decoded(t, encoded(t, one(t, objects, "ValidationRun")))
			recipe := one(t, objects, "ConfigMap")
			if run.Spec.Recipe == nil || run.Spec.Recipe.ConfigMap.Name != recipe.GetName() || run.Namespace != recipe.GetNamespace() {
				t.Errorf("the run's recipe is %+v, and the ConfigMap %s/%s", run.Spec.Recipe, recipe.GetNamespace(), recipe.GetName())
			}
			if recipe.GetName() == "cluster-recipe" {
				t.Error("another recipe would have the same name, and start no attempt")
			}
		})
	}
}

// A hook runs after the sync; a run of a wave is none.
func TestArgoAnnotations(t *testing.T) {
	for dir, want := range map[string][2]string{
		"argocd/hook": {"argocd.argoproj.io/hook", "PostSync"},
		"argocd/run":  {"argocd.argoproj.io/sync-wave", "10"},
	} {
		run := one(t, build(t, gitops+"/"+dir), "ValidationRun")
		if got := run.GetAnnotations()[want[0]]; got != want[1] {
			t.Errorf("%s: %s is %q, want %q", dir, want[0], got, want[1])
		}
	}
	if run := one(t, build(t, gitops+"/argocd/run"), "ValidationRun"); run.GetAnnotations()["argocd.argoproj.io/hook"] != "" {
		t.Error("the run of a wave is a hook")
	}
}

// What Argo CD puts for the commit becomes the trigger, as text even where it looks like a number.
func TestArgoTrigger(t *testing.T) {
	data, err := os.ReadFile(gitops + "/argocd/application.yaml")
	if err != nil {
		t.Fatal(err)
	}
	app := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(data, &app.Object); err != nil {
		t.Fatal(err)
	}
	annotations, _, err := unstructured.NestedStringMap(app.Object, "spec", "source", "kustomize", "commonAnnotations")
	if err != nil || len(annotations) != 1 {
		t.Fatalf("commonAnnotations %v: %v", annotations, err)
	}
	for _, commit := range []string{"1234567", "12e4567", "f913b6c"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(gitops)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "argocd/run/kustomization.yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		expanded := map[string]string{}
		for key, value := range annotations {
			expanded[key] = strings.ReplaceAll(value, "$ARGOCD_APP_REVISION", commit)
		}
		more, err := yaml.Marshal(map[string]any{"commonAnnotations": expanded})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, more...), 0o600); err != nil {
			t.Fatal(err)
		}
		run := decoded(t, encoded(t, one(t, build(t, filepath.Join(dir, "argocd/run")), "ValidationRun")))
		if want := "commit " + commit; run.Spec.Trigger != want {
			t.Errorf("the trigger is %q, want %q", run.Spec.Trigger, want)
		}
	}
}

// What Flux puts for the variable becomes the trigger, as text even where it looks like a number.
func TestFluxTrigger(t *testing.T) {
	kustomization := named(t, build(t, gitops+"/flux"), "cluster-validation")
	variables, _, err := unstructured.NestedStringMap(kustomization.Object, "spec", "postBuild", "substitute")
	if err != nil {
		t.Fatal(err)
	}
	if path, _, _ := unstructured.NestedString(kustomization.Object, "spec", "path"); path != "./config/gitops/flux/run" {
		t.Errorf("the path is %s", path)
	}
	text := string(encoded(t, one(t, build(t, gitops+"/flux/run"), "ValidationRun")))
	for _, release := range []string{variables["release"], "1.10", "12e4567"} {
		run := decoded(t, []byte(strings.ReplaceAll(text, "${release}", release)))
		if want := "release " + release; release == "" || run.Spec.Trigger != want {
			t.Errorf("the trigger is %q, want %q", run.Spec.Trigger, want)
		}
	}
}

// Flux waits for longer than the run takes, and what depends on it waits for it.
func TestFluxWaits(t *testing.T) {
	objects := build(t, gitops+"/flux")
	kustomization := named(t, objects, "cluster-validation")
	if wait, _, _ := unstructured.NestedBool(kustomization.Object, "spec", "wait"); !wait {
		t.Error("Flux does not wait for the run")
	}
	timeout, _, _ := unstructured.NestedString(kustomization.Object, "spec", "timeout")
	run := decoded(t, encoded(t, one(t, build(t, gitops+"/flux/run"), "ValidationRun")))
	if d, err := time.ParseDuration(timeout); err != nil || d <= run.Spec.Timeout.Duration {
		t.Errorf("Flux waits for %q, and the run takes up to %s: %v", timeout, run.Spec.Timeout.Duration, err)
	}
	after, _, _ := unstructured.NestedSlice(named(t, objects, "workloads").Object, "spec", "dependsOn")
	if len(after) != 1 || after[0].(map[string]any)["name"] != kustomization.GetName() {
		t.Errorf("workloads depend on %v", after)
	}
}
