package monitoring

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// queryable holds series as they are written in Prometheus' own tests, such as `up{job="a"} 1x10 0x5`, with a sample each minute from 0 on.
func queryable(t *testing.T, written []string) storage.Queryable {
	t.Helper()
	var all []storage.Series
	for _, text := range written {
		of, values, err := parseSeries(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		all = append(all, storage.NewListSeries(of, values))
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
			var out []storage.Series
			for _, s := range all {
				if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
					out = append(out, s)
				}
			}
			return &seriesSet{all: out}
		},
	}}
}

func parseSeries(text string) (labels.Labels, []chunks.Sample, error) {
	of, values, err := parse.ParseSeriesDesc(text)
	var out []chunks.Sample
	for i, v := range values {
		if !v.Omitted {
			out = append(out, sample{at: int64(i) * time.Minute.Milliseconds(), value: v.Value})
		}
	}
	return of, out, err
}

func newEngine(t *testing.T) *promql.Engine {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1_000_000, Timeout: time.Minute, EnableNegativeOffset: true})
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

type sample struct {
	at    int64
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

type seriesSet struct {
	all  []storage.Series
	next int
}

func (s *seriesSet) Next() bool {
	s.next++
	return s.next <= len(s.all)
}

func (s *seriesSet) At() storage.Series                { return s.all[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
