package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
)

// stampSuffix names the file beside an executable that holds the hash of what it was built from.
const stampSuffix = ".inputs"

// Build builds the module's executable and records what it was built from. An interrupted build goes on where it was: compiled
// packages are in Go's own build cache, and the executable appears only when it is whole.
func Build(ctx context.Context, m Module, out io.Writer) error {
	hash, err := inputsHash(m)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Cache, 0o755); err != nil {
		return fmt.Errorf("creating the cache folder: %w", err)
	}
	if err := compile(ctx, m, out); err != nil {
		return fmt.Errorf("building %s: %w", m.Title, err)
	}
	if err := os.WriteFile(m.Binary()+stampSuffix, []byte(hash+"\n"), 0o644); err != nil {
		return fmt.Errorf("recording what %s was built from: %w", m.Title, err)
	}
	return nil
}

// UpToDate reports whether the module's executable is there and built from the module as it is now.
func UpToDate(m Module) (bool, error) {
	want, err := inputsHash(m)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(m.Binary()); err != nil {
		return false, nil //nolint:nilerr // no executable, for whatever reason, is the answer
	}
	got, err := os.ReadFile(m.Binary() + stampSuffix)
	return err == nil && strings.TrimSpace(string(got)) == want, nil
}

func compile(ctx context.Context, m Module, out io.Writer) error {
	p := newProgress(m.Title, out, time.Now)
	defer p.stop()

	stale, err := countStale(ctx, m.Dir, p.downloading)
	if err != nil {
		return err
	}
	p.compiling(stale)

	temporary := fmt.Sprintf("%s.%d.tmp", m.Binary(), os.Getpid())
	defer removeIfExists(temporary)
	cmd := goCommand(ctx, m.Dir, "build", "-v", "-o", temporary, "-ldflags", m.LDFlags, ".")
	if err := follow(ctx, cmd, p.compiled); err != nil {
		return err
	}
	if err := os.Rename(temporary, m.Binary()); err != nil {
		return fmt.Errorf("putting the executable in place: %w", err)
	}
	return nil
}

// countStale returns how many packages the build cache lacks, which is how many lines `go build -v` will print. It is also what
// downloads the modules.
func countStale(ctx context.Context, dir string, line func(string)) (int, error) {
	var stale bytes.Buffer
	cmd := goCommand(ctx, dir, "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", ".")
	cmd.Stdout = &stale
	if err := follow(ctx, cmd, line); err != nil {
		return 0, err
	}
	return len(strings.Fields(stale.String())), nil
}

func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := command.New(ctx, "go", args...)
	cmd.Dir = dir
	// One setting for everything in this repository, so that all builds share compiled packages.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return cmd
}

// follow runs a go command and hands each line of its standard error to a function; a failure quotes the last lines.
func follow(ctx context.Context, cmd *exec.Cmd, line func(string)) error {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("starting go: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting go: %w", err)
	}
	var last []string
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line(lines.Text())
		last = append(last[max(0, len(last)-9):], lines.Text())
	}
	// What the scanner refused (a line beyond its buffer) must not block the go command.
	_, copyErr := io.Copy(io.Discard, stderr)
	if err := errors.Join(lines.Err(), copyErr, cmd.Wait()); err != nil {
		if ctx.Err() != nil || endedBy(err, syscall.SIGINT) {
			return fmt.Errorf("interrupted, a rerun goes on from here: %w", context.Canceled)
		}
		return fmt.Errorf("go %s: %w:\n%s", cmd.Args[1], err, strings.Join(last, "\n"))
	}
	return nil
}

// endedBy tells a Ctrl-C that has reached the go command, but not this one yet.
func endedBy(err error, signal syscall.Signal) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == signal
}

func removeIfExists(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(os.Stderr, "removing %s: %v\n", filepath.Base(path), err)
	}
}

// Executable builds a package of this repository for a container image: static, and without symbols.
func Executable(ctx context.Context, dir, pkg, output string) error {
	_, err := command.Capture(goCommand(ctx, dir, "build", "-o", output, "-ldflags", "-s -w", pkg))
	return err
}
