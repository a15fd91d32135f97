package metrics

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	_ "sigs.k8s.io/controller-runtime/pkg/controller" // registers its metrics
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files")

// shown is a metric as test/monitoring reads it, which holds alerts and dashboard against it.
type shown struct {
	Name   string   `json:"name"`
	Type   string   `json:"type,omitempty"`
	Help   string   `json:"help,omitempty"`
	Labels []string `json:"labels,omitempty"`
	// Values are those of labels from closed sets.
	Values map[string][]string `json:"values,omitempty"`
}

// Of a Desc nothing can be had but its text.
var (
	descName   = regexp.MustCompile(`fqName: "([^"]+)"`)
	descLabels = regexp.MustCompile(`variableLabels: \{([^}]*)\}`)
)

func described(t *testing.T, collector prometheus.Collector) []shown {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		collector.Describe(descs)
		close(descs)
	}()
	var out []shown
	for desc := range descs {
		text := desc.String()
		name, labels := descName.FindStringSubmatch(text), descLabels.FindStringSubmatch(text)
		if name == nil || labels == nil {
			t.Fatalf("cannot read %s", text)
		}
		s := shown{Name: name[1]}
		if labels[1] != "" {
			s.Labels = strings.Split(labels[1], ",")
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b shown) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// fill adds what the samples tell.
func (s *shown) fill(family *dto.MetricFamily) {
	s.Type, s.Help = strings.ToLower(family.GetType().String()), family.GetHelp()
	if family.GetType() == dto.MetricType_HISTOGRAM {
		return
	}
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			if name := l.GetName(); name != "namespace" && name != "run" && !slices.Contains(s.Values[name], l.GetValue()) {
				if s.Values == nil {
					s.Values = map[string][]string{}
				}
				s.Values[name] = append(s.Values[name], l.GetValue())
			}
		}
	}
	for _, values := range s.Values {
		slices.Sort(values)
	}
}

// TestShown: whoever changes a metric sees whose alerts and dashboards it changes.
func TestShown(t *testing.T) {
	m, registry := newMetrics(t)
	runs := aRunOfEachKind()
	for reason := range progress {
		runs = append(runs, newRun("run-"+strings.ToLower(reason), func(r *v1alpha1.ValidationRun) { r.Status = running(0, reason) }))
	}
	watch(t, m, runs)
	exercise(m)
	metrics := described(t, registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for i := range metrics {
			if metrics[i].Name == family.GetName() {
				metrics[i].fill(family)
			}
		}
	}
	for _, s := range described(t, ctrlmetrics.Registry.(prometheus.Collector)) {
		if !strings.HasPrefix(s.Name, "go_") {
			metrics = append(metrics, s)
		}
	}
	got, err := json.MarshalIndent(metrics, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/shown.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go test -update writes %s anew (-want +got):\n%s", golden, diff)
	}
}
