package constraint

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	attrs        map[string]string
	errors, logs []string
}

func (r *record) Helper()                { r.TB.Helper() }
func (r *record) Attr(key, value string) { r.attrs[key] = value }
func (r *record) Logf(f string, a ...any) {
	r.logs = append(r.logs, fmt.Sprintf(f, a...))
}
func (r *record) Errorf(f string, a ...any) {
	r.errors = append(r.errors, fmt.Sprintf(f, a...))
}

func TestReport(t *testing.T) {
	limit := Constraint{Name: "api-latency.p99", Value: "<= 1s", Severity: Error, Remediation: "Add memory to etcd.", Line: 7}
	warning := limit
	warning.Severity = Warning
	bare := Constraint{Name: "api-latency.p99", Value: "<= 1s"}

	tests := map[string]struct {
		outcome      Outcome
		result       string
		errors, logs []string
	}{
		"holds": {
			outcome: Outcome{Constraint: limit, Holds: true},
			result:  `{"expected":"<= 1s","actual":"2s","passed":true,"severity":"error","remediation":"Add memory to etcd."}`,
			logs:    []string{"api-latency.p99 <= 1s (recipe line 7) holds: found 2s"},
		},
		"does not hold": {
			outcome: Outcome{Constraint: limit, Mend: "Look at etcd."},
			result:  `{"expected":"<= 1s","actual":"2s","passed":false,"severity":"error","remediation":"Add memory to etcd."}`,
			errors:  []string{"expected api-latency.p99 <= 1s (recipe line 7); found 2s. To mend: Add memory to etcd."},
		},
		"does not hold, as a warning": {
			outcome: Outcome{Constraint: warning, Mend: "Look at etcd."},
			result:  `{"expected":"<= 1s","actual":"2s","passed":false,"severity":"warning","remediation":"Add memory to etcd."}`,
			logs:    []string{"warning: expected api-latency.p99 <= 1s (recipe line 7); found 2s. To mend: Add memory to etcd."},
		},
		"a default does not hold": {
			outcome: Outcome{Constraint: bare, Mend: "Look at etcd."},
			result:  `{"expected":"<= 1s","actual":"2s","passed":false,"severity":"error","remediation":"Look at etcd."}`,
			errors:  []string{"expected api-latency.p99 <= 1s (the default); found 2s. To mend: Look at etcd."},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &record{TB: t, attrs: map[string]string{}}
			tt.outcome.Actual = "2s"
			Report(r, tt.outcome)
			attrs := map[string]string{
				"api-latency.p99": "2s", "api-latency.p99.expected": "<= 1s", "constraint/api-latency.p99": tt.result,
			}
			if diff := cmp.Diff(attrs, r.attrs); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.errors, r.errors); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.logs, r.logs); diff != "" {
				t.Errorf("logs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCover(t *testing.T) {
	constraints := []Constraint{
		{Name: "api-latency.p99", Value: "<= 1s", Line: 3},
		{Name: "api-latencies.p99", Value: "<= 1s", Line: 4},
		{Name: "pod-start.p50", Value: "<= 1s", Severity: Warning, Line: 5},
	}
	r := &record{TB: t, attrs: map[string]string{}}
	Cover(r, constraints, "api-latency.p99")
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "api-latencies.p99 <= 1s (recipe line 4)") {
		t.Errorf("errors = %q, want one that names the misspelled constraint", r.errors)
	}
	if len(r.logs) != 1 || !strings.Contains(r.logs[0], "pod-start.p50") {
		t.Errorf("logs = %q, want one that names the constraint of severity warning", r.logs)
	}
}
