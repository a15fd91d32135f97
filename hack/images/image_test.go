package main

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// repository is a folder that stands in for this one: a main and a package of tests, as small as they can be.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for file, text := range map[string]string{
		"go.mod":                                 "module example.com/m\n\ngo 1.26\n",
		"cmd/main.go":                            "package main\n\nfunc main() {}\n",
		"internal/checks/readiness/a_test.go":    "package readiness\n\nimport \"testing\"\n\nfunc TestA(*testing.T) {}\n",
		"internal/checks/conformance/nothing.go": "package conformance\n",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func operatorImage(t *testing.T) image {
	return image{title: "operator", source: repository(t), arch: runtime.GOARCH, programs: operatorPrograms, entrypoint: "operator"}
}

func validatorImage(t *testing.T, phase string) image {
	return image{title: "validator", source: repository(t), arch: runtime.GOARCH, programs: []program{checks("internal/checks/" + phase)}}
}

func built(t *testing.T, i image) v1.Image {
	t.Helper()
	img, err := i.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digest(t *testing.T, img v1.Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

func TestSameSourcesGiveTheSameDigest(t *testing.T) {
	first := operatorImage(t)
	one := digest(t, built(t, first))
	if err := os.RemoveAll(filepath.Join(first.source, "bin")); err != nil {
		t.Fatal(err)
	}
	if two := digest(t, built(t, first)); one != two {
		t.Errorf("built twice: %s and %s", one, two)
	}

	changed := "package main\n\nfunc main() { println() }\n"
	if err := os.WriteFile(filepath.Join(first.source, "cmd", "main.go"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if three := digest(t, built(t, first)); one == three {
		t.Errorf("a changed program has the digest of the old one, %s", one)
	}
}

func TestImageRunsWithoutRootOrShell(t *testing.T) {
	i := validatorImage(t, "readiness")
	img := built(t, i)

	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		t.Errorf("platform is %s/%s, want linux/%s", config.OS, config.Architecture, runtime.GOARCH)
	}
	if config.Config.User != "65532:65532" {
		t.Errorf("user is %q, want the numeric 65532:65532", config.Config.User)
	}
	if !slices.ContainsFunc(config.Config.Env, func(e string) bool {
		return strings.HasPrefix(e, "PATH=") && strings.Contains(e, binDir)
	}) {
		t.Errorf("PATH is without %s: %q", binDir, config.Config.Env)
	}
	if len(config.Config.Entrypoint) != 0 {
		t.Errorf("entrypoint is %q, want none: a phase names its binary", config.Config.Entrypoint)
	}

	modes := map[string]int64{}
	contents := tar.NewReader(mutate.Extract(img))
	for {
		header, err := contents.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[header.Name] = header.Mode
		if !header.ModTime.Equal(epoch) {
			t.Errorf("%s is dated %v", header.Name, header.ModTime)
		}
	}
	for name, want := range map[string]int64{"usr/local/bin/readiness.test": 0o755, "tmp": 0o1777} {
		if modes[name] != want {
			t.Errorf("mode of %s is %o, want %o; the image holds %v", name, modes[name], want, modes)
		}
	}
}

func TestPackageWithoutTestsIsRefused(t *testing.T) {
	i := validatorImage(t, "conformance")
	if _, err := i.build(t.Context()); err == nil || !strings.Contains(err.Error(), "no tests") {
		t.Errorf("error is %v, want one about missing tests", err)
	}
}

func TestCompilerErrorsAreShown(t *testing.T) {
	i := validatorImage(t, "deployment")
	if _, err := i.build(t.Context()); err == nil || !strings.Contains(err.Error(), "internal/checks/deployment") {
		t.Errorf("error is %v, want the compiler's about internal/checks/deployment", err)
	}
}

func TestArchiveCarriesTheReference(t *testing.T) {
	i := operatorImage(t)
	ref, err := name.NewTag("validation-operator.local/operator:dev", name.StrictValidation)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out", "operator.tar")
	img := built(t, i)
	if err := archive(path, ref, img); err != nil {
		t.Fatal(err)
	}
	read, err := tarball.ImageFromPath(path, &ref)
	if err != nil {
		t.Fatalf("the archive holds no %s: %v", ref, err)
	}
	config, err := read.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/usr/local/bin/operator" {
		t.Errorf("entrypoint is %q", config.Config.Entrypoint)
	}
}

func TestPushToARegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(t.Output(), "", 0))))
	defer server.Close()
	ref, err := name.NewTag(strings.TrimPrefix(server.URL, "http://")+"/team/operator:v1", name.StrictValidation)
	if err != nil {
		t.Fatal(err)
	}
	img := built(t, operatorImage(t))
	if err := push(t.Context(), ref, img); err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest(t, pulled), digest(t, img); got != want {
		t.Errorf("pulled %s, pushed %s", got, want)
	}
}

func TestReferences(t *testing.T) {
	for title, test := range map[string]struct {
		options options
		want    []string
		fails   bool
	}{
		"registry and tag": {
			options: options{registry: "registry.example.com/team", tag: "v1"},
			want:    []string{"registry.example.com/team/operator:v1", "registry.example.com/team/validator:v1"},
		},
		"whole references": {
			options: options{registry: "a.local", tag: "v1", operator: "b.example.com/x/y:z", validator: "localhost:5000/v:1"},
			want:    []string{"b.example.com/x/y:z", "localhost:5000/v:1"},
		},
		"further checks": {
			options: options{
				registry: "a.local", tag: "v1", root: filepath.Join("..", ".."), further: []further{{"mine", "internal/checks"}},
			},
			want: []string{"a.local/operator:v1", "a.local/validator:v1", "a.local/mine:v1"},
		},
		"further checks in a folder that is not there": {
			options: options{registry: "a.local", tag: "v1", root: filepath.Join("..", ".."), further: []further{{"mine", "absent"}}}, fails: true,
		},
		"no name": {options: options{registry: "a.local", tag: "v 1"}, fails: true},
	} {
		t.Run(title, func(t *testing.T) {
			images, err := test.options.images()
			if (err != nil) != test.fails {
				t.Fatalf("error is %v", err)
			}
			var got []string
			for _, i := range images {
				got = append(got, i.ref.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("references are %q, want %q", got, test.want)
			}
		})
	}
}

func TestChecksOutsideOfTheRepositoryAreRefused(t *testing.T) {
	for _, folder := range []string{"/tmp/checks", "../checks"} {
		_, err := checksIn(t.TempDir(), folder)
		if err == nil || !strings.Contains(err.Error(), "relative to its root") {
			t.Errorf("%s: %v", folder, err)
		}
	}
}
