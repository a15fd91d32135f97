package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/image"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// Load imports image archives into a cluster.
func (m Machine) Load(ctx context.Context, name string, archives []string) error {
	p, err := state.For(m.Cache, name)
	if err != nil {
		return err
	}
	c, err := state.Load(p)
	if errors.Is(err, state.ErrNoCluster) {
		return fmt.Errorf("%w: bring it up first; images for a cluster of your own go through its registry", err)
	}
	if err != nil {
		return err
	}
	for _, archive := range archives {
		references, err := image.References(archive)
		if err != nil {
			return err
		}
		if err := m.Log.Do("load "+strings.Join(references, ", "), func() error { return m.loadOne(ctx, p, c, archive) }); err != nil {
			return err
		}
	}
	return nil
}

func (m Machine) loadOne(ctx context.Context, p state.Paths, c state.Cluster, archive string) error {
	if c.Mode == state.ModeKind {
		_, err := command.Run(ctx, "kind", "load", "image-archive", archive, "--name", p.Node())
		return err
	}
	r, err := m.runner(p, c)
	if err != nil {
		return err
	}
	return r.load(ctx, archive)
}

// load imports an archive and sees that its images have arrived: an image for another platform, or for none, is passed over
// without an error.
func (r *runner) load(ctx context.Context, archive string) error {
	references, err := image.References(archive)
	if err != nil {
		return err
	}
	if _, err := r.ctr(ctx, "images", "import", "--snapshotter", r.cluster.Snapshotter, archive); err != nil {
		return fmt.Errorf("importing %s: %w", archive, err)
	}
	if err := r.hasImages(ctx, references); err != nil {
		return fmt.Errorf("%s was imported, but %w: does it hold an image with operating system and architecture of this machine?",
			archive, err)
	}
	return nil
}

func (r *runner) hasImages(ctx context.Context, want []string) error {
	listed, err := r.ctr(ctx, "images", "list", "--quiet")
	if err != nil {
		return fmt.Errorf("listing images: %w", err)
	}
	have := strings.Fields(listed)
	for _, reference := range want {
		if !slices.Contains(have, reference) {
			return fmt.Errorf("image %s is not there", reference)
		}
	}
	return nil
}
