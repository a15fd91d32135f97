package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/host"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/namespace"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/node"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// Down takes a cluster down, whole or half-built, and sees that nothing of it is left.
func (m Machine) Down(ctx context.Context, name string) error {
	p, err := state.For(m.Cache, name)
	if err != nil {
		return err
	}
	unlock, err := m.lock("cluster " + name)
	if err != nil {
		return err
	}
	defer unlock()
	left, err := leftovers(p)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		m.Log.Say("there is no cluster %q", name)
		return nil
	}
	return m.Log.Do("take cluster "+name+" down", func() error { return m.takeDown(ctx, p) })
}

// takeDown works from the names of things, not only from what is remembered: an interrupted `up` may not have remembered all.
func (m Machine) takeDown(ctx context.Context, p state.Paths) error {
	c, err := state.Load(p)
	if err != nil && !errors.Is(err, state.ErrNoCluster) {
		m.Log.Say("%v; going on without it", err)
	}
	if c.Mode == state.ModeKind {
		if err := kindDelete(ctx, p); err != nil {
			return err
		}
		return errors.Join(removeCopy(p, c), os.RemoveAll(p.Dir))
	}
	if err := m.stop(ctx, p, c); err != nil {
		return err
	}
	if err := removeCopy(p, c); err != nil {
		return err
	}
	for _, dir := range []string{p.Data, p.Dir} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the cluster's files: %w", err)
		}
	}
	if err := m.giveBack(); err != nil {
		return err
	}
	left, err := leftovers(p)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("these remain:\n  - %s", strings.Join(left, "\n  - "))
	}
	return nil
}

// stop ends everything that runs, and removes the namespaces and control groups.
func (m Machine) stop(ctx context.Context, p state.Paths, c state.Cluster) error {
	// The kubelet first, or it would start again what ends after it; etcd after the API server, which otherwise waits for it.
	stopServers(c, node.Kubelet, node.Proxy, node.Scheduler, node.ControllerManager)
	stopServers(c, node.Containerd, node.APIServer)
	stopServers(c, node.Etcd)

	// The containers and their shims are in the control group, and so is any server that the state does not know.
	group, err := openGroup(p)
	if err != nil {
		return err
	}
	groupCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupPatience)
	defer cancel()
	if err := group.Remove(groupCtx); err != nil {
		return err
	}
	return space(p, namespace.Link{}).Delete(ctx)
}

const (
	stopPatience = 5 * time.Second
	stopPause    = 20 * time.Millisecond
	// groupPatience is for all that was killed to be gone: on a busy machine a kernel takes its time to free the memory of many processes.
	groupPatience = time.Minute
)

// stopServers asks servers to end, all at once, and kills what does not in time. What then still runs is found in the control group.
func stopServers(c state.Cluster, names ...string) {
	signal := func(s syscall.Signal) (running bool) {
		for _, name := range names {
			process := c.Servers[name]
			if alive, err := process.Alive(); err == nil && alive {
				running = true
				if s != 0 {
					_ = syscall.Kill(process.PID, s) // that it has just ended is no error
				}
			}
		}
		return running
	}
	signal(syscall.SIGTERM)
	//nolint:forbidigo // the servers are no children of this process; a pidfd would tell of each end, for more code than a look every 20 ms
	for begin := time.Now(); signal(0); time.Sleep(stopPause) {
		if time.Since(begin) > stopPatience {
			signal(syscall.SIGKILL)
			return
		}
	}
}

// giveBack restores the machine when the last cluster is gone.
func (m Machine) giveBack() error {
	unlock, err := m.lock(shared)
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := os.ReadDir(state.DataRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for other clusters: %w", err)
	}
	if slices.ContainsFunc(entries, fs.DirEntry.IsDir) {
		return nil
	}
	if err := host.Restore(hostRecord()); err != nil {
		return err
	}
	if err := os.Remove(state.DataRoot); err != nil {
		return fmt.Errorf("removing the folder of the clusters' data: %w", err)
	}
	return nil
}

// leftovers lists what there is of a cluster on the machine.
func leftovers(p state.Paths) ([]string, error) {
	var left []string
	// Without control groups there cannot be anything in them.
	if group, err := openGroup(p); err == nil {
		pids, err := group.Processes()
		if err != nil {
			return nil, err
		}
		for _, pid := range pids {
			left = append(left, fmt.Sprintf("process %d", pid))
		}
		for _, dir := range group.Dirs() {
			left = append(left, "control group "+dir)
		}
	}
	for _, dir := range []string{p.Run, p.Data, p.Dir, filepath.Join("/sys/class/net", p.Node())} {
		if _, err := os.Lstat(dir); err == nil {
			left = append(left, dir)
		}
	}
	for _, dir := range []string{p.Run, p.Data} {
		mounts, err := namespace.MountsBelow(dir)
		if err != nil {
			return nil, err
		}
		for _, mount := range mounts {
			left = append(left, "mount "+mount)
		}
	}
	return left, nil
}
