// Package host looks at and prepares the machine that a cluster runs on: what must be there, what is installed, and what a cluster
// changes and gives back. It must not know how a cluster is configured.
package host

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/cgroup"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
)

// minFree is what images, logs and a build need at most.
const minFree = 8 << 30

// Facts are what Problems judges a machine by.
type Facts struct {
	OS      string
	Root    bool
	Go      bool
	Apt     bool
	Missing []string // what a cluster needs and is not installed
	Free    map[string]uint64
	Cgroups error
}

// Look gathers the facts. The folders are those that will be filled; they need not exist yet.
func Look(folders ...string) Facts {
	f := Facts{
		OS: runtime.GOOS, Root: os.Geteuid() == 0, Go: command.Exists("go"), Apt: command.Exists("apt-get"),
		Missing: MissingTools(), Free: map[string]uint64{},
	}
	for _, folder := range folders {
		f.Free[folder] = freeSpace(folder)
	}
	f.Cgroups = cgroupsUsable()
	return f
}

// Problems lists what keeps a cluster from running, each with what to change.
func (f Facts) Problems() []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if f.OS != "linux" {
		add("this machine runs %s: a kubelet needs Linux; with Docker and kind installed this command uses them instead", f.OS)
		return problems
	}
	if !f.Root {
		add("not root: run this as root (for example with sudo -E), because it makes namespaces and control groups")
	}
	if !f.Go {
		add("no go command in PATH: install Go (https://go.dev/dl), Kubernetes is compiled with it")
	}
	if len(f.Missing) > 0 && !f.Apt {
		add("missing %s, and there is no apt-get to install them: install them with this system's package tool",
			strings.Join(f.Missing, ", "))
	}
	for _, folder := range slices.Sorted(maps.Keys(f.Free)) {
		if free := f.Free[folder]; free < minFree {
			add("%s has %.1f GiB free, %d are needed: free some space", folder, float64(free)/(1<<30), minFree>>30)
		}
	}
	if f.Root && f.Cgroups != nil {
		add("control groups cannot be used (%v): mount them on /sys/fs/cgroup, writable; in a container that means --privileged",
			f.Cgroups)
	}
	return problems
}

// freeSpace looks at the folder or, where it does not exist yet, at the nearest one above.
func freeSpace(folder string) uint64 {
	for {
		var s syscall.Statfs_t
		err := syscall.Statfs(folder, &s)
		if err == nil {
			return s.Bavail * uint64(s.Bsize)
		}
		if !errors.Is(err, syscall.ENOENT) || folder == filepath.Dir(folder) {
			return 0
		}
		folder = filepath.Dir(folder)
	}
}

// cgroupsUsable tries to make a group.
func cgroupsUsable() error {
	group, err := cgroup.Open(fmt.Sprintf("vo-preflight-%d", os.Getpid()))
	if err != nil {
		return err
	}
	return group.Try()
}
