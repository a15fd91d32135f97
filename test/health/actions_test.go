package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// offered are the actions that Argo CD offers, by whether they can be chosen.
func (a *argo) offered(t *testing.T, object *unstructured.Unstructured) map[string]bool {
	t.Helper()
	result, ok := runLua(t, a.actions.Discovery, object).(map[string]any)
	if !ok {
		t.Fatal("discovery.lua returned no table")
	}
	out := map[string]bool{}
	for name, value := range result {
		action, _ := value.(map[string]any)
		disabled, ok := action["disabled"].(bool)
		if !ok {
			t.Errorf("action %s does not say whether it is disabled", name)
		}
		out[name] = !disabled
	}
	return out
}

// act is what an action makes of an object.
func (a *argo) act(t *testing.T, name string, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	for _, d := range a.actions.Definitions {
		if d.Name == name {
			out, ok := runLua(t, d.Action, object).(map[string]any)
			if !ok {
				t.Fatalf("action %s returned no table", name)
			}
			return out
		}
	}
	t.Fatalf("there is no action %s", name)
	return nil
}

func TestActionsOffered(t *testing.T) {
	argo := newArgo(t)
	for name, tc := range map[string]struct {
		lead func(l *life)
		want map[string]bool
	}{
		"created":   {func(*life) {}, map[string]bool{"rerun": true, "suspend": true, "resume": false, "cancel": true}},
		"running":   {func(l *life) { l.settle() }, map[string]bool{"rerun": true, "suspend": true, "resume": false, "cancel": true}},
		"suspended": {func(l *life) { l.suspend(true); l.settle() }, map[string]bool{"rerun": true, "suspend": false, "resume": true, "cancel": true}},
		"passed":    {func(l *life) { l.end(0, "") }, map[string]bool{"rerun": true, "suspend": false, "resume": false, "cancel": false}},
		"cancelled": {
			func(l *life) { l.settle(); l.cancel(true); l.settle() },
			map[string]bool{"rerun": true, "suspend": false, "resume": false, "cancel": false},
		},
		"stopping to be cancelled": {
			func(l *life) {
				l.settle()
				l.start()
				l.settle()
				l.lingers = true
				l.cancel(true)
				l.settle()
			},
			map[string]bool{"rerun": true, "suspend": true, "resume": false, "cancel": false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			tc.lead(l)
			if diff := cmp.Diff(tc.want, argo.offered(t, l.stored())); diff != "" {
				t.Errorf("offered (-want +got):\n%s", diff)
			}
		})
	}
}

// An action changes what it says and nothing else.
func TestActions(t *testing.T) {
	argo := newArgo(t)
	for name, tc := range map[string]struct {
		action string
		before func(run *v1alpha1.ValidationRun)
		change func(object map[string]any)
	}{
		"suspend": {"suspend", nil, func(object map[string]any) { object["spec"].(map[string]any)["suspend"] = true }},
		"resume": {
			"resume", func(run *v1alpha1.ValidationRun) { run.Spec.Suspend = true },
			func(object map[string]any) { delete(object["spec"].(map[string]any), "suspend") },
		},
		"cancel": {"cancel", nil, func(object map[string]any) { object["spec"].(map[string]any)["cancel"] = true }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			if tc.before != nil {
				tc.before(l.run)
			}
			l.end(0, "")
			object := l.stored()
			want := object.DeepCopy().Object
			tc.change(want)
			if diff := cmp.Diff(want, argo.act(t, tc.action, object)); diff != "" {
				t.Errorf("after %s (-want +got):\n%s", tc.action, diff)
			}
		})
	}
}

// A rerun is asked for with a time that the operator has not handled yet, and takes a cancellation back, which would keep it from
// starting.
func TestActionRerun(t *testing.T) {
	argo := newArgo(t)
	for name, before := range map[string]func(l *life){
		"of a failed run":             func(l *life) { l.end(1, "") },
		"of a cancelled run":          func(l *life) { l.settle(); l.cancel(true); l.settle() },
		"of a run with an annotation": func(l *life) { l.rerun("1"); l.run.Annotations["other"] = "kept"; l.end(0, "") },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLife(t)
			before(l)
			object := l.stored()
			after := &unstructured.Unstructured{Object: argo.act(t, "rerun", object)}
			asked := after.GetAnnotations()[v1alpha1.AnnotationRerun]
			if _, err := time.Parse(time.RFC3339, asked); err != nil {
				t.Errorf("the annotation is no time: %v", err)
			}
			want := object.DeepCopy()
			annotations := want.GetAnnotations()
			if annotations == nil {
				annotations = map[string]string{}
			}
			annotations[v1alpha1.AnnotationRerun] = asked
			want.SetAnnotations(annotations)
			unstructured.RemoveNestedField(want.Object, "spec", "cancel")
			if diff := cmp.Diff(want.Object, after.Object); diff != "" {
				t.Errorf("after rerun (-want +got):\n%s", diff)
			}
			l.edit(func(spec *v1alpha1.ValidationRunSpec) { spec.Cancel = false })
			l.rerun(asked)
			attempt := l.run.Status.Attempt
			l.settle()
			if l.run.Status.Attempt == attempt || l.run.Status.Verdict != "" {
				t.Errorf("no attempt has started: %+v", l.run.Status)
			}
		})
	}
}
