// Package image makes the one image that a cluster cannot do without, and tells which images an archive holds. It must not know
// how they get into a cluster.
package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Pause is the reference of the pause image. No registry has that name: it is imported, never pulled.
const Pause = "validation-operator.invalid/pause:1"

// user is numeric: the kubelet cannot look up names to see that one is not root.
const user = "65532:65532"

// WritePause writes an archive of the pause image, whose only content is an executable.
func WritePause(archive, executable string) error {
	content, err := os.ReadFile(executable)
	if err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	image, err := singleFile("pause", content)
	if err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	reference, err := name.NewTag(Pause)
	if err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	if err := tarball.WriteToFile(archive, reference, image); err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	return nil
}

// singleFile is an image with one executable file in its root folder.
func singleFile(path string, content []byte) (v1.Image, error) {
	var layer bytes.Buffer
	files := tar.NewWriter(&layer)
	if err := files.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := files.Write(content); err != nil {
		return nil, err
	}
	if err := files.Close(); err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	// containerd passes over an image without these, and without an error.
	config.OS, config.Architecture = runtime.GOOS, runtime.GOARCH
	config.Config.User = user
	config.Config.Entrypoint = []string{"/" + path}
	return mutate.ConfigFile(image, config)
}
