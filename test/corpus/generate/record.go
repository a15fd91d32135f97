package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// needs is what a program needs besides -test.v and -test.paniconexit0.
type needs struct {
	flags    []string // of the binary
	build    []string // of the compiler
	only     string   // the one version that records it, because it is large or slow to build
	packages bool     // it is several packages, or does not compile: go test alone can run it
}

var special = map[string]needs{
	"timeout":   {flags: []string{"-test.timeout=1s"}},
	"timeouts":  {flags: []string{"-test.timeout=1s", "-test.parallel=8"}},
	"deadlock":  {flags: []string{"-test.timeout=0"}},
	"bench":     {flags: []string{"-test.bench=.", "-test.benchtime=1x"}},
	"benchpass": {flags: []string{"-test.bench=.", "-test.benchtime=1x", "-test.cpu=1"}},
	"count":     {flags: []string{"-test.count=2"}},
	"cpu":       {flags: []string{"-test.cpu=1,2"}},
	"failfast":  {flags: []string{"-test.failfast"}},
	"shuffle":   {flags: []string{"-test.shuffle=7"}},
	"parallel":  {flags: []string{"-test.parallel=8"}},

	"parallelpanic": {flags: []string{"-test.parallel=8"}},

	"cover": {build: []string{"-cover"}},
	"race":  {build: []string{"-race"}, only: "go1.26"},

	"longline": {only: "go1.26"},
	"longname": {only: "go1.26"},

	"broken":    {packages: true},
	"multi":     {packages: true},
	"multigood": {packages: true},
}

// kinds are the kinds of recordings of each program, and the versions that record them; none means all. Plain -test.v, which an
// operator's validator never prints, and what go tool test2json makes of a binary, are recorded where they can differ.
var kinds = []struct {
	name     string
	versions []string
}{
	{"raw", nil},
	{"text", []string{"go1.20", "go1.26", "go1.27"}},
	{"pipe.json", []string{"go1.20", "go1.26", "go1.27"}},
	{"exec.json", []string{"go1.20", "go1.26"}},
	{"gotest.json", nil},
}

type program struct {
	name, toolchain, out string
	dir                  string // where its copy is
	exits                map[string]exit
}

// missing are the kinds that are to be recorded.
func (p *program) missing() []string {
	var out []string
	for _, kind := range kinds {
		_, have := p.exits[p.name+"."+kind.name]
		here := kind.versions == nil || slices.Contains(kind.versions, minor(p.toolchain))
		possible := kind.name == "gotest.json" || !special[p.name].packages
		if !have && here && possible {
			out = append(out, kind.name)
		}
	}
	return out
}

func (p *program) record(source string) error {
	missing := p.missing()
	if len(missing) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(os.Stderr, p.toolchain, p.name)
	tmp, err := os.MkdirTemp("", "corpus")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // the system clears its folder for such
	p.dir = tmp
	if err := os.CopyFS(tmp, os.DirFS(source)); err != nil {
		return err
	}
	// A go.mod of its own: old toolchains refuse the project's.
	if err := os.WriteFile(filepath.Join(tmp, "go.mod"), []byte("module corpus/"+p.name+"\n\ngo 1.20\n"), 0o644); err != nil {
		return err
	}
	need := special[p.name]
	if !need.packages && !slices.Equal(missing, []string{"gotest.json"}) {
		build := slices.Concat([]string{"go", "test", "-c", "-trimpath", "-o", "program.test"}, need.build)
		if out, _, err := p.run(nil, build...); err != nil {
			return fmt.Errorf("compiling: %w\n%s", err, out)
		}
	}
	for _, kind := range missing {
		if err := p.recordKind(kind, need); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func (p *program) recordKind(kind string, need needs) error {
	marked := append([]string{"./program.test", "-test.v=test2json", "-test.paniconexit0"}, need.flags...)
	convert := []string{"go", "tool", "test2json", "-t", "-p", "corpus/" + p.name}
	switch kind {
	case "raw":
		return p.save(kind, nil, marked...)
	case "text":
		return p.save(kind, nil, append([]string{"./program.test", "-test.v", "-test.paniconexit0"}, need.flags...)...)
	case "pipe.json":
		raw, err := os.ReadFile(filepath.Join(p.out, p.name+".raw"))
		if err != nil {
			return err
		}
		return p.save(kind, raw, convert...)
	case "exec.json":
		return p.save(kind, nil, append(convert, marked...)...)
	}
	return p.save(kind, nil, slices.Concat([]string{"go", "test", "-json", "-trimpath", "-count=1", "-p=1"}, need.build, need.flags,
		[]string{"./..."})...)
}

// save runs a command and keeps what it printed.
func (p *program) save(kind string, stdin []byte, args ...string) error {
	out, code, err := p.run(stdin, args...)
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		return err
	}
	p.exits[p.name+"."+kind] = exit{code: code}
	return os.WriteFile(filepath.Join(p.out, p.name+"."+kind), out, 0o644)
}

// run runs a command with stdout and stderr in one pipe, as a container's log has them.
func (p *program) run(stdin []byte, args ...string) (out []byte, code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = p.dir
	cgo := "CGO_ENABLED=0"
	if slices.Contains(special[p.name].build, "-race") {
		cgo = "CGO_ENABLED=1"
	}
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+p.toolchain, "GOFLAGS=", cgo, "GOWORK=off", "GOTRACEBACK=single", "GODEBUG=asynctimerchan=0")
	cmd.Stdin = bytes.NewReader(stdin)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err = cmd.Run()
	out = bytes.ReplaceAll(both.Bytes(), []byte(p.dir), []byte("/src"))
	return out, exitCode(cmd.ProcessState), err
}

// exitCode is the code as a container's status gives it: 128 and the signal where one ended the process.
func exitCode(s *os.ProcessState) int {
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return s.ExitCode()
}
