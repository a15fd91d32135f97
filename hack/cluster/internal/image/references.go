package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// maxIndex bounds what is read of an archive's table of contents.
const maxIndex = 4 << 20

// References lists the names, as containerd writes them, of the images in a docker or OCI archive. An archive without any is an
// error: nothing could refer to what it holds.
func References(archive string) ([]string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive: %w", err)
	}
	defer file.Close()
	references, err := references(file)
	if err != nil {
		return nil, fmt.Errorf("reading the image archive %s: %w", archive, err)
	}
	return references, nil
}

func references(archive io.Reader) ([]string, error) {
	var found []string
	files := tar.NewReader(archive)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var parse func([]byte) ([]string, error)
		switch strings.TrimPrefix(header.Name, "./") {
		case "manifest.json":
			parse = dockerReferences
		case "index.json":
			parse = ociReferences
		default:
			continue
		}
		content, err := io.ReadAll(io.LimitReader(files, maxIndex))
		if err != nil {
			return nil, err
		}
		names, err := parse(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
		found = append(found, names...)
	}
	if len(found) == 0 {
		return nil, errors.New("it names no image: write it with a tag, as `docker save NAME:TAG` does")
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

func dockerReferences(content []byte) ([]string, error) {
	var images []struct{ RepoTags []string }
	if err := json.Unmarshal(content, &images); err != nil {
		return nil, err
	}
	var found []string
	for _, i := range images {
		for _, tag := range i.RepoTags {
			full, err := normalize(tag)
			if err != nil {
				return nil, err
			}
			found = append(found, full)
		}
	}
	return found, nil
}

// ociReferences knows the two places in which an image's full name is found in practice.
func ociReferences(content []byte) ([]string, error) {
	var index struct {
		Manifests []struct{ Annotations map[string]string }
	}
	if err := json.Unmarshal(content, &index); err != nil {
		return nil, err
	}
	var found []string
	for _, m := range index.Manifests {
		if full := m.Annotations["io.containerd.image.name"]; full != "" {
			found = append(found, full)
			continue
		}
		// This one may be a bare tag, which is no name.
		if reference := m.Annotations["org.opencontainers.image.ref.name"]; strings.ContainsAny(reference, "/:") {
			full, err := normalize(reference)
			if err != nil {
				return nil, err
			}
			found = append(found, full)
		}
	}
	return found, nil
}

// normalize completes a name as containerd and the kubelet do: `validator:dev` is docker.io/library/validator:dev.
func normalize(reference string) (string, error) {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return "", fmt.Errorf("image name %q: %w", reference, err)
	}
	full := parsed.Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest, nil
	}
	return full, nil
}
