package metrics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// constants are the values of a file's string constants whose names begin with prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if !strings.HasPrefix(name.Name, prefix) || i >= len(spec.Values) {
				continue
			}
			if value, ok := spec.Values[i].(*ast.BasicLit); ok && value.Kind == token.STRING {
				text, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, text)
			}
		}
		return true
	})
	slices.Sort(out)
	return out
}

// TestNoConstantIsForgotten holds the sets against the constants that they are of.
func TestNoConstantIsForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		set          set
		file, prefix string
	}{
		"reasons":  {reasons, "../../api/v1alpha1/conditions.go", "Reason"},
		"verdicts": {verdicts, "../../api/v1alpha1/status_types.go", "Verdict"},
		"phases":   {phaseStates, "../../api/v1alpha1/status_types.go", "Phase"},
		"gaps":     {gaps, "../podlog/podlog.go", "Gap"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(constants(t, test.file, test.prefix), slices.Sorted(maps.Keys(test.set))); diff != "" {
				t.Errorf("constants of %s and what labels can say (-constants +labels):\n%s", test.file, diff)
			}
		})
	}
}

func TestReasonsOfPhasesAreReasons(t *testing.T) {
	for state, set := range phaseReasons {
		for reason := range set {
			if reason != "" && !reasons[reason] || !phaseStates[state] {
				t.Errorf("%s %s is none", state, reason)
			}
		}
	}
	for reason := range join(retryReasons, refusals) {
		if !reasons[reason] {
			t.Errorf("%s is none", reason)
		}
	}
}

// TestBounded: what is shown of no runs at all is shown at 0, and is little.
func TestBounded(t *testing.T) {
	m, registry := newMetrics(t)
	watch(t, m, nil)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, family := range families {
		series += len(family.GetMetric())
	}
	if series > 150 {
		t.Errorf("%d series without a single run", series)
	}
	if got := samples(t, registry); len(got) > 0 {
		t.Errorf("counted: %v", got)
	}
	// increase() sees a count only where the series was there before it.
	for _, name := range []string{"attempts_completed_total", "phases_completed_total", "retries_total", "results_refused_total", "log_gaps_total"} {
		if !slices.ContainsFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "validation_operator_"+name }) {
			t.Errorf("%s is not there before it counts", name)
		}
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	m, registry := newMetrics(t)
	watch(t, m, aRunOfEachKind())
	exercise(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "validation_operator_") {
			t.Errorf("%s has not the prefix", family.GetName())
		}
	}
}
