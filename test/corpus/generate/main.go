// Command generate records what the test programs under test/corpus/testdata print, once for each toolchain it is given:
//
//	go run ./test/corpus/generate go1.20.14 go1.26.8 go1.27.1
//
// Everything goes to test/corpus/recorded, one folder per minor version. Durations differ from one recording to the next, so
// the golden files of internal/gotest have to be written anew afterwards (go test ./internal/gotest -update).
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// flags are what a program needs besides -test.v and -test.paniconexit0.
var flags = map[string][]string{
	"timeout":  {"-test.timeout=1s"},
	"deadlock": {"-test.timeout=0"},
	"bench":    {"-test.bench=.", "-test.benchtime=1x"},
	"count":    {"-test.count=2"},
	"parallel": {"-test.parallel=8"},
}

// Programs whose recordings are large are recorded by this version alone.
const onlyVersion = "go1.26"

var large = map[string]bool{"longline": true, "longname": true}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: generate TOOLCHAIN...")
		os.Exit(2)
	}
	for _, toolchain := range os.Args[1:] {
		if err := record(toolchain); err != nil {
			fmt.Fprintf(os.Stderr, "recording with %s: %v\n", toolchain, err)
			os.Exit(1)
		}
	}
}

// record runs every program with one toolchain.
func record(toolchain string) error {
	programs, err := filepath.Glob("test/corpus/testdata/*")
	if err != nil || len(programs) == 0 {
		return fmt.Errorf("no programs in test/corpus/testdata (%w); run it from the top of the repository", err)
	}
	parts := strings.SplitN(toolchain, ".", 3)
	minor := strings.Join(parts[:min(2, len(parts))], ".")
	out := filepath.Join("test/corpus/recorded", minor)
	if err := errors.Join(os.RemoveAll(out), os.MkdirAll(out, 0o755)); err != nil {
		return err
	}
	var exits []string
	for _, dir := range programs {
		name := filepath.Base(dir)
		if large[name] && minor != onlyVersion {
			continue
		}
		p := program{name: name, toolchain: toolchain, out: out}
		if err := p.record(dir); err != nil {
			return fmt.Errorf("program %s: %w", name, err)
		}
		exits = append(exits, p.exits...)
	}
	sort.Strings(exits)
	return os.WriteFile(filepath.Join(out, "exit-codes"), []byte(strings.Join(exits, "\n")+"\n"), 0o644)
}

type program struct {
	name, toolchain, out string
	dir                  string
	exits                []string // "recording exit-code"
}

func (p *program) record(source string) error {
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
	if out, _, err := p.run(nil, "go", "test", "-c", "-trimpath", "-o", "program.test"); err != nil {
		return fmt.Errorf("compiling: %w\n%s", err, out)
	}
	extra := flags[p.name]
	marked, err := p.save("raw", nil, append([]string{"./program.test", "-test.v=test2json", "-test.paniconexit0"}, extra...)...)
	if err != nil {
		return err
	}
	if _, err = p.save("text", nil, append([]string{"./program.test", "-test.v", "-test.paniconexit0"}, extra...)...); err != nil {
		return err
	}
	if _, err = p.save("pipe.json", marked, "go", "tool", "test2json", "-t", "-p", "corpus/"+p.name); err != nil {
		return err
	}
	_, err = p.save("gotest.json", nil, append([]string{"go", "test", "-json", "-trimpath", "-count=1"}, extra...)...)
	return err
}

// save runs a command and keeps what it printed.
func (p *program) save(kind string, stdin []byte, args ...string) ([]byte, error) {
	out, code, err := p.run(stdin, args...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	p.exits = append(p.exits, fmt.Sprintf("%s.%s %d", p.name, kind, code))
	return out, os.WriteFile(filepath.Join(p.out, p.name+"."+kind), out, 0o644)
}

// run runs a command with stdout and stderr in one pipe, as a container's log has them.
func (p *program) run(stdin []byte, args ...string) (out []byte, code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+p.toolchain, "GOFLAGS=", "CGO_ENABLED=0", "GOWORK=off", "GOTRACEBACK=single")
	cmd.Stdin = bytes.NewReader(stdin)
	var both bytes.Buffer
	cmd.Stdout, cmd.Stderr = &both, &both
	err = cmd.Run()
	return both.Bytes(), cmd.ProcessState.ExitCode(), err
}
