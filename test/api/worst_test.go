package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
	"github.com/validation-operator/validation-operator/internal/workload"
)

// schema is the part of an OpenAPI schema that says what values look like.
type schema struct {
	Type                 string
	Format               string
	Description          string
	Properties           map[string]*schema
	AdditionalProperties *schema
	Items                *schema
	Enum                 []any
	MaxLength            int
	MaxItems             int
	MaxProperties        int
	Pattern              string
	Rules                []any `json:"x-kubernetes-validations"`
}

// specSchema is the schema of a ValidationRun's spec.
func specSchema(t *testing.T) *schema {
	t.Helper()
	return crdSchema(t).Properties["spec"]
}

// crdSchema is the schema of a ValidationRun.
func crdSchema(t *testing.T) *schema {
	t.Helper()
	data, err := os.ReadFile(crdPath)
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct{ OpenAPIV3Schema *schema }
			}
		}
	}
	if err := yaml.Unmarshal(data, &crd); err != nil {
		t.Fatal(err)
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

// place is somewhere in a run: the keys of objects and the indexes of lists that lead to it.
type place []any

func (p place) String() string {
	var text strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", step)
		case string:
			fmt.Fprintf(&text, ".%s", step)
		}
	}
	return strings.TrimPrefix(text.String(), ".")
}

func (p place) child(step any) place { return append(slices.Clone(p), step) }

// get is what a run has there.
func (p place) get(object any) any {
	for _, step := range p {
		switch step := step.(type) {
		case int:
			object = object.([]any)[step]
		case string:
			object = object.(map[string]any)[step]
		}
	}
	return object
}

// with is a copy of the run that has the value there.
func (p place) with(object, value any) any {
	if len(p) == 0 {
		return value
	}
	switch step := p[0].(type) {
	case int:
		list := slices.Clone(object.([]any))
		list[step] = p[1:].with(list[step], value)
		return list
	default:
		fields := maps.Clone(object.(map[string]any))
		fields[step.(string)] = p[1:].with(fields[step.(string)], value)
		return fields
	}
}

// spot is a place of a schema, and one in a run that has a value for it.
type spot struct {
	schema *schema
	at     place
}

