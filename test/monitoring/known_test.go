package monitoring

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// metric is what package metrics shows, as its own tests write it down.
type metric struct {
	Name   string
	Labels []string
	// Values are those of labels from closed sets.
	Values map[string][]string
}

// known are the metrics by the names of their series.
type known map[string]metric

const shown = "internal/metrics/testdata/shown.json"

func own(t *testing.T) []metric {
	t.Helper()
	var all []metric
	read(t, shown, &all)
	return all
}

func allKnown(t *testing.T) known {
	t.Helper()
	scraped := []string{"job", "instance", "namespace", "pod", "container", "service", "endpoint"}
	k := known{}
	for _, m := range append(own(t), metric{Name: "up"}) {
		m.Labels = append(m.Labels, scraped...)
		for _, suffix := range []string{"", "_sum", "_count"} {
			k[m.Name+suffix] = m
		}
		m.Labels = append(slices.Clip(m.Labels), "le")
		k[m.Name+"_bucket"] = m
	}
	return k
}

var parse = parser.NewParser(parser.Options{})

// check holds an expression against what is shown.
func (k known) check(t *testing.T, expr string) {
	t.Helper()
	parsed, err := parse.ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %v", expr, err)
		return
	}
	var of, grouping []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			k.checkSelector(t, n)
			of = append(of, k[n.Name].Labels...)
		case *parser.AggregateExpr:
			grouping = append(grouping, n.Grouping...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouping = append(grouping, n.VectorMatching.MatchingLabels...)
			}
		}
		return nil
	})
	for _, l := range grouping {
		if !slices.Contains(of, l) {
			t.Errorf("%s: no series has the label %s", expr, l)
		}
	}
}

func (k known) checkSelector(t *testing.T, v *parser.VectorSelector) {
	t.Helper()
	m, ok := k[v.Name]
	if !ok {
		t.Errorf("there is no metric %s", v.Name)
	}
	for _, matcher := range v.LabelMatchers {
		if matcher.Name == model.MetricNameLabel {
			continue
		}
		if !slices.Contains(m.Labels, matcher.Name) {
			t.Errorf("%s has no label %s", v.Name, matcher.Name)
		}
		for value := range strings.SplitSeq(matcher.Value, "|") {
			if values := m.Values[matcher.Name]; values != nil && !slices.Contains(values, value) {
				t.Errorf("%s is never %s=%s", v.Name, matcher.Name, value)
			}
		}
	}
}
