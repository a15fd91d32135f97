package measure

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	tests := map[string]struct {
		samples []time.Duration
		p       float64
		want    time.Duration
	}{
		"none":                 {nil, 99, 0},
		"one":                  {[]time.Duration{7}, 50, 7},
		"the 99th of a few":    {[]time.Duration{3, 9, 1}, 99, 9},
		"the 99th of 100":      {hundred, 99, 99},
		"the 100th of 100":     {hundred, 100, 100},
		"the median of 100":    {hundred, 50, 50},
		"the median of three":  {[]time.Duration{3, 9, 1}, 50, 3},
		"the 0th is the least": {[]time.Duration{3, 9, 1}, 0, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Percentile(tt.samples, tt.p); got != tt.want {
				t.Errorf("Percentile = %d, want %d", got, tt.want)
			}
		})
	}
	if hundred[0] != 100 {
		t.Error("Percentile has sorted its argument")
	}
}

func TestSummary(t *testing.T) {
	got := Of([]time.Duration{time.Second, 1234567 * time.Nanosecond, 2 * time.Second}).String()
	if want := "3 samples: p50 1s, p99 2s, max 2s"; got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
}

func TestRound(t *testing.T) {
	tests := map[time.Duration]time.Duration{
		0:                          0,
		999:                        999,
		1234567:                    1230000,
		1*time.Second + 234567890:  1230 * time.Millisecond,
		63*time.Second + 987654321: 64 * time.Second,
	}
	for d, want := range tests {
		if got := Round(d); got != want {
			t.Errorf("Round(%s) = %s, want %s", d, got, want)
		}
	}
}
