package health

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// wanted are the conditions that speak of a fault unless they are true, and unwanted those that do if they are.
	wanted   = []string{"Ready", "Available", "Healthy", "Established", "NamesAccepted"}
	unwanted = []string{"Degraded", "Failed", "Stalled", "Error"}
)

// condition is one of an object's conditions, in the shape that nearly all kinds have.
type condition struct {
	kind, status, reason, message string
	observed                      int64
}

func (c condition) String() string {
	return fmt.Sprintf("%s is %s (%s: %s)", c.kind, c.status, c.reason, c.message)
}

func conditionsOf(object *unstructured.Unstructured) []condition {
	items, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	var conditions []condition
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			continue
		}
		text := func(name string) string {
			value, _ := fields[name].(string)
			return value
		}
		observed, _ := fields["observedGeneration"].(int64)
		conditions = append(conditions, condition{text("type"), text("status"), text("reason"), text("message"), observed})
	}
	return conditions
}

// ConditionTrue reports whether an object has a condition that is true.
func ConditionTrue(object *unstructured.Unstructured, kind string) bool {
	return slices.ContainsFunc(conditionsOf(object), func(c condition) bool { return c.kind == kind && c.status == "True" })
}

// Speaks reports whether an object says by any of its conditions how it is.
func Speaks(object *unstructured.Unstructured) bool {
	return slices.ContainsFunc(conditionsOf(object), func(c condition) bool {
		return slices.Contains(wanted, c.kind) || slices.Contains(unwanted, c.kind)
	}) || stateOf(object) != ""
}

// Unrest says what keeps an object of any kind from being at rest: its conditions, or that it is held in its deletion for long. While it
// goes it says of itself what it likes.
func Unrest(object *unstructured.Unstructured, now time.Time) []string {
	if at := object.GetDeletionTimestamp(); at != nil && now.Sub(at.Time) <= settleTime {
		return nil
	}
	return Conditions(object)
}

// Conditions says what stands against an object of any kind, by what it says of itself: that it is being deleted, that its
// controller has not seen its latest generation, that it is not ready, available, healthy or established, or that it is degraded,
// failed, stalled or in error. Of an object that says nothing of itself it knows nothing.
func Conditions(object *unstructured.Unstructured) []string {
	var problems []string
	if at := object.GetDeletionTimestamp(); at != nil {
		problems = append(problems, "it is being deleted since "+at.UTC().Format("2006-01-02T15:04:05Z")+
			fmt.Sprintf(", held by %q", object.GetFinalizers()))
	}
	generation := object.GetGeneration()
	if observed, found, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration"); found && err == nil &&
		observed < generation {
		problems = append(problems, unseen(generation, observed).Error())
	}
	for _, c := range conditionsOf(object) {
		switch {
		case slices.Contains(unwanted, c.kind) && c.status == "True":
			problems = append(problems, c.String())
		case !slices.Contains(wanted, c.kind):
		case c.status != "True":
			problems = append(problems, c.String())
		case c.observed != 0 && c.observed < generation:
			problems = append(problems, fmt.Sprintf("%s was said of generation %d of %d", c.kind, c.observed, generation))
		}
	}
	return append(problems, stateProblems(object)...)
}

// fine are the kinds that tell by a state of their own how they are, and the states that are no fault. Their operators give each of them
// a state. What the states of other kinds mean, nobody knows here.
var fine = map[schema.GroupKind][]string{
	{Group: "nvidia.com", Kind: "ClusterPolicy"}:      {"ready", "ignored", "disabled"},
	{Group: "nvidia.com", Kind: "NVIDIADriver"}:       {"ready", "ignored", "disabled"},
	{Group: "mellanox.com", Kind: "NicClusterPolicy"}: {"ready", "ignore"},
}

// stateProblems says what stands against an object by its state.
func stateProblems(object *unstructured.Unstructured) []string {
	states, stated := fine[object.GroupVersionKind().GroupKind()]
	state := stateOf(object)
	switch {
	case !stated || slices.Contains(states, state):
		return nil
	case state == "":
		return []string{"it has no state, so that its operator has not looked at it"}
	}
	problem := "its state is " + state
	if reason, _, _ := unstructured.NestedString(object.Object, "status", "reason"); reason != "" {
		problem += " (" + reason + ")"
	}
	return []string{problem}
}

// stateOf is how the kinds of fine say how they are.
func stateOf(object *unstructured.Unstructured) string {
	if _, stated := fine[object.GroupVersionKind().GroupKind()]; !stated {
		return ""
	}
	state, _, _ := unstructured.NestedString(object.Object, "status", "state")
	return state
}