// spots are one spot for each node of the schema, found in the values that a run has for it. What the run has no value for is missing.
func spots(runs []any, s *schema, path string, values []spot) (found []spot, missing []string) {
	if len(values) == 0 {
		return nil, []string{path}
	}
	found = append(found, values[0])
	descend := func(child *schema, path string, inside func(spot) []place) {
		var below []spot
		for _, value := range values {
			for _, at := range inside(value) {
				below = append(below, spot{schema: child, at: at})
			}
		}
		f, m := spots(runs, child, path, below)
		found, missing = append(found, f...), append(missing, m...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		descend(s.Properties[name], path+"."+name, func(in spot) []place {
			if _, ok := in.at.get(runs).(map[string]any)[name]; ok {
				return []place{in.at.child(name)}
			}
			return nil
		})
	}
	if s.Items != nil {
		descend(s.Items, path+"[]", func(in spot) (out []place) {
			for i := range in.at.get(runs).([]any) {
				out = append(out, in.at.child(i))
			}
			return out
		})
	}
	if s.AdditionalProperties != nil {
		descend(s.AdditionalProperties, path+"{}", func(in spot) (out []place) {
			for _, key := range slices.Sorted(maps.Keys(in.at.get(runs).(map[string]any))) {
				out = append(out, in.at.child(key))
			}
			return out
		})
	}
	return found, missing
}

// The values that fields should not be given, as JSON.
var (
	// shapes are for every field.
	shapes = []string{`null`, `true`, `{}`, `[]`, `[null]`, `[{}]`, `""`, `"a"`, `0`, `1.5`, `{"":""}`, `{"a":null}`, `{"\u0000":"\u0000"}`}
	// numbers are for fields that take numbers.
	numbers = []string{
		`1`, `1.0`, `1e3`, `-1`, `-0`, `1e-30`, `1e30`, `1e400`, `2147483647`, `2147483648`, `-2147483649`, `9007199254740993`,
		`9223372036854775807`, `9223372036854775808`, `"1"`,
	}
	// texts are for fields that take strings.
	texts = []string{
		" ", "0", "-1", "1e3", "9e999", "NaN", "null", "1.", ".5", "1Ki", "999999999999999E", "999999999999999.999999999Ei", "0.000000001m",
		"9223372036854775808", "1h", "0s", "-1h", "1e9h", "2562047h47m16.854775807s", "9999999h9999999h", "10m0.0000000001s", "1d",
		"2026-02-30T25:61:61Z", "\x00", "a\x00b", "\x1b[31m", "\t\r\n", "é", "\u202ea\u2066", "\U0001F600", "\ufffd",
		"[", "(?i)*", "$(A)", "../..", "/", ".",
		strings.Repeat("a", 5000),
	}
)

// worst are the values that a field should not be given.
func worst(s *schema, sample any) []json.RawMessage {
	values := slices.Clone(shapes)
	if s.Type == "integer" || s.Type == "" {
		values = append(values, numbers...)
	}
	if s.Type == "string" || s.Type == "" {
		for _, text := range texts {
			values = append(values, encode(text))
		}
		values = append(values, encode(strings.Repeat("a", s.MaxLength)), encode(strings.Repeat("a", s.MaxLength+1)),
			encode(strings.Repeat("\U0001F600", s.MaxLength)))
	}
	for _, value := range s.Enum {
		values = append(values, encode(value), encode(strings.ToLower(fmt.Sprint(value))))
	}
	return raw(append(values, sized(s, sample)...))
}

func raw(values []string) []json.RawMessage {
	out := make([]json.RawMessage, len(values))
	for i, value := range values {
		out[i] = json.RawMessage(value)
	}
	return out
}

// sized are lists and maps that are as long as they may be, and longer.
func sized(s *schema, sample any) (values []string) {
	if list, ok := sample.([]any); ok {
		for _, n := range []int{s.MaxItems, s.MaxItems + 1} {
			values = append(values, encode(slices.Repeat(list[:1], n)))
		}
	}
	fields, ok := sample.(map[string]any)
	if !ok || s.AdditionalProperties == nil {
		return values
	}
	for _, value := range fields {
		for _, n := range []int{s.MaxProperties, s.MaxProperties + 1} {
			many := map[string]any{}
			for i := range n {
				many[fmt.Sprintf("example.com/k%d", i)] = value
			}
			values = append(values, encode(many))
		}
		for _, key := range []string{"", " ", "\x00", "é", "a/b/c", "a..b/c", "-a/b", "a/-b", strings.Repeat("p", 254) + "/k", strings.Repeat("k", 318)} {
			values = append(values, encode(map[string]any{key: value}))
		}
	}
	return values
}

func encode(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(data)
}

// Whatever the API server lets in, the operator can list, and can make Jobs of or say why not: one run that does not decode would stop
// the operator's list of all runs.
func TestWorstValuesNeverBreakTheListOfRuns(t *testing.T) {
	runs, whole := readAll(t, "testdata/every-field.yaml"), specSchema(t)
	specs := make([]spot, len(runs))
	for i := range runs {
		specs[i] = spot{schema: whole, at: place{i, "spec"}}
	}
	found, missing := spots(runs, whole, "spec", specs)
	if len(missing) > 0 {
		t.Fatalf("testdata/every-field.yaml has no value of %s", strings.Join(missing, ", "))
	}
	for i, run := range runs {
		if _, err := create(t.Context(), run, map[string]string{"dryRun": "All", "fieldValidation": "Strict"}); err != nil {
			t.Fatalf("run %d of testdata/every-field.yaml is refused: %v", i, err)
		}
	}
	tried := map[string]bool{}
	for i, s := range found {
		// Where a schema is used once more, within the validator of a phase for example, the shapes do: Go's type is the same as well.
		values, mark := raw(shapes), encode(s.schema)
		if !tried[mark] {
			values, tried[mark] = worst(s.schema, s.at.get(runs)), true
		}
		t.Run(s.at[1:].String(), func(t *testing.T) {
			t.Parallel()
			tryWorst(t, runs[s.at[0].(int)], s.at[1:], values, fmt.Sprintf("worst-%d", i))
		})
	}
}

func tryWorst(t *testing.T, run any, at place, values []json.RawMessage, label string) {
	accepted := map[string]json.RawMessage{}
	for i, value := range values {
		name := fmt.Sprintf("%s-%d", label, i)
		object := at.with(run, value).(map[string]any)
		object["metadata"] = map[string]any{"name": name, "labels": map[string]any{"test": label}}
		switch _, err := create(t.Context(), object, map[string]string{"fieldValidation": "Ignore"}); {
		case err == nil:
			accepted[name] = value
		case !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err):
			t.Errorf("%s is neither accepted nor refused: %v", value, err)
		}
	}
	where := []client.ListOption{client.InNamespace(namespace), client.MatchingLabels{"test": label}}
	list := &v1alpha1.ValidationRunList{}
	if err := typed.List(t.Context(), list, where...); err != nil {
		t.Errorf("the list of runs is broken by one of %s: %v", encode(accepted), err)
	}
	if len(list.Items) != len(accepted) {
		t.Errorf("%d runs are listed, %d were accepted", len(list.Items), len(accepted))
	}
	for i := range list.Items {
		tryJobs(t, &list.Items[i], accepted[list.Items[i].Name])
	}
	err := typed.DeleteAllOf(t.Context(), &v1alpha1.ValidationRun{}, client.InNamespace(namespace), client.MatchingLabels{"test": label})
	if err != nil {
		t.Error(err)
	}
}

// tryJobs makes what the operator would make of a run.
func tryJobs(t *testing.T, run *v1alpha1.ValidationRun, value json.RawMessage) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic about %s: %v", value, p)
		}
	}()
	if _, err := workload.EncodeSpec(&run.Spec); err != nil {
		t.Errorf("%s was accepted, and cannot be frozen: %v", value, err)
	}
	run.Spec.SetDefaults()
	if s := run.Spec.Snapshot; s != nil && s.Capture != nil {
		trySelector(t, s.Capture.Nodes, value)
	}
	for i := range run.Spec.Phases {
		phase := &run.Spec.Phases[i]
		trySelector(t, phase.Nodes, value)
		if phase.GoTest == nil && phase.Container == nil {
			continue // The recipe says what it runs.
		}
		job, err := workload.Job(run, phase, workload.Item{Attempt: 1, Phase: phase.Name})
		if err != nil {
			t.Errorf("%s was accepted, and cannot be made a Job: %v", value, err)
			continue
		}
		if _, err := runtime.DefaultUnstructuredConverter.ToUnstructured(job); err != nil {
			t.Errorf("%s was accepted, and gives a Job that cannot be encoded: %v", value, err)
		}
	}
}

// trySelector selects nodes as the operator would.
func trySelector(t *testing.T, nodes *v1alpha1.NodeSelection, value json.RawMessage) {
	t.Helper()
	if nodes == nil {
		return
	}
	set := labels.Set{}
	for key, v := range nodes.Selector {
		set[key] = string(v)
	}
	if _, err := labels.ValidatedSelectorFromSet(set); err != nil {
		t.Errorf("%s was accepted, and selects no nodes: %v", value, err)
	}
}
