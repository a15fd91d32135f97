package snapshot

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
	"github.com/validation-operator/validation-operator/internal/checks/snapshot/capture"
)

const (
	// nodeVariable names the node that the pod runs on.
	nodeVariable = "NODE_NAME"
	// rootVariable says where the node's root folder is mounted, if it is.
	rootVariable = "AICR_HOST_ROOT"
	// captureTime bounds the whole: to list tens of thousands of pods takes minutes.
	captureTime = 5 * time.Minute
)

// TestCapture measures the cluster and the node it runs on. It prints the measurements, each line a part of a snapshot, and then says how
// many lines there are, so that whoever reads them knows whether all have come. It needs to get the non-resource URL /version; to get
// nodes and to list the pods of the whole cluster it needs for the parts that come of them, which are left out otherwise.
func TestCapture(t *testing.T) {
	host := capture.Host{Node: os.Getenv(nodeVariable), Proc: os.DirFS("/proc")}
	if root := os.Getenv(rootVariable); root != "" {
		host.Root = os.DirFS(root)
	}
	all, f := capture.Gather(cluster.Context(t, captureTime), cluster.Connect(t), host)
	f.Say(t)
	if !f.Passed() {
		return
	}
	lines, err := capture.Lines(all)
	if err != nil {
		t.Fatalf("writing the snapshot: %v", err)
	}
	for _, line := range lines {
		fmt.Fprintln(os.Stdout, line)
	}
	t.Attr("snapshot.parts", strconv.Itoa(len(lines)))
}
