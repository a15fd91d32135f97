package api

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

func TestNamesForKubectl(t *testing.T) {
	resources, err := core.Discovery().ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources.APIResources {
		if r.Name != "validationruns" {
			continue
		}
		if diff := cmp.Diff([][]string{{"vrun"}, {"validation"}}, [][]string{r.ShortNames, r.Categories}); diff != "" {
			t.Errorf("short names and categories are not as wanted (-):\n%s", diff)
		}
		return
	}
	t.Error("there is no resource validationruns")
}

// What `kubectl get validationruns -o wide` shows at each stage of a run's life.
func TestColumns(t *testing.T) {
	run := &v1alpha1.ValidationRun{}
	if err := json.Unmarshal([]byte(encode(parse(t, named("columns")))), run); err != nil {
		t.Fatal(err)
	}
	run.Namespace = namespace
	if err := typed.Create(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	unseen := map[string]any{"Name": "columns"}
	if diff := cmp.Diff(unseen, row(t, run.Name)); diff != "" {
		t.Errorf("a run that the operator has not seen looks otherwise than wanted (-):\n%s", diff)
	}

	run.Status = v1alpha1.ValidationRunStatus{
		ObservedGeneration: 1, Attempt: 2, Passed: "3/14", Message: "3 of 14 tests passed; TestA runs",
		Phases: []v1alpha1.PhaseStatus{
			{Name: "readiness", State: v1alpha1.PhasePassed},
			{Name: "deployment", State: v1alpha1.PhaseRunning},
			{Name: "performance", State: v1alpha1.PhasePending},
		},
	}
	setReady(t, run, metav1.ConditionUnknown, v1alpha1.ReasonRunning)
	running := map[string]any{
		"Name": "columns", "Status": "Running", "Passed": "3/14", "Phase": "deployment", "Attempt": 2.0, "Message": "3 of 14 tests passed; TestA runs",
	}
	if diff := cmp.Diff(running, row(t, run.Name)); diff != "" {
		t.Errorf("a run that is running looks otherwise than wanted (-):\n%s", diff)
	}

	for i := range run.Status.Phases {
		run.Status.Phases[i].State = v1alpha1.PhasePassed
	}
	run.Status.Passed, run.Status.Message, run.Status.Verdict = "14/14", "14 passed in 3 phases", v1alpha1.VerdictPassed
	setReady(t, run, metav1.ConditionTrue, string(v1alpha1.VerdictPassed))
	passed := map[string]any{
		"Name": "columns", "Status": "Passed", "Passed": "14/14", "Attempt": 2.0, "Message": "14 passed in 3 phases",
	}
	if diff := cmp.Diff(passed, row(t, run.Name)); diff != "" {
		t.Errorf("a run that has passed looks otherwise than wanted (-):\n%s", diff)
	}
}

func setReady(t *testing.T, run *v1alpha1.ValidationRun, status metav1.ConditionStatus, reason string) {
	t.Helper()
	meta.SetStatusCondition(&run.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: status, Reason: reason, ObservedGeneration: 1,
	})
	if err := typed.Status().Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

// row is what kubectl shows of a run, by column. It sees that the age is one, and that only the message waits for -o wide.
func row(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := core.CoreV1().RESTClient().Get().AbsPath(runsPath, name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for i, column := range table.ColumnDefinitions {
		cell := table.Rows[0].Cells[i]
		if wide := column.Priority > 0; wide != (column.Name == "Message") {
			t.Errorf("column %s is shown with -o wide only: %v", column.Name, wide)
		}
		if column.Name == "Age" {
			if _, err := time.ParseDuration(fmt.Sprint(cell)); err != nil {
				t.Errorf("the age is %v", cell)
			}
			continue
		}
		if cell != nil && cell != "" {
			out[column.Name] = cell
		}
	}
	return out
}
