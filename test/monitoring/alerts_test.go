package monitoring

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
)

const (
	up   = `up{job="validation-operator-controller-manager-metrics",pod="a"} `
	week = 7 * 24 * time.Hour
)

// TestAlertsFire plays series, with a sample each minute, and tells which alerts fire at some time: the labels that set them apart, or nothing.
func TestAlertsFire(t *testing.T) {
	for name, test := range map[string]struct {
		alert  string
		series []string
		after  time.Duration
		want   []string
	}{
		"there":                      {"ValidationOperatorDown", []string{up + "1x60"}, time.Hour, nil},
		"one of two is down":         {"ValidationOperatorDown", []string{up + "0x60", `up{job="validation-operator-controller-manager-metrics",pod="b"} 1x60`}, time.Hour, nil},
		"rolled out":                 {"ValidationOperatorDown", []string{up + "1x10 0x5 1x60"}, 18 * time.Minute, nil},
		"all down":                   {"ValidationOperatorDown", []string{up + "1x10 0x60"}, 25 * time.Minute, []string{""}},
		"never there":                {"ValidationOperatorDown", nil, 25 * time.Minute, []string{""}},
		"works":                      {"ValidationOperatorIdle", []string{up + "1x60", `validation_operator_runs{state="Passed"} 0x60`}, time.Hour, nil},
		"works no more":              {"ValidationOperatorIdle", []string{up + "1x60", `validation_operator_runs{state="Passed"} 0x5 stale`}, time.Hour, []string{""}},
		"is down and does not work":  {"ValidationOperatorIdle", []string{up + "0x60"}, time.Hour, nil},
		"few errors":                 {"ValidationOperatorErrors", reconciles("0+100x60", "0+5x60"), time.Hour, nil},
		"many errors":                {"ValidationOperatorErrors", reconciles("0+100x60", "0+20x60"), time.Hour, []string{""}},
		"nothing to do":              {"ValidationOperatorErrors", reconciles("5x60", "5x60"), time.Hour, nil},
		"no panic":                   {"ValidationOperatorPanics", []string{`controller_runtime_reconcile_panics_total{controller="validationrun"} 1x60`}, time.Hour, nil},
		"a panic":                    {"ValidationOperatorPanics", []string{`controller_runtime_reconcile_panics_total{controller="validationrun"} 0x30 1x30`}, time.Hour, []string{""}},
		"failed":                     {"ValidationRunFailed", verdicts("Failed"), 5 * time.Minute, []string{"namespace=ns,run=failed"}},
		"failed, of the last leader": {"ValidationRunFailed", append(verdicts("Failed"), `validation_operator_run_verdict{namespace="ns",run="failed",verdict="Failed",pod="b"} 1x60`), 5 * time.Minute, []string{"namespace=ns,run=failed"}},
		"error is not failed":        {"ValidationRunFailed", verdicts("Error"), 5 * time.Minute, nil},
		"error":                      {"ValidationRunError", verdicts("Error"), 5 * time.Minute, []string{"namespace=ns,run=failed"}},
		"cancelled is not error":     {"ValidationRunError", verdicts("Cancelled"), 5 * time.Minute, nil},
		"passed yesterday":           {"ValidationRunNotPassed", passed(week-24*time.Hour, 0), 3 * time.Hour, nil},
		"passed long ago":            {"ValidationRunNotPassed", passed(week, 0), 3 * time.Hour, []string{"namespace=ns,run=run"}},
		"new, and never passed":      {"ValidationRunNotPassed", passed(0, 24*time.Hour), 3 * time.Hour, nil},
		"old, and never passed":      {"ValidationRunNotPassed", passed(0, week), 3 * time.Hour, []string{"namespace=ns,run=run"}},
		"old, and passed just now":   {"ValidationRunNotPassed", passed(time.Hour, 9*week), 3 * time.Hour, nil},
		"all attempts pass":          {"ValidationAttemptsUnsuccessful", attempts("Passed"), 20 * time.Minute, nil},
		"attempts fail":              {"ValidationAttemptsUnsuccessful", attempts("Failed"), 20 * time.Minute, []string{"verdict=Failed"}},
		"they failed before":         {"ValidationAttemptsUnsuccessful", attempts("Failed"), 50 * time.Minute, nil},
		"none is late":               {"ValidationRunsOverdue", []string{"validation_operator_runs_overdue 0x60"}, time.Hour, nil},
		"late for a little":          {"ValidationRunsOverdue", []string{"validation_operator_runs_overdue 0x50 1x10"}, time.Hour, nil},
		"late":                       {"ValidationRunsOverdue", []string{"validation_operator_runs_overdue 0x30 2x30"}, time.Hour, []string{""}},
		"phases run":                 {"ValidationPhasesWaiting", waiting("Running"), time.Hour, nil},
		"suspended":                  {"ValidationPhasesWaiting", waiting("Suspended"), time.Hour, nil},
		"phases wait":                {"ValidationPhasesWaiting", waiting("Unschedulable"), time.Hour, []string{"reason=Unschedulable"}},
		"logs are whole":             {"ValidationLogGaps", []string{`validation_operator_log_gaps_total{reason="OverlapLost"} 3x60`}, time.Hour, nil},
		"log lines lost":             {"ValidationLogGaps", []string{`validation_operator_log_gaps_total{reason="OverlapLost"} 0x50 1x60`}, time.Hour, []string{"reason=OverlapLost"}},
		"results stored":             {"ValidationResultsRefused", []string{`validation_operator_results_refused_total{reason="Forbidden"} 0x60`}, time.Hour, nil},
		"results refused":            {"ValidationResultsRefused", []string{`validation_operator_results_refused_total{reason="Forbidden"} 0x50 1x60`}, time.Hour, []string{"reason=Forbidden"}},
		"all have series":            {"ValidationRunSeriesLeftOut", []string{"validation_operator_run_series_left_out 0x120"}, 2 * time.Hour, nil},
		"too many":                   {"ValidationRunSeriesLeftOut", []string{"validation_operator_run_series_left_out 4x120"}, 2 * time.Hour, []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, firing(t, test.alert, test.series, test.after)); diff != "" {
				t.Errorf("%s fires for (-want +got):\n%s", test.alert, diff)
			}
			tried(test.alert, len(test.want) > 0)
		})
	}
	for _, rule := range rules(t) {
		if len(seen[rule.Alert]) != 2 {
			t.Errorf("%s was not seen both firing and silent", rule.Alert)
		}
	}
}

