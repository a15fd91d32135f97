package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Snapshotter names the containerd snapshotter that works in a folder: overlayfs, or, where the folder's file system cannot carry
// an overlay (an overlay itself, in a container), native, which copies.
func Snapshotter(folder string) (string, error) {
	dir, err := os.MkdirTemp(folder, "overlay-test-")
	if err != nil {
		return "", fmt.Errorf("trying an overlay mount: %w", err)
	}
	usable, err := overlayWorks(dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return "", fmt.Errorf("trying an overlay mount: %w", err)
	}
	if usable {
		return "overlayfs", nil
	}
	return "native", nil
}

func overlayWorks(dir string) (bool, error) {
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return false, err
		}
	}
	merged := filepath.Join(dir, "merged")
	options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	if err := syscall.Mount("overlay", merged, "overlay", 0, options); err != nil {
		return false, nil //nolint:nilerr // that it fails is the answer
	}
	return true, syscall.Unmount(merged, 0)
}
