package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const (
	// binDir is where the programs are; it is in PATH.
	binDir = "/usr/local/bin"
	// user is numeric, so that the kubelet can tell without looking into the image that it is not root.
	user = "65532:65532"
)

// epoch stands for every time in an image: what is in it does not depend on when it was built.
var epoch = time.Unix(0, 0).UTC()

// image describes an image to build.
type image struct {
	title      string
	ref        name.Tag
	source     string // the repository's folder
	arch       string
	programs   []program
	entrypoint string // the name of a program, or empty: then whoever runs the image names one
}

func (i image) build(ctx context.Context) (v1.Image, error) {
	base, err := layer(baseEntries())
	if err != nil {
		return nil, fmt.Errorf("making the base layer: %w", err)
	}
	layers := []mutate.Addendum{addendum(base, "the folders and users that programs expect")}
	for _, p := range i.programs { // a layer each: what did not change is not pushed again
		file, err := p.compile(ctx, i.source, i.arch)
		if err != nil {
			return nil, err
		}
		one, err := layer(programEntries(p.name, file))
		if err != nil {
			return nil, fmt.Errorf("making the layer of %s: %w", p.name, err)
		}
		layers = append(layers, addendum(one, path.Join(binDir, p.name)))
	}
	return assemble(layers, i)
}

// assemble puts layers onto nothing. The platform has to be said: without it a container runtime imports the archive without an
// error and without an image.
func assemble(layers []mutate.Addendum, i image) (v1.Image, error) {
	img, err := mutate.Append(empty.Image, layers...)
	if err != nil {
		return nil, fmt.Errorf("appending layers: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the image's configuration: %w", err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", i.arch
	file.Created = v1.Time{Time: epoch}
	file.Config = v1.Config{
		User:       user,
		WorkingDir: "/",
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "validation-operator " + i.title,
			"org.opencontainers.image.source":   "https://github.com/validation-operator/validation-operator",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	if i.entrypoint != "" {
		file.Config.Entrypoint = []string{path.Join(binDir, i.entrypoint)}
	}
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		return nil, fmt.Errorf("configuring the image: %w", err)
	}
	return img, nil
}

func addendum(l v1.Layer, what string) mutate.Addendum {
	return mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "hack/images: " + what, Created: v1.Time{Time: epoch}}}
}

// entry is a file or folder of a layer.
type entry struct {
	name string // ends in / for a folder
	mode int64
	text string
	file string // where the content is, instead of text
}

func baseEntries() []entry {
	return []entry{
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o644, text: "root:x:0:\nnonroot:x:65532:\n"},
		{name: "etc/passwd", mode: 0o644, text: "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"},
		{name: "tmp/", mode: 0o1777},
	}
}

func programEntries(name, file string) []entry {
	return []entry{
		{name: "usr/", mode: 0o755},
		{name: "usr/local/", mode: 0o755},
		{name: "usr/local/bin/", mode: 0o755},
		{name: "usr/local/bin/" + name, mode: 0o755, file: file},
	}
}

// layer packs entries in their order, with nothing in it that differs from one build to the next.
func layer(entries []entry) (v1.Layer, error) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, e := range entries {
		if err := e.pack(w); err != nil {
			return nil, fmt.Errorf("packing %s: %w", e.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithCompressedCaching)
}

func (e entry) pack(w *tar.Writer) error {
	content := []byte(e.text)
	if e.file != "" {
		var err error
		if content, err = os.ReadFile(e.file); err != nil {
			return err
		}
	}
	header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(content)), ModTime: epoch, Typeflag: tar.TypeReg}
	if strings.HasSuffix(e.name, "/") {
		header.Typeflag = tar.TypeDir
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}
