package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
)

// Snapshotter names the containerd snapshotter that works in a folder: overlayfs, or, where the folder's file system cannot carry
// an overlay (an overlay itself, in a container), native, which copies.
func Snapshotter(ctx context.Context, folder string) (string, error) {
	dir, err := os.MkdirTemp(folder, "overlay-test-")
	if err != nil {
		return "", fmt.Errorf("trying an overlay mount: %w", err)
	}
	usable, err := overlayWorks(ctx, dir)
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return "", fmt.Errorf("trying an overlay mount: %w", err)
	}
	if usable {
		return "overlayfs", nil
	}
	return "native", nil
}

func overlayWorks(ctx context.Context, dir string) (bool, error) {
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return false, err
		}
	}
	merged := filepath.Join(dir, "merged")
	options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	if _, err := command.Run(ctx, "mount", "-t", "overlay", "-o", options, "overlay", merged); err != nil {
		return false, ctx.Err() // that it fails is the answer
	}
	_, err := command.Run(ctx, "umount", merged)
	return err == nil, err
}
