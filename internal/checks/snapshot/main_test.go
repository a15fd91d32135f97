// Package snapshot has no checks: its one test measures the cluster and hands the measurements over, for a recipe to be held against.
// It runs in a pod of the cluster; see the README beside.
package snapshot

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }
