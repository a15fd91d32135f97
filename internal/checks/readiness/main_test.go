// Package readiness has the checks of the readiness phase: is the cluster fit to be validated at all? API server, nodes and
// versions. They run in a pod of the cluster; see the README of the folder above.
package readiness

import (
	"os"
	"testing"

	"github.com/validation-operator/validation-operator/internal/checks/cluster"
)

func TestMain(m *testing.M) { os.Exit(cluster.Run(m)) }
