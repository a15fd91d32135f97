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

// record is a testing.TB that keeps what is said to it instead of saying it.
type record struct {
	testing.TB
	failed bool
	said   []string
}

func (r *record) Helper()                   {}
func (r *record) Failed() bool              { return r.failed }
func (r *record) add(kind, text string)     { r.said = append(r.said, kind+" "+text) }
func (r *record) Attr(key, value string)    { r.add("attr", key+"="+value) }
func (r *record) Log(args ...any)           { r.add("log", fmt.Sprint(args...)) }
func (r *record) Logf(f string, a ...any)   { r.add("log", fmt.Sprintf(f, a...)) }
func (r *record) Errorf(f string, a ...any) { r.add("error", fmt.Sprintf(f, a...)) }
func (r *record) Skip(args ...any)          { r.add("skip", fmt.Sprint(args...)) }

func TestCover(t *testing.T) {
	known := Constraint{Name: "api-latency.p99", Value: "<= 1s", Line: 3}
	misspelled := Constraint{Name: "api-latencies.p99", Value: "<= 1s", Line: 4}
	warning := Constraint{Name: "pod-start.p50", Value: "<= 1s", Severity: Warning, Line: 5}
	tests := map[string]struct {
		stated []Constraint
		failed bool
		want   []string
	}{
		"none is stated":     {nil, false, []string{"attr skip=not-applicable", "skip not applicable: the recipe states no constraints"}},
		"all are known":      {[]Constraint{known}, false, nil},
		"one is only a wish": {[]Constraint{known, warning}, false, []string{"log warning: no check of this image evaluates pod-start.p50 <= 1s (recipe line 5)"}},
		// It is the recipe that is wrong, and of the cluster that proves nothing.
		"one is misspelled": {[]Constraint{known, misspelled}, false, []string{"attr skip=could-not-run",
			"skip could not run: no check of this image evaluates api-latencies.p99 <= 1s (recipe line 4); it evaluates [\"api-latency.p99\"]. " +
				"To mend: correct its name in the recipe, or use an image whose checks evaluate it"}},
		"one is misspelled, and another does not hold": {[]Constraint{known, misspelled}, true,
			[]string{"log could not run: no check of this image evaluates api-latencies.p99"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &record{TB: t, failed: tt.failed}
			Cover(r, tt.stated, known.Name)
			if len(r.said) != len(tt.want) {
				t.Fatalf("said %q, want %q", r.said, tt.want)
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(r.said[i], want) {
					t.Errorf("said %q, want %q", r.said[i], want)
				}
			}
		})
	}
}
