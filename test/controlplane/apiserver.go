package controlplane

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// KillAPIServer takes the API server away from everybody, as a crash would; etcd and what it holds stay. It returns once the server is gone.
func (c *ControlPlane) KillAPIServer() error {
	api := c.environment.ControlPlane.GetAPIServer()
	process, err := processWith("--cert-dir=" + api.CertDir)
	if err != nil {
		return fmt.Errorf("killing kube-apiserver: %w", err)
	}
	if err := process.Kill(); err != nil {
		return fmt.Errorf("killing kube-apiserver: %w", err)
	}
	if err := api.Stop(); err != nil { // it waits for its end
		return fmt.Errorf("killing kube-apiserver: %w", err)
	}
	return nil
}

// StartAPIServer brings the API server back, at its old address and with its old keys, and returns once it is healthy.
func (c *ControlPlane) StartAPIServer() error {
	if err := c.environment.ControlPlane.GetAPIServer().Start(); err != nil {
		return fmt.Errorf("starting kube-apiserver: %w%s", err, tail(c.logs[1].Name()))
	}
	return nil
}

// processWith finds the process with an argument that only one has: envtest keeps to itself what it has started.
func processWith(argument string) (*os.Process, error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		for a := range bytes.SplitSeq(line, []byte{0}) {
			if string(a) != argument {
				continue
			}
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				return nil, fmt.Errorf("reading the name of %s: %w", file, err)
			}
			return os.FindProcess(pid)
		}
	}
	return nil, errors.New("no process was started with " + argument)
}
