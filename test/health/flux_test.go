package health

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// flux is as much of Flux as judges a resource by healthCheckExprs (fluxcd/pkg/runtime/cel).
type flux struct{ asked []question }

type question struct {
	program cel.Program
	answer  status.Status
}

// newFlux is a Flux with the expressions of the sample, in the order in which it asks them.
func newFlux(t *testing.T) *flux {
	t.Helper()
	f := &flux{}
	check := healthCheck(t)
	for _, q := range []struct {
		field  string
		answer status.Status
	}{{"inProgress", status.InProgressStatus}, {"failed", status.FailedStatus}, {"current", status.CurrentStatus}} {
		f.asked = append(f.asked, question{program(t, check[q.field]), q.answer})
	}
	return f
}

// program parses an expression; Flux does not check its types, because it knows no resource's schema.
func program(t *testing.T, expression string) cel.Program {
	t.Helper()
	env, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders(),
	)
	if err != nil {
		t.Fatal(err)
	}
	ast, issues := env.Parse(expression)
	if issues.Err() != nil {
		t.Fatalf("parsing %q: %v", expression, issues.Err())
	}
	out, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// status is StatusEvaluator.Evaluate: InProgress while the generation is not the observed one, then the first expression that is
// true, and InProgress if none is.
func (f *flux) status(t *testing.T, object *unstructured.Unstructured) status.Status {
	t.Helper()
	observed, known, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err != nil {
		t.Fatal(err)
	}
	if known && observed != object.GetGeneration() {
		return status.InProgressStatus
	}
	for _, q := range f.asked {
		value, _, err := q.program.ContextEval(t.Context(), object.Object)
		if err != nil {
			t.Fatalf("evaluating the expression for %s: %v", q.answer, err)
		}
		if is, ok := value.Value().(bool); !ok {
			t.Fatalf("the expression for %s gives %v", q.answer, value)
		} else if is {
			return q.answer
		}
	}
	return status.InProgressStatus
}

// healthCheck is the expressions that the sample has for ValidationRuns.
func healthCheck(t *testing.T) map[string]string {
	t.Helper()
	checks, _, err := unstructured.NestedSlice(named(t, build(t, gitops+"/flux"), "cluster-validation").Object, "spec", "healthCheckExprs")
	if err != nil || len(checks) != 1 {
		t.Fatalf("%d healthCheckExprs: %v", len(checks), err)
	}
	out := map[string]string{}
	fields, _ := checks[0].(map[string]any)
	for name, value := range fields {
		out[name], _ = value.(string)
	}
	if out["apiVersion"] != "validation.aicr.dev/v1alpha1" || out["kind"] != "ValidationRun" {
		t.Errorf("the expressions are for %s %s", out["apiVersion"], out["kind"])
	}
	return out
}
