package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// The lists of items are bounded over all phases together, by rules.
const (
	maxActive  = 64
	maxFailing = 20
)

// maxCondition are the bounds of a condition's texts, by a rule as well: the type itself, which is Kubernetes', has far larger ones.
var maxCondition = map[string]int{"type": 64, "reason": 64, "message": 1024}

// The largest status that the API server takes is small enough to be watched by many. Each value in it is as long as its bound, in ASCII.
func TestLargestStatusIsBounded(t *testing.T) {
	whole := crdSchema(t).Properties["status"]
	status := largest("status", whole, 0).(map[string]any)
	spread(status)
	name := statusRun(t)
	stored, err := setStatus(t, name, status)
	if err != nil {
		t.Fatalf("the largest status is refused: %v", err)
	}
	if got, sent := len(encode(stored)), len(encode(status)); got != sent {
		t.Errorf("of %d bytes of status %d are stored", sent, got)
	}
	size := len(encode(status))
	t.Logf("the largest status has %d bytes", size)
	if size >= 256<<10 {
		t.Errorf("the largest status has %d bytes, want less than %d", size, 256<<10)
	}
	if err := typed.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.ValidationRun{}); err != nil {
		t.Errorf("the largest status does not decode: %v", err)
	}
}

// Where one more is too many, the API server says so: what the size of a status rests on is not only in the operator.
func TestStatusHasNoRoomForMore(t *testing.T) {
	whole := crdSchema(t).Properties["status"]
	name := statusRun(t)
	for _, test := range []struct {
		name, want string
		change     func(status map[string]any)
	}{
		{"active items of two phases", "all phases together have at most 64 active items", func(status map[string]any) {
			fanOut(status, 1)["active"] = fanOut(status, 0)["active"].([]any)[:1]
		}},
		{"failing items of two phases", "all phases together have at most 20 failing items", func(status map[string]any) {
			fanOut(status, 1)["failing"] = fanOut(status, 0)["failing"].([]any)[:1]
		}},
		{"a condition's message", "a condition has a type and a reason of at most 64 characters, and a message of at most 1024", condition("message", 1025)},
		{"a condition's reason", "a condition has a type and a reason of at most 64 characters", condition("reason", 65)},
		{"a condition's type", "a condition has a type and a reason of at most 64 characters", condition("type", 65)},
		{"a failure's node", "status.failures[0].node: Too long: may not be more than 253 bytes", func(status map[string]any) {
			status["failures"].([]any)[0].(map[string]any)["node"] = strings.Repeat("n", 254)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			status := largest("status", whole, 0).(map[string]any)
			spread(status)
			test.change(status)
			if _, err := setStatus(t, name, status); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("one more gives %v, want a refusal that says %q", err, test.want)
			}
		})
	}
}

func condition(field string, length int) func(map[string]any) {
	return func(status map[string]any) {
		status["conditions"].([]any)[0].(map[string]any)[field] = strings.Repeat("a", length)
	}
}

func fanOut(status map[string]any, i int) map[string]any {
	return status["phases"].([]any)[i].(map[string]any)["fanOut"].(map[string]any)
}

// spread leaves the lists of items to the first phases, as far as all phases together may have some.
func spread(status map[string]any) {
	for list, room := range map[string]int{"active": maxActive, "failing": maxFailing} {
		for i := range status["phases"].([]any) {
			f := fanOut(status, i)
			items := f[list].([]any)
			if f[list] = items[:min(room, len(items))]; room == 0 {
				delete(f, list)
			}
			room -= min(room, len(items))
		}
	}
}

// largest is the value of a schema that takes most room. The number tells it from others where they have to differ.
func largest(path string, s *schema, n int) any {
	if bound, ok := maxCondition[strings.TrimPrefix(path, "status.conditions[].")]; ok {
		return fmt.Sprintf("%c%s", 'a'+n, strings.Repeat("a", bound-1))
	}
	switch s.Type {
	case "object":
		fields := map[string]any{}
		for name, field := range s.Properties {
			fields[name] = largest(path+"."+name, field, n)
		}
		return fields
	case "array":
		items := make([]any, s.MaxItems)
		for i := range items {
			items[i] = largest(path+"[]", s.Items, i)
		}
		return items
	case "boolean":
		return false
	case "integer":
		if s.Format == "int32" {
			return json.Number(fmt.Sprint(1<<31 - 1 - n))
		}
		return json.Number(fmt.Sprint(1<<63 - 1 - n))
	}
	switch {
	case s.Format == "date-time":
		return "2026-01-02T03:04:05Z"
	case len(s.Enum) > 0:
		long := ""
		for _, value := range s.Enum {
			if v := fmt.Sprint(value); len(v) > len(long) {
				long = v
			}
		}
		return long
	}
	return strings.Repeat(string(rune('a'+n%26)), s.MaxLength)
}

// statusRun makes a run to write statuses to, and gives its name.
func statusRun(t *testing.T) string {
	t.Helper()
	name := "status-" + strings.ToLower(t.Name()[len("Test"):])
	if _, err := create(t.Context(), parse(t, named(name)), nil); err != nil {
		t.Fatal(err)
	}
	return name
}

func setStatus(t *testing.T, name string, status any) (stored any, err error) {
	t.Helper()
	body := encode(map[string]any{"status": status})
	result := core.CoreV1().RESTClient().Patch(types.MergePatchType).AbsPath(runsPath, name, "status").
		Param("fieldValidation", "Strict").Body([]byte(body)).Do(t.Context())
	if err := result.Error(); err != nil {
		return nil, err
	}
	data, err := result.Raw()
	if err != nil {
		return nil, err
	}
	var answer struct{ Status json.RawMessage }
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Status, nil
}
