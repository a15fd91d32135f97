// Package program is a test binary that, where its first argument is one of its own, is a small program instead: the images of the tests
// hold no other.
package program

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const gate = "/tmp/open"

func TestMain(m *testing.M) {
	var err error
	switch arg := func(i int) string { return append(os.Args, "", "", "")[i] }; arg(1) {
	case "exit": // CODE [MESSAGE]
		err = exit(arg(2), arg(3))
	case "open": // lets TestGate go on
		err = os.WriteFile(gate, nil, 0o600)
	case "kill": // CONTAINER-ID, on its node
		err = kill(arg(2))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	os.Exit(0)
}

// exit leaves a message where the kubelet looks for it.
func exit(code, message string) error {
	n, err := strconv.Atoi(code)
	if err != nil {
		return err
	}
	if message != "" {
		if err := os.WriteFile("/dev/termination-log", []byte(message), 0o600); err != nil {
			return err
		}
	}
	os.Exit(n)
	return nil
}

// kill sends SIGKILL to the processes of one container. The pod that runs this has to see the node's processes.
func kill(container string) error {
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return err
	}
	killed := 0
	for _, file := range files {
		groups, err := os.ReadFile(file)
		if err != nil || container == "" || !bytes.Contains(groups, []byte(container)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return err
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("killing %d: %w", pid, err)
		}
		killed++
	}
	if killed == 0 {
		return fmt.Errorf("no process is in container %q", container)
	}
	return nil
}

func TestFails(t *testing.T) { t.Error("2 of 4 links are down") }

// TestGate ends once somebody has run this program in its container with the argument open.
func TestGate(*testing.T) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(gate); err == nil {
			// Who opened it has to be gone before the container ends: with a container's first process all others are killed.
			<-time.After(2 * time.Second)
			return
		}
	}
}

func TestLast(*testing.T) {}
