// Package state knows where a local cluster keeps its files, remembers what was started, and recognises it again.
// It must not start or stop anything.
package state

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// Paths are the folders of one cluster.
type Paths struct {
	Name string
	Dir  string // certificates, configuration, logs: in the user's cache folder
	Data string // images, volumes, etcd's data: below /var/lib, where containers can be mounted
	Run  string // sockets and namespaces: short, because a socket's path may have 107 bytes
}

// maxName leaves room for the prefix of an interface name, which has at most 15 bytes.
const maxName = 12

var namePattern = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// Cache returns the project's folder in the user's cache folder.
func Cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder: %w", err)
	}
	return filepath.Join(dir, "validation-operator"), nil
}

// For returns the folders of the cluster of that name.
func For(cache, name string) (Paths, error) {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return Paths{}, fmt.Errorf("cluster name %q: use at most %d lower-case letters, digits and dashes, starting with a letter",
			name, maxName)
	}
	return Paths{
		Name: name,
		Dir:  filepath.Join(Clusters(cache), name),
		Data: filepath.Join(DataRoot, name),
		Run:  "/run/" + prefix + name,
	}, nil
}

// Clusters is the folder of the clusters' own folders.
func Clusters(cache string) string { return filepath.Join(cache, "clusters") }

// DataRoot is the folder of all clusters' data.
const DataRoot = "/var/lib/validation-operator"

const prefix = "vo-"

// Node is the name of the cluster's only node, of the host's end of its network link, and of its cgroup.
func (p Paths) Node() string { return prefix + p.Name }

// File is the path of a file in the cluster's folder.
func (p Paths) File(elements ...string) string {
	return filepath.Join(append([]string{p.Dir}, elements...)...)
}

// Kubeconfig is the administrator's.
func (p Paths) Kubeconfig() string { return p.File("kubeconfig") }

// ContainerdSocket is where containerd listens.
func (p Paths) ContainerdSocket() string { return filepath.Join(p.Run, "containerd.sock") }

// NetNamespace is the file that keeps the cluster's network namespace.
func (p Paths) NetNamespace() string { return filepath.Join(p.Run, "net") }

// MountNamespace is the file that keeps the cluster's mount namespace.
func (p Paths) MountNamespace() string { return filepath.Join(p.Run, "mnt") }
