package constraint

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHoldsForVersion(t *testing.T) {
	tests := []struct {
		expression, actual string
		want               bool
	}{
		{">= 1.32.4", "v1.33.1-eks-1b3e656", true},
		{">= 1.32.4", "v1.32.3", false},
		{"== 1.32", "v1.32.7", true},
		{">= 1.33", "v1.33.0-rc.1", false},
		{"v1.32.4", "v1.32.4", true},
		{"v1.32.4", "v1.32.5", false},
		{">= 25.3", "25.10", true},
		{"== 1.30", "1.3", false},
		{">= 25.10", "25.3", false},
		{"== latest", "25.3", false},
		{"!= latest", "25.3", true},
		{"25.3", "25.3", true},
	}
	for _, tt := range tests {
		t.Run(tt.actual+" "+tt.expression, func(t *testing.T) {
			got, err := HoldsForVersion(tt.expression, tt.actual)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("HoldsForVersion(%q, %q) = %t, want %t", tt.expression, tt.actual, got, tt.want)
			}
		})
	}
}

func TestHoldsForDuration(t *testing.T) {
	tests := []struct {
		expression string
		actual     time.Duration
		want       bool
	}{
		{"<= 1s", time.Second, true},
		{"<= 1s", time.Second + 1, false},
		{"< 1s", time.Second, false},
		{"<=250ms", 249 * time.Millisecond, true},
		{"> 1m", 61 * time.Second, true},
		{">= 1m", 59 * time.Second, false},
		{"1m", time.Minute, true},
		{"60s", time.Minute, true},
		{"1m", time.Minute + 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.actual.String()+" "+tt.expression, func(t *testing.T) {
			got, err := HoldsForDuration(tt.expression, tt.actual)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("HoldsForDuration(%q, %s) = %t, want %t", tt.expression, tt.actual, got, tt.want)
			}
		})
	}
}

func TestUnreadableExpressions(t *testing.T) {
	tests := []struct{ expression, version, want string }{
		{"", "1.32.4", "reading constraint"},
		{"~> 1.32", "1.32.4", "no known operator"},
		{">= 1s", "1.32.4", "a duration"},
		{">= 1.32.4", "unknown", "reading the actual version"},
		{"unknown", "unknown", "reading the actual version"},
		{">= 1.32.4", "1.32", "does not tell"},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			holds, err := HoldsForVersion(tt.expression, tt.version)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("HoldsForVersion(%q, %q) error = %v, want one with %q", tt.expression, tt.version, err, tt.want)
			}
			if holds {
				t.Error("an expression that cannot be read holds")
			}
		})
	}
	for _, expression := range []string{"", "<=", "<= 1", "<= soon", "<= 0s", "<= -1s", "<= 1s or so"} {
		if holds, err := HoldsForDuration(expression, 1); err == nil || holds {
			t.Errorf("HoldsForDuration(%q) = %t, %v, want an error", expression, holds, err)
		}
	}
}

func TestSkew(t *testing.T) {
	tests := []struct{ server, kubelet, want string }{
		{"v1.37.1", "v1.37.1", ""},
		{"v1.37.1", "v1.37.9", ""},
		{"v1.37.1", "v1.34.0-gke.100", ""},
		{"v1.37.1", "v1.33.9", "4 minor versions older"},
		{"v1.37.1", "v1.38.0", "newer"},
		{"v1.37.1", "v2.37.0", "another major"},
		{"v1.37.1", "", "kubelet's version"},
		{"?", "v1.37.1", "API server's version"},
		{"v1", "v1.37.1", "no minor version"},
		{"v1.3", "v1", "no minor version"},
	}
	for _, tt := range tests {
		t.Run(tt.server+" "+tt.kubelet, func(t *testing.T) {
			err := Skew(tt.server, tt.kubelet)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Skew = %v, want none", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Skew = %v, want one with %q", err, tt.want)
			}
		})
	}
}

// record is a testing.TB that keeps what a check says instead of saying it.
type record struct {
	testing.TB
	errors, logs []string
}

func (r *record) Helper() { r.TB.Helper() }
func (r *record) Logf(f string, a ...any) {
	r.logs = append(r.logs, fmt.Sprintf(f, a...))
}
func (r *record) Errorf(f string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, a...))
}

func TestCover(t *testing.T) {
	constraints := []Constraint{
		{Name: "api-latency.p99", Value: "<= 1s", Line: 3},
		{Name: "api-latencies.p99", Value: "<= 1s", Line: 4},
		{Name: "pod-start.p50", Value: "<= 1s", Severity: Warning, Line: 5},
	}
	r := &record{TB: t}
	Cover(r, constraints, "api-latency.p99")
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "api-latencies.p99 <= 1s (recipe line 4)") {
		t.Errorf("errors = %q, want one that names the misspelled constraint", r.errors)
	}
	if len(r.logs) != 1 || !strings.Contains(r.logs[0], "pod-start.p50") {
		t.Errorf("logs = %q, want one that names the constraint of severity warning", r.logs)
	}
}
