// Package measure sums up durations that a check took. It is pure; it must import neither a client nor a check.
package measure

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Percentile is the nearest-rank percentile of the samples: the smallest of them that at least p percent do not exceed. With
// fewer than a hundred samples the 99th percentile is thus the largest. No samples have the percentile 0.
func Percentile(samples []time.Duration, p float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Summary is what is worth knowing of a series of durations.
type Summary struct {
	Count         int
	P50, P99, Max time.Duration
}

// Of sums the samples up.
func Of(samples []time.Duration) Summary {
	return Summary{
		Count: len(samples),
		P50:   Percentile(samples, 50),
		P99:   Percentile(samples, 99),
		Max:   Percentile(samples, 100),
	}
}

// String is the summary as a log line shows it.
func (s Summary) String() string {
	return fmt.Sprintf("%d samples: p50 %s, p99 %s, max %s", s.Count, Round(s.P50), Round(s.P99), Round(s.Max))
}

// Round keeps three digits, which is more than a measurement over a network means.
func Round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
