package health

import (
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// ClockSkew is how far the clock of the node that renews the lease was from the API server's when it last did so; positive if it
// was ahead. The kubelet writes its own time into the lease, and the API server its own beside it, to the second. Without both
// nothing is known.
func ClockSkew(lease *coordinationv1.Lease) (time.Duration, bool) {
	if lease.Spec.RenewTime == nil {
		return 0, false
	}
	var received time.Time
	for _, entry := range lease.ManagedFields {
		// Somebody else may have labelled the lease since.
		if entry.Time != nil && entry.FieldsV1 != nil && strings.Contains(entry.FieldsV1.GetRawString(), `"f:renewTime"`) {
			received = entry.Time.Time
		}
	}
	if received.IsZero() {
		return 0, false
	}
	return lease.Spec.RenewTime.Time.Truncate(time.Second).Sub(received), true
}
