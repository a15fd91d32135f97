package workload

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// A phase gives each field of its validator absent, empty or filled, and only that field of the run's changes.
func TestMergeEachField(t *testing.T) {
	kind := reflect.TypeFor[v1alpha1.PhaseValidator]()
	for i := range kind.NumField() {
		field := kind.Field(i)
		t.Run(field.Name, func(t *testing.T) {
			run := everything()
			if _, ok := reflect.TypeFor[v1alpha1.Validator]().FieldByName(field.Name); !ok {
				t.Fatalf("a phase can give %s and a run cannot", field.Name)
			}
			if diff := cmp.Diff(run, Merge(run, &v1alpha1.PhaseValidator{})); diff != "" {
				t.Errorf("absent (-want +got)\n%s", diff)
			}
			phase := &v1alpha1.PhaseValidator{}
			given := reflect.ValueOf(phase).Elem().Field(i)

			given.Set(emptyOf(field.Type))
			checkMerged(t, "empty", run, phase, field.Name)

			fillField(t, given, field.Name)
			checkMerged(t, "filled", run, phase, field.Name)
		})
	}
	if diff := cmp.Diff(everything(), Merge(everything(), nil)); diff != "" {
		t.Errorf("no validator of its own (-want +got)\n%s", diff)
	}
}

func TestMergeLeavesTheRunAsItIs(t *testing.T) {
	run := everything()
	image := "example.test/other"
	Merge(run, &v1alpha1.PhaseValidator{Image: &image, Env: []v1alpha1.EnvVar{}, NodeSelector: map[string]string{"a": "b"}})
	if diff := cmp.Diff(everything(), run); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Every field of a run's validator can be given by a phase, but the affinity.
func TestAPhaseCanGiveWhatARunCan(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[v1alpha1.Validator]()) {
		_, ok := reflect.TypeFor[v1alpha1.PhaseValidator]().FieldByName(field.Name)
		if ok == (field.Name == "Affinity") {
			t.Errorf("a phase can give %s: %v", field.Name, ok)
		}
	}
}

func emptyOf(t reflect.Type) reflect.Value {
	switch t.Kind() {
	case reflect.Slice:
		return reflect.MakeSlice(t, 0, 0)
	case reflect.Map:
		return reflect.MakeMap(t)
	default:
		return reflect.New(t.Elem())
	}
}

// fillField gives a field another value than the run's.
func fillField(t *testing.T, field reflect.Value, name string) {
	t.Helper()
	fill(t, field, 0)
	if reflect.DeepEqual(deref(field).Interface(), reflect.ValueOf(everything()).FieldByName(name).Interface()) {
		t.Fatalf("%s is no different", name)
	}
}

// deref is what a run's field would hold: the value behind a pointer to a scalar or to resources, and the pointer itself otherwise.
func deref(field reflect.Value) reflect.Value {
	if field.Kind() != reflect.Pointer {
		return field
	}
	if field.Elem().Kind() != reflect.Struct || field.Elem().Type() == reflect.TypeFor[v1alpha1.ResourceRequirements]() {
		return field.Elem()
	}
	return field
}

func checkMerged(t *testing.T, how string, run v1alpha1.Validator, phase *v1alpha1.PhaseValidator, name string) {
	t.Helper()
	want := run
	reflect.ValueOf(&want).Elem().FieldByName(name).Set(deref(reflect.ValueOf(phase).Elem().FieldByName(name)))
	if diff := cmp.Diff(want, Merge(run, phase)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", how, diff)
	}
}
