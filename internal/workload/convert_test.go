package workload

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// Every field of our bounded types is one of the core API's under the same name, and nothing is lost on the way there.
func TestBoundedTypesAreTheCoreAPIs(t *testing.T) {
	t.Run("Toleration", strict[v1alpha1.Toleration, corev1.Toleration])
	t.Run("Affinity", strict[v1alpha1.Affinity, corev1.Affinity])
	t.Run("PodSecurityContext", strict[v1alpha1.PodSecurityContext, corev1.PodSecurityContext])
	t.Run("SecurityContext", strict[v1alpha1.SecurityContext, corev1.SecurityContext])
	t.Run("EnvVar", strict[v1alpha1.EnvVar, corev1.EnvVar])
	t.Run("Volume", strict[v1alpha1.Volume, corev1.Volume])
	t.Run("VolumeMount", strict[v1alpha1.VolumeMount, corev1.VolumeMount])
	t.Run("ResourceRequirements", strict[v1alpha1.ResourceRequirements, corev1.ResourceRequirements])
	t.Run("LocalReference", strict[v1alpha1.LocalReference, corev1.LocalObjectReference])
}

func strict[Ours, Core any](t *testing.T) {
	var ours, back Ours
	fill(t, reflect.ValueOf(&ours).Elem(), 0)
	data, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var core Core
	if err := decoder.Decode(&core); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	converted, err := convert[Core](ours)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(core, converted) {
		t.Errorf("converted it is %+v, want %+v", converted, core)
	}
	if back, err = convert[Ours](converted); err != nil {
		t.Fatal(err)
	}
	if was, is := encode(t, ours), encode(t, back); was != is {
		t.Errorf("there and back it is\n%s, and was\n%s", is, was)
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestConvertOfNothingIsNothing(t *testing.T) {
	list, err := convert[[]corev1.Toleration]([]v1alpha1.Toleration(nil))
	if err != nil || list != nil {
		t.Errorf("%v, %v", list, err)
	}
	affinity, err := convert[*corev1.Affinity](&v1alpha1.Affinity{})
	if err != nil || affinity == nil {
		t.Errorf("an empty affinity, which clears the default, is %v, %v", affinity, err)
	}
}

// fill puts something into every field, and into every field of that.
func fill(t *testing.T, v reflect.Value, depth int) {
	t.Helper()
	if depth > 12 {
		t.Fatalf("%s is too deep", v.Type())
	}
	if v.Type() == reflect.TypeFor[v1alpha1.Amount]() {
		v.Set(reflect.ValueOf(v1alpha1.Amount(intstr.FromString("3Gi"))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(t, field, depth+1)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), depth+1)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, depth+1)
		fill(t, value, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("word")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	default:
		t.Fatalf("nothing is known to fill a %s with", v.Type())
	}
}
