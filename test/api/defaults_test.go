package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// minimal are runs that give only what they must, one for each kind of phase.
var minimal = map[string]string{
	"package":   goTest(""),
	"command":   phase("goTest: {command: [/checks/run], expectedTests: 3}"),
	"container": phase("container: {}"),
	"checks":    phase("goTest: {checks: [dns]}"),
	"nodes":     phase(tests + "\nnodes: {}"),
	"recipe":    spec(withRecipe + image),
	"capture":   beside("snapshot: {capture: {nodes: {}}}"),
	"adopted":   phases(withRecipe + "phases: [{name: deployment}]"),
	"sparse":    validator("volumes: [{name: tmp, emptyDir: {}}]\ntolerations: [{operator: Exists}]\nresources: {}\npodSecurityContext: {}"),
}

// What the API server fills in is what SetDefaults fills in; and SetDefaults fills in nothing else but in lists, where a default of the
// API server's would make an applied list differ from the stored one.
func TestDefaultsOfSchemaAndCodeAgree(t *testing.T) {
	for name, text := range minimal {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := parse(t, text)
			answer, err := create(t.Context(), sent, map[string]string{"dryRun": "All"})
			if err != nil {
				t.Fatal(err)
			}
			given, stored, coded := leaves(t, sent["spec"]), leaves(t, decode(t, answer)["spec"]), leaves(t, withDefaults(t, sent))
			want := map[string]string{}
			for path, value := range coded {
				if _, ok := given[path]; ok || !strings.Contains(path, "[") {
					want[path] = value
				}
			}
			if diff := cmp.Diff(want, stored); diff != "" {
				t.Errorf("what SetDefaults gives (-) and what the API server stores (+) differ:\n%s", diff)
			}
		})
	}
}

// kubectl explain tells the defaults of descriptions only, not those of schemas.
func TestDefaultsOfCodeAreExplained(t *testing.T) {
	spec := specSchema(t)
	for name, text := range minimal {
		sent := parse(t, text)
		given := leaves(t, sent["spec"])
		for path, value := range leaves(t, withDefaults(t, sent)) {
			if _, ok := given[path]; ok {
				continue
			}
			field := spec
			for step := range strings.FieldsFuncSeq(path, func(r rune) bool { return strings.ContainsRune(".[]0", r) }) {
				if field = field.Properties[step]; field.Items != nil {
					field = field.Items
				}
			}
			if !explains(field.Description, value) {
				t.Errorf("%s: %s is %s by default, and is described as %q", name, path, value, field.Description)
			}
		}
	}
}

// explains says whether a description tells a default, maybe beside one for another case: "Default: 1, and 10 with nodes."
func explains(description, value string) bool {
	_, said, _ := strings.Cut(strings.Join(strings.Fields(description), " "), "Default: ")
	value = strings.Replace(value, "./checks/deployment", "./checks/ and the phase's name", 1)
	for i := range said {
		rest, ok := strings.CutPrefix(said[i:], value)
		if ok && (i == 0 || said[i-1] == ' ') && (rest == "" || strings.ContainsAny(rest[:1], ".,; ")) {
			return true
		}
	}
	return false
}

func TestUnseenRunHasNoObservedGeneration(t *testing.T) {
	sent := parse(t, goTest(""))
	for name, status := range map[string]any{"no status": nil, "a status of the user's": map[string]any{"observedGeneration": 1, "verdict": "Passed"}} {
		sent["status"] = status
		answer, err := create(t.Context(), sent, map[string]string{"dryRun": "All"})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"observedGeneration": -1.0}
		if diff := cmp.Diff(want, decode(t, answer)["status"]); diff != "" {
			t.Errorf("created with %s, the status is not as wanted (-):\n%s", name, diff)
		}
	}
}

// withDefaults is the spec of a run after SetDefaults.
func withDefaults(t *testing.T, object map[string]any) map[string]any {
	t.Helper()
	var run v1alpha1.ValidationRun
	if err := json.Unmarshal([]byte(encode(object)), &run); err != nil {
		t.Fatal(err)
	}
	run.Spec.SetDefaults()
	return decode(t, []byte(encode(run.Spec)))
}

func decode(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// leaves are the values of an object by their places. Durations are written in one way, and empty objects left out.
func leaves(t *testing.T, object any) map[string]string {
	t.Helper()
	out := map[string]string{}
	var walk func(at place, value any)
	walk = func(at place, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, v := range value {
				walk(at.child(name), v)
			}
		case []any:
			for i, v := range value {
				walk(at.child(i), v)
			}
		default:
			out[at.String()] = short(fmt.Sprint(value))
		}
	}
	walk(nil, object)
	return out
}

// short is a duration without its zeros, and anything else as it is.
func short(text string) string {
	if rest, ok := strings.CutSuffix(text, "m0s"); ok {
		text = rest + "m"
	}
	if rest, ok := strings.CutSuffix(text, "h0m"); ok {
		text = rest + "h"
	}
	return text
}
