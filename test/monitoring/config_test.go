package monitoring

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"sigs.k8s.io/yaml"
)

// read decodes a file, YAML or JSON, by its path from the top of the repository.
func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// rules are the shipped ones, as Prometheus reads them.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var resource struct {
		Spec any `json:"spec"`
	}
	read(t, "config/prometheus/rules.yaml", &resource)
	spec, err := yaml.Marshal(resource.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(spec, false, model.UTF8Validation, parse, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil || len(groups.Groups) == 0 {
		t.Fatal("there are no rules")
	}
	var out []rulefmt.Rule
	for _, group := range groups.Groups {
		out = append(out, group.Rules...)
	}
	return out
}

func TestAlertsReadWhatIsShown(t *testing.T) {
	k := allKnown(t)
	for _, rule := range rules(t) {
		t.Run(rule.Alert, func(t *testing.T) {
			k.check(t, rule.Expr)
			for _, key := range []string{"summary", "description"} {
				if rule.Annotations[key] == "" {
					t.Errorf("it has no %s", key)
				}
			}
			if s := rule.Labels["severity"]; s != "critical" && s != "warning" && s != "info" {
				t.Errorf("severity is %q", s)
			}
		})
	}
}

// dashboard is what of Grafana's format matters here.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, LegendFormat string }
	}
}

var legendLabel = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	read(t, "config/grafana/validation-operator.json", &d)
	return d
}

func TestDashboardReadsWhatIsShown(t *testing.T) {
	k := allKnown(t)
	ids := map[int]bool{}
	for _, panel := range readDashboard(t).Panels {
		t.Run(panel.Title, func(t *testing.T) {
			if ids[panel.ID] {
				t.Errorf("the id %d is another panel's as well", panel.ID)
			}
			ids[panel.ID] = true
			if panel.Type != "row" && len(panel.Targets) == 0 || panel.GridPos.X+panel.GridPos.W > 24 {
				t.Errorf("it shows nothing, or does not fit: %+v", panel)
			}
			for _, target := range panel.Targets {
				expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
				k.check(t, expr)
				for _, label := range legendLabel.FindAllStringSubmatch(target.LegendFormat, -1) {
					if !regexp.MustCompile(`by \([^)]*\b` + label[1] + `\b|^(rate\()?\w+\{`).MatchString(expr) {
						t.Errorf("%s: the legend's %s is not among its labels", expr, label[1])
					}
				}
			}
		})
	}
}

// TestNoMetricIsForgotten: each of our own metrics is on the dashboard or in an alert, or nobody will ever look at it.
func TestNoMetricIsForgotten(t *testing.T) {
	var all strings.Builder
	for _, rule := range rules(t) {
		all.WriteString(rule.Expr + "\n")
	}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			all.WriteString(target.Expr + "\n")
		}
	}
	for _, m := range own(t) {
		if strings.HasPrefix(m.Name, "validation_operator_") && !regexp.MustCompile(`\b`+m.Name+`(_bucket)?\b`).MatchString(all.String()) {
			t.Errorf("nobody looks at %s", m.Name)
		}
	}
}

// TestServiceMonitorSelectsTheService: the name of the Service, with the prefix that config/operator gives it, is the job in all rules.
func TestServiceMonitorSelectsTheService(t *testing.T) {
	var service struct {
		Metadata struct {
			Name   string
			Labels map[string]string
		}
		Spec struct{ Ports []struct{ Name string } }
	}
	read(t, "config/manager/metrics_service.yaml", &service)
	var monitor struct {
		Metadata struct{ Namespace string }
		Spec     struct {
			Selector  struct{ MatchLabels map[string]string }
			Endpoints []struct {
				Port, Scheme, Path string
				HonorLabels        bool
			}
		}
	}
	read(t, "config/prometheus/service_monitor.yaml", &monitor)
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if service.Metadata.Labels[key] != value {
			t.Errorf("the Service has not the label %s=%s", key, value)
		}
	}
	endpoint := monitor.Spec.Endpoints[0]
	if endpoint.Port != service.Spec.Ports[0].Name || endpoint.Scheme != "https" || endpoint.Path != "/metrics" {
		t.Errorf("%+v is not where the metrics are: %+v", endpoint, service.Spec.Ports)
	}
	if !endpoint.HonorLabels {
		t.Error("the namespace of a run's series would be the operator's")
	}
	var overlay struct{ Namespace, NamePrefix string }
	read(t, "config/operator/kustomization.yaml", &overlay)
	if monitor.Metadata.Namespace != overlay.Namespace {
		t.Errorf("it is in %s, and the Service in %s", monitor.Metadata.Namespace, overlay.Namespace)
	}
	job := `job="` + overlay.NamePrefix + service.Metadata.Name + `"`
	for _, rule := range rules(t) {
		if strings.Contains(rule.Expr, "job=") && !strings.Contains(rule.Expr, job) {
			t.Errorf("%s is about another job than %s", rule.Alert, job)
		}
	}
}
