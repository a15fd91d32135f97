package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
)

// program is a static binary of the repository.
type program struct {
	name  string   // of the file in the image
	build []string // arguments to go, before the flags that all programs share
	pkg   string
}

var operatorPrograms = []program{{name: "operator", build: []string{"build"}, pkg: "./cmd"}}

var validatorPrograms = []program{
	checks("internal/checks/readiness"),
	checks("internal/checks/deployment"),
	checks("internal/checks/performance"),
	checks("internal/checks/conformance"),
	checks("internal/checks/snapshot"),
}

// checks is the test binary of a package, under the name by which a ValidationRun finds it.
func checks(folder string) program {
	return program{name: path.Base(folder) + ".test", build: []string{"test", "-c"}, pkg: "./" + folder}
}

// checksIn are the test binaries of all packages directly below a folder of the repository.
func checksIn(root, folder string) ([]program, error) {
	if !filepath.IsLocal(folder) {
		return nil, fmt.Errorf("looking for packages of checks: %s is no folder of this repository: name one relative to its root", folder)
	}
	below, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return nil, fmt.Errorf("looking for packages of checks: %w", err)
	}
	var out []program
	for _, e := range below {
		if e.IsDir() {
			out = append(out, checks(path.Join(filepath.ToSlash(folder), e.Name())))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("looking for packages of checks: %s has no folder in it", folder)
	}
	return out, nil
}

// compile builds the program in the repository at root, and says where it is. It stays there, so that the next time an unchanged
// one is not linked again. The state of the git tree is left out: it would change the digest of an unchanged program.
func (p program) compile(ctx context.Context, root, arch string) (string, error) {
	file := filepath.Join(root, "bin", "linux-"+arch, p.name)
	args := append(slices.Clone(p.build), "-buildvcs=false", "-ldflags=-s -w", "-o", file, p.pkg)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("compiling %s: %w\n%s", p.pkg, err, bytes.TrimSpace(output.Bytes()))
	}
	if bytes.Contains(output.Bytes(), []byte("[no test files]")) { // to go test -c that is no error, and no binary
		return "", fmt.Errorf("compiling %s: there are no tests in it", p.pkg)
	}
	return file, nil
}
