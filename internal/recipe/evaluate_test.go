package recipe

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestEvaluate(t *testing.T) {
	tests := map[string]struct {
		name, value string
		want        Outcome
	}{
		"holds": {"K8s.server.version", ">= 1.32.4", Outcome{
			State: StatePassed, Actual: "v1.33.0", Message: "expected K8s.server.version >= 1.32.4; found v1.33.0",
		}},
		"holds on every node": {"OS.release.ID", "ubuntu", Outcome{
			State: StatePassed, Actual: "ubuntu", Message: `expected OS.release.ID to be "ubuntu"; found ubuntu on worker-1, worker-2`,
		}},
		"does not hold": {"K8s.server.version", ">= 1.34", Outcome{
			State: StateFailed, Actual: "v1.33.0", Message: "expected K8s.server.version >= 1.34; found v1.33.0",
		}},
		"does not hold on one node": {"OS.sysctl./proc/sys/kernel/osrelease", ">= 6.8", Outcome{
			State: StateFailed, Actual: "5.15.0-1028-aws, 6.8.0-1028-aws",
			Message: "expected OS.sysctl./proc/sys/kernel/osrelease >= 6.8; found 5.15.0-1028-aws on worker-2",
		}},
		"is not there": {"K8s.server.vesion", ">= 1.34", Outcome{
			State: StateError, Message: "expected K8s.server.vesion >= 1.34; K8s.server has no key vesion: did you mean version?",
		}},
		"is missing on one node": {"GPU.smi.driver", ">= 580", Outcome{
			State: StateError, Actual: "580.82.07", Message: "expected GPU.smi.driver >= 580; " +
				"GPU.smi.driver was not measured on worker-3: capture the snapshot anew, or look why it cannot be read there",
		}},
		"is missing on one node and does not hold on another": {"GPU.smi.driver", ">= 590", Outcome{
			State: StateFailed, Actual: "580.82.07", Message: "expected GPU.smi.driver >= 590; found 580.82.07 on worker-1",
		}},
		"does not compare": {"OS.release.ID", ">= 24.04", Outcome{
			State: StateError, Actual: "ubuntu", Message: `expected OS.release.ID >= 24.04; ` +
				`"ubuntu" is a text and does not compare with "24.04", which is a number or a version on worker-1, worker-2`,
		}},
		"is malformed": {"K8s.server.version", "~> 1.32", Outcome{
			State: StateError, Message: `the constraint K8s.server.version cannot be read: ` +
				`"~> 1.32" begins with no known operator: use one of >= <= > < == !=`,
		}},
	}
	s := snapshot(t, measured)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.Constraint = Constraint{Name: tt.name, Value: tt.value, Severity: SeverityWarning, Remediation: "Upgrade"}
			if diff := cmp.Diff(tt.want, Evaluate(tt.want.Constraint, s)); diff != "" {
				t.Errorf("Evaluate (-want +got):\n%s", diff)
			}
		})
	}
	if got := Evaluate(Constraint{Name: "a.b.c", Value: "d"}, nil); got.State != StateError || !strings.Contains(got.Message, "no snapshot") {
		t.Errorf("Evaluate without a snapshot = %+v, want an error that says so", got)
	}
}

func TestOutcomesAreBounded(t *testing.T) {
	s := &Snapshot{}
	for i := range 500 {
		data := map[string]string{"key": fmt.Sprintf("%d\x1b[31m%s", i, strings.Repeat("ü", 200))}
		s.Measurements = append(s.Measurements, Measurement{
			Type: "OS", Nodes: []string{fmt.Sprintf("worker-%d", i)}, Subtypes: []Subtype{{Subtype: "release", Data: data}},
		})
	}
	for _, value := range []string{"ubuntu", ">= 1.32"} {
		o := Evaluate(Constraint{Name: "OS.release.key", Value: value}, s)
		if o.State == StatePassed || len(o.Message) > 1024 || len(o.Actual) > 256 {
			t.Errorf("Evaluate = %s with %d bytes of message and %d of value", o.State, len(o.Message), len(o.Actual))
		}
		if strings.ContainsFunc(o.Message+o.Actual, unicode.IsControl) {
			t.Errorf("what was measured puts control characters into %q", o.Message)
		}
	}
}
