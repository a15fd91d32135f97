package cluster

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/validation-operator/validation-operator/internal/checks/probe"
)

// Run is the TestMain of a phase's checks; it returns the exit code. The same binary is asked for four things: to list its tests,
// which must touch nothing; to be a probe in a pod that a check started; to run the checks in a cluster; and, by
// "go test ./..." on a developer's machine, to get out of the way. In a pod the last cannot happen, and were no test to run
// there, whoever reads the results would see that none has.
func Run(m *testing.M) int {
	flag.Parse()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		return m.Run()
	}
	if name := os.Getenv(probe.Variable); name != "" {
		return probe.Run(name)
	}
	if os.Getenv(serviceHostVariable) == "" {
		fmt.Fprintln(os.Stdout, "The checks of this package run in a pod, against the cluster around it; here they are left out.")
		return 0
	}
	defer guard(interrupted, pending, timeUp(), os.Exit)()
	return m.Run()
}

// timeUp fires shortly before the timeout of the suite, or never if it has none.
func timeUp() <-chan time.Time {
	value, ok := flag.Lookup("test.timeout").Value.(flag.Getter)
	if !ok {
		return nil
	}
	timeout, ok := value.Get().(time.Duration)
	if !ok || timeout <= 0 {
		return nil
	}
	return time.After(timeout - min(spare, timeout/2))
}