var seen = map[string]map[bool]bool{}

func tried(alert string, fired bool) {
	if seen[alert] == nil {
		seen[alert] = map[bool]bool{}
	}
	seen[alert][fired] = true
}

func reconciles(total, errors string) []string {
	return []string{
		`controller_runtime_reconcile_total{controller="validationrun",result="success"} ` + total,
		`controller_runtime_reconcile_errors_total{controller="validationrun"} ` + errors,
	}
}

func verdicts(of string) []string {
	return []string{
		`validation_operator_run_verdict{namespace="ns",run="failed",verdict="` + of + `",pod="a"} 1x60`,
		`validation_operator_run_verdict{namespace="ns",run="passed",verdict="Failed",pod="a"} 0x60`,
		`validation_operator_run_verdict{namespace="ns",run="passed",verdict="Passed",pod="a"} 1x60`,
	}
}

// passed shows a run that was created and has passed so long before the beginning, which is a time that is not 0; 0 is never.
func passed(last, created time.Duration) []string {
	series := func(name string, ago time.Duration) string {
		return fmt.Sprintf(`validation_operator_run_%s_timestamp_seconds{namespace="ns",run="run",pod="a"} %dx300`, name, -int(ago.Seconds()))
	}
	out := []string{series("created", created)}
	if last > 0 {
		out = append(out, series("last_passed", last))
	}
	return out
}

func attempts(verdict string) []string {
	return []string{`validation_operator_attempts_completed_total{verdict="` + verdict + `",pod="a"} 0x15 1x60`}
}

func waiting(reason string) []string {
	return []string{`validation_operator_phases_running{reason="` + reason + `"} 2x60`}
}

var usedLabel = regexp.MustCompile(`\$labels\.(\w+)`)

// firing are the labels of what fires: of what the expression has brought at every minute for as long as the rule says.
func firing(t *testing.T, alert string, series []string, after time.Duration) []string {
	t.Helper()
	rule := find(t, alert)
	store, engine := queryable(t, series), newEngine(t)
	since := map[string]time.Duration{}
	for at := time.Duration(0); at <= after; at += time.Minute {
		query, err := engine.NewInstantQuery(t.Context(), store, nil, rule.Expr, time.Unix(0, 0).Add(at))
		if err != nil {
			t.Fatal(err)
		}
		vector, err := query.Exec(t.Context()).Vector()
		if err != nil {
			t.Fatal(err)
		}
		active := map[string]time.Duration{}
		for _, sample := range vector {
			for _, text := range rule.Annotations {
				for _, l := range usedLabel.FindAllStringSubmatch(text, -1) {
					if !sample.Metric.Has(l[1]) {
						t.Errorf("%s has no label %s: %s", alert, l[1], text)
					}
				}
			}
			key := textOf(sample.Metric)
			if _, ok := active[key]; ok {
				t.Errorf("%s fires twice for %q", alert, key)
			}
			active[key] = at
			if earlier, ok := since[key]; ok {
				active[key] = earlier
			}
		}
		query.Close()
		since = active
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(since)) {
		if after-since[key] >= time.Duration(rule.For) {
			out = append(out, key)
		}
	}
	return out
}

func textOf(of labels.Labels) string {
	var out []string
	of.Range(func(l labels.Label) {
		if l.Name != "job" { // absent() takes it over from its argument
			out = append(out, l.Name+"="+l.Value)
		}
	})
	return strings.Join(out, ",")
}

func find(t *testing.T, alert string) rulefmt.Rule {
	t.Helper()
	for _, rule := range rules(t) {
		if rule.Alert == alert {
			return rule
		}
	}
	t.Fatalf("there is no alert %s", alert)
	return rulefmt.Rule{}
}
