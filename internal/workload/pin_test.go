package workload

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// A Job of a node runs there and nowhere else, whatever else its pod asks for: of several terms one has to hold, so each names the node.
func TestPin(t *testing.T) {
	gpu := v1alpha1.SelectorRequirement{Key: "gpu", Operator: "Exists"}
	arm := v1alpha1.SelectorRequirement{Key: "arch", Operator: "In", Values: []string{"arm64"}}
	required := &v1alpha1.Affinity{NodeAffinity: &v1alpha1.NodeAffinity{
		Required: &v1alpha1.NodeSelector{NodeSelectorTerms: []v1alpha1.NodeSelectorTerm{
			{MatchExpressions: []v1alpha1.SelectorRequirement{gpu}}, {MatchExpressions: []v1alpha1.SelectorRequirement{arm}},
		}},
	}}
	for name, test := range map[string]struct {
		affinity *v1alpha1.Affinity
		terms    int
	}{
		"by default":               {nil, 1},
		"with an affinity of pods": {&v1alpha1.Affinity{}, 1},
		"with terms of its own":    {required, 2},
	} {
		t.Run(name, func(t *testing.T) {
			run := newRun(goTest(v1alpha1.GoTest{Package: "./a"}))
			run.Spec.Validator.Affinity = test.affinity
			run.Spec.Validator.NodeSelector = map[string]string{"pool": "gpu"}
			free := newJobOf(t, run, Item{Attempt: 1, Phase: "deployment"}).Spec.Template.Spec
			pinned := newJobOf(t, run, Item{Attempt: 1, Phase: "deployment", Node: "n1"}).Spec.Template.Spec
			terms := pinned.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
			if len(terms) != test.terms {
				t.Fatalf("terms are %v", terms)
			}
			want := []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}}
			for i := range terms {
				if diff := cmp.Diff(want, terms[i].MatchFields); diff != "" {
					t.Errorf("term %d (-want +got)\n%s", i, diff)
				}
				terms[i].MatchFields = nil
			}
			if pinned.NodeName != "" || pinned.NodeSelector["pool"] != "gpu" {
				t.Errorf("the scheduler is passed by: %q, %v", pinned.NodeName, pinned.NodeSelector)
			}
			if free.Affinity.NodeAffinity != nil && free.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
				if diff := cmp.Diff(free.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms, terms); diff != "" {
					t.Errorf("terms of its own change\n%s", diff)
				}
			}
		})
	}
	if required.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Key != "gpu" {
		t.Error("the run's own affinity is changed")
	}
}

// The Jobs of the items of a phase have names of their own, and say what they are for.
func TestItemsHaveTheirOwnJobs(t *testing.T) {
	run := newRun(goTest(v1alpha1.GoTest{Package: "./a"}))
	names := map[string]Item{}
	for _, item := range []Item{
		{}, {Check: "one"}, {Node: "one"}, {Check: "one", Node: "n1"}, {Check: "one", Node: "n2"}, {Check: "two", Node: "n1"},
		{Check: "one", Restart: 1}, {Check: "one", Unlisted: true}, {Check: "one,node=n1"}, {Check: "node=", Node: "n1"}, {Check: "one", Attempt: 2},
	} {
		if item.Phase = "deployment"; item.Attempt == 0 {
			item.Attempt = 1
		}
		job := newJobOf(t, run, item)
		if other, taken := names[job.Name]; taken {
			t.Errorf("%+v and %+v are both %s", item, other, job.Name)
		}
		names[job.Name] = item
		if len(job.Name) > 56 || job.Labels[v1alpha1.LabelCheck] != item.Check || job.Annotations[v1alpha1.AnnotationNode] != item.Node {
			t.Errorf("%+v has %s, %v, %v", item, job.Name, job.Labels, job.Annotations)
		}
	}
}

// What is captured is not there before it was, and everybody else gets it.
func TestMounted(t *testing.T) {
	from := v1alpha1.ConfigMapKey{Name: "c", Key: "k"}
	both := v1alpha1.ValidationRunSpec{Recipe: &v1alpha1.InputSource{ConfigMap: from}, Snapshot: &v1alpha1.SnapshotSource{ConfigMap: &from}}
	captured := v1alpha1.ValidationRunSpec{
		Recipe: &v1alpha1.InputSource{ConfigMap: from}, Snapshot: &v1alpha1.SnapshotSource{Capture: &v1alpha1.Capture{}},
	}
	for _, test := range []struct {
		spec  *v1alpha1.ValidationRunSpec
		phase string
		want  []string
	}{
		{&v1alpha1.ValidationRunSpec{}, "deployment", nil},
		{&both, "deployment", []string{InputRecipe, InputSnapshot}},
		{&both, v1alpha1.PhasePreflight, []string{InputRecipe, InputSnapshot}},
		{&captured, "deployment", []string{InputRecipe, InputSnapshot}},
		{&captured, v1alpha1.PhasePreflight, []string{InputRecipe}},
		{&captured, v1alpha1.PhaseSnapshot, []string{InputRecipe}},
	} {
		if got := Mounted(test.spec, test.phase); !slices.Equal(got, test.want) {
			t.Errorf("phase %s of %+v gets %v, want %v", test.phase, test.spec.Snapshot, got, test.want)
		}
	}
}
