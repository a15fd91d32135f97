package health

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestClockSkew(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	lease := func(renewed, received time.Time) *coordinationv1.Lease {
		later := metav1.NewTime(received.Add(time.Hour))
		renews := metav1.NewFieldsV1(`{"f:spec":{"f:renewTime":{}}}`)
		return &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
				{Manager: "kubelet", Time: new(metav1.NewTime(received)), FieldsV1: renews},
				{Manager: "somebody", Time: &later, FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{}}`)}, {Manager: "timeless"},
			}},
			Spec: coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(renewed))},
		}
	}
	tests := map[string]struct {
		lease *coordinationv1.Lease
		want  time.Duration
		known bool
	}{
		"in step":       {lease(at.Add(900*time.Millisecond), at), 0, true},
		"ahead":         {lease(at.Add(30*time.Second), at), 30 * time.Second, true},
		"behind":        {lease(at.Add(-2*time.Minute), at), -2 * time.Minute, true},
		"never renewed": {&coordinationv1.Lease{ObjectMeta: lease(at, at).ObjectMeta}, 0, false},
		"not recorded":  {&coordinationv1.Lease{Spec: lease(at, at).Spec}, 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, known := ClockSkew(tt.lease); got != tt.want || known != tt.known {
				t.Errorf("ClockSkew = %s, %t, want %s, %t", got, known, tt.want, tt.known)
			}
		})
	}
}
