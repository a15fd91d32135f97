package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// components are the names under which the Kubernetes executable is a component.
var components = []string{
	"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl",
}

// LinkAssets fills a folder with links named as setup-envtest names executables, and returns it. It is the folder that
// setup-envtest itself would use, so that `setup-envtest -i use` finds it; where that one holds real files, it is left alone and a
// folder of the cache is filled instead.
func LinkAssets(kubernetes, etcd Module, cache string) (string, error) {
	store, err := envtestStore(os.Getenv)
	if err != nil {
		return "", err
	}
	base := fmt.Sprintf("%s-%s-%s", strings.TrimPrefix(kubernetes.Version, "v"), runtime.GOOS, runtime.GOARCH)
	dir := filepath.Join(store, "k8s", base)
	foreign, err := holdsFiles(dir)
	if err != nil {
		return "", err
	}
	if foreign {
		dir = filepath.Join(cache, "assets", base)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("creating the folder of executables: %w", err)
	}
	for _, name := range components {
		if err := link(kubernetes.Binary(), filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, link(etcd.Binary(), filepath.Join(dir, "etcd"))
}

// envtestStore is setup-envtest's rule for Unix systems other than macOS.
func envtestStore(getenv func(string) string) (string, error) {
	if data := getenv("XDG_DATA_HOME"); data != "" {
		return filepath.Join(data, "kubebuilder-envtest"), nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("neither XDG_DATA_HOME nor HOME is set: the folder of setup-envtest is unknown")
	}
	return filepath.Join(home, ".local", "share", "kubebuilder-envtest"), nil
}

// holdsFiles reports whether a folder holds anything but links.
func holdsFiles(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for executables of setup-envtest: %w", err)
	}
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink == 0 {
			return true, nil
		}
	}
	return false, nil
}

// link replaces a link in one step: somebody may be about to start the executable.
func link(target, path string) error {
	if got, err := os.Readlink(path); err == nil && got == target {
		return nil
	}
	temporary := fmt.Sprintf("%s.%d.tmp", path, os.Getpid())
	defer removeIfExists(temporary)
	if err := os.Symlink(target, temporary); err != nil {
		return fmt.Errorf("linking %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("linking %s: %w", filepath.Base(path), err)
	}
	return nil
}
