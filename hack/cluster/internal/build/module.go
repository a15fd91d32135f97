// Package build makes the executables of the local cluster from Go modules and keeps them in the user's cache folder.
// It must not know how a cluster is run.
package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// ProjectModule is the module path of the project whose hack folder holds the modules to build.
const ProjectModule = "github.com/validation-operator/validation-operator"

// Module is an executable that is built from a Go module of its own.
type Module struct {
	Name    string // of the executable
	Title   string // for people
	Dir     string // holds go.mod
	Version string // of what is built, such as v1.37.1
	LDFlags string
	Cache   string // folder of the executable
}

// Binary is the path of the built executable.
func (m Module) Binary() string { return filepath.Join(m.Cache, m.Name) }

// FindRoot returns the project's root folder, looking upwards from a folder.
func FindRoot(from string) (string, error) {
	for dir := from; ; dir = filepath.Dir(dir) {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("looking for the project's root: %w", err)
		}
		if modfile.ModulePath(content) == ProjectModule {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside a clone of %s: run this from there", from, ProjectModule)
		}
	}
}

// Kubernetes describes the executable that is all of Kubernetes' components.
func Kubernetes(root, cache string) (Module, error) {
	dir := filepath.Join(root, "hack", "kubernetes")
	version, err := requiredVersion(dir, "k8s.io/kubernetes")
	if err != nil {
		return Module{}, err
	}
	flags, err := versionFlags(version)
	if err != nil {
		return Module{}, err
	}
	return Module{
		Name: "kubernetes", Title: "Kubernetes " + version, Dir: dir, Version: version, LDFlags: flags,
		Cache: filepath.Join(cache, "kubernetes", version),
	}, nil
}

// Etcd describes the etcd server's executable.
func Etcd(root, cache string) (Module, error) {
	dir := filepath.Join(root, "hack", "etcd")
	version, err := requiredVersion(dir, "go.etcd.io/etcd/server/v3")
	if err != nil {
		return Module{}, err
	}
	return Module{
		Name: "etcd", Title: "etcd " + version, Dir: dir, Version: version, LDFlags: "-s -w",
		Cache: filepath.Join(cache, "etcd", version),
	}, nil
}

func requiredVersion(dir, module string) (string, error) {
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the version of %s: %w", module, err)
	}
	file, err := modfile.ParseLax(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("reading the version of %s: %w", module, err)
	}
	for _, r := range file.Require {
		if r.Mod.Path == module {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, module)
}

// versionFlags stamps the version that the components report; without it they call themselves v0.0.0.
func versionFlags(version string) (string, error) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("version %q is not of the form v1.2.3", version)
	}
	const pkg = "k8s.io/component-base/version"
	return fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s -X %[1]s.gitTreeState=clean",
		pkg, version, parts[0], parts[1]), nil
}

// inputsHash identifies what an executable was built from: the module's files and the linker's flags. The versions of all
// dependencies are in go.mod and go.sum.
func inputsHash(m Module) (string, error) {
	files, err := filepath.Glob(filepath.Join(m.Dir, "*.go"))
	if err != nil {
		return "", fmt.Errorf("listing sources: %w", err)
	}
	files = append(files, filepath.Join(m.Dir, "go.mod"), filepath.Join(m.Dir, "go.sum"))
	slices.Sort(files)
	sum := sha256.New()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("hashing sources: %w", err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", filepath.Base(file), len(content), content)
	}
	fmt.Fprint(sum, m.LDFlags)
	return hex.EncodeToString(sum.Sum(nil)), nil
}
