package image

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestReferences(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		want                []string // nil: refused
	}{
		{
			"docker archive", "manifest.json", `[{"RepoTags":["validator:dev","ghcr.io/example/operator:v1"]}]`,
			[]string{"docker.io/library/validator:dev", "ghcr.io/example/operator:v1"},
		},
		{"docker archive with a port", "manifest.json", `[{"RepoTags":["localhost:5000/a:b"]}]`, []string{"localhost:5000/a:b"}},
		{"docker archive without a tag", "manifest.json", `[{"RepoTags":null}]`, nil},
		{"docker archive with a name that is none", "manifest.json", `[{"RepoTags":["UPPER CASE"]}]`, nil},
		{
			"OCI archive of containerd", "index.json",
			`{"manifests":[{"annotations":{"io.containerd.image.name":"docker.io/library/a:b","org.opencontainers.image.ref.name":"b"}}]}`,
			[]string{"docker.io/library/a:b"},
		},
		{
			"OCI archive with a full name", "./index.json",
			`{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"quay.io/x/y:z"}}]}`, []string{"quay.io/x/y:z"},
		},
		{
			"OCI archive with a bare tag", "index.json",
			`{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`, nil,
		},
		{"not an image", "hello.txt", "hello", nil},
		{"broken", "manifest.json", "[{", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := References(archiveOf(t, test.file, test.content))
			if (err != nil) != (test.want == nil) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("references differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPauseImageCanBeImported(t *testing.T) {
	dir := t.TempDir()
	executable, archive := filepath.Join(dir, "pause"), filepath.Join(dir, "pause.tar")
	if err := os.WriteFile(executable, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WritePause(archive, executable); err != nil {
		t.Fatal(err)
	}
	references, err := References(archive)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{Pause}, references); diff != "" {
		t.Errorf("references differ (-want +got):\n%s", diff)
	}
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != runtime.GOOS || config.Architecture != runtime.GOARCH {
		t.Errorf("image is for %q/%q", config.OS, config.Architecture)
	}
	if config.Config.User != "65532:65532" {
		t.Errorf("image runs as %q, want a numeric user that is not root", config.Config.User)
	}
}

func archiveOf(t *testing.T, name, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "archive.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
