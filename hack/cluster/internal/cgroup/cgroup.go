// Package cgroup gives a cluster a control group of its own in every hierarchy of the machine: everything it starts is in there,
// and so can be found and ended whatever its name and parents. It must not know what is in it.
package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const mountRoot = "/sys/fs/cgroup"

// Group is one control group, in all hierarchies.
type Group struct {
	name        string
	hierarchies []string
}

// Open returns the group of that name, which need not exist.
func Open(name string) (Group, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Group{}, fmt.Errorf("listing cgroup hierarchies: %w", err)
	}
	hierarchies := parseHierarchies(string(content))
	if len(hierarchies) == 0 {
		return Group{}, fmt.Errorf("no cgroup hierarchy is mounted below %s", mountRoot)
	}
	return Group{name: name, hierarchies: hierarchies}, nil
}

// servers is the group of the cluster's own servers: in cgroup v2 a group with subgroups can hold no process itself.
const servers = "servers"

// Create makes the group and, in it, the one for servers.
func (g Group) Create() error {
	for _, h := range g.hierarchies {
		if err := delegate(h); err != nil {
			return fmt.Errorf("enabling controllers in %s: %w", h, err)
		}
		dir := h
		for _, element := range []string{g.name, servers} {
			dir = filepath.Join(dir, element)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("creating cgroup: %w", err)
			}
			if err := inheritCPUs(dir); err != nil {
				return fmt.Errorf("preparing cgroup %s: %w", dir, err)
			}
		}
	}
	return nil
}

// delegate lets groups below a cgroup v2 root have all its controllers; in v1 there is nothing to do.
func delegate(root string) error {
	content, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for controller := range strings.FieldsSeq(string(content)) {
		if err := os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte("+"+controller), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inheritCPUs fills what a new cpuset of cgroup v1 starts without, and without which it takes no process.
func inheritCPUs(dir string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) || (err == nil && strings.TrimSpace(string(content)) != "") {
			continue
		}
		if err != nil {
			return err
		}
		parent, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the root of cgroup v2 has none, and there none is needed
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), parent, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// AddServer moves a process into the servers' group.
func (g Group) AddServer(pid int) error {
	for _, h := range g.hierarchies {
		file := filepath.Join(h, g.name, servers, "cgroup.procs")
		if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0o644); err != nil {
			return fmt.Errorf("moving process %d to its cgroup: %w", pid, err)
		}
	}
	return nil
}

// Processes lists everything that runs in the group and below it.
func (g Group) Processes() ([]int, error) {
	var pids []int
	for _, dir := range g.Dirs() {
		content, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing processes: %w", err)
		}
		for field := range strings.FieldsSeq(string(content)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// Dirs lists the group's folders, parents first.
func (g Group) Dirs() []string {
	var dirs []string
	for _, h := range g.hierarchies {
		// Groups vanish while they are walked; what cannot be read is not there.
		_ = filepath.WalkDir(filepath.Join(h, g.name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
	}
	return dirs
}

// Remove kills whatever is still in the group and removes it.
func (g Group) Remove(ctx context.Context) error {
	for {
		pids, err := g.Processes()
		if err != nil {
			return err
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("killing process %d: %w", pid, err)
			}
		}
		left := g.removeDirs()
		if left == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("removing cgroup (processes %v): %w", pids, left)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (g Group) removeDirs() error {
	dirs := g.Dirs()
	slices.Reverse(dirs)
	var left error
	for _, dir := range dirs {
		if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			left = err
		}
	}
	return left
}

// parseHierarchies returns the mount points of all cgroup hierarchies, of either version, in the usual place.
func parseHierarchies(mountinfo string) []string {
	var found []string
	for line := range strings.Lines(mountinfo) {
		mount, filesystem, ok := strings.Cut(line, " - ")
		fields := strings.Fields(mount)
		if !ok || len(fields) < 5 {
			continue
		}
		kind, _, _ := strings.Cut(filesystem, " ")
		target := fields[4]
		if (kind == "cgroup" || kind == "cgroup2") && (target == mountRoot || filepath.Dir(target) == mountRoot) {
			found = append(found, target)
		}
	}
	return found
}

// Try makes and removes the group, to see whether that is possible.
func (g Group) Try() error {
	err := g.Create()
	return errors.Join(err, g.removeDirs())
}
