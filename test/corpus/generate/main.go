// Command generate records what the test programs under test/corpus/testdata print, once for each toolchain it is given:
//
//	go run ./test/corpus/generate go1.20.14 go1.21.13 go1.24.13 go1.26.8 go1.27.1
//
// Everything goes to test/corpus/recorded, one folder per minor version. A stream that an older version printed as well, but for times,
// addresses and line numbers of Go's own code, is stored once; exit-codes names the version that has it. With -new, what is recorded
// is left as it is. Durations differ from one recording to the next, so the golden files of internal/gotest have to be written anew
// afterwards (go test ./internal/gotest -update).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	programs = "test/corpus/testdata"
	recorded = "test/corpus/recorded"
)

func main() {
	onlyNew := flag.Bool("new", false, "leave what is recorded as it is")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: generate [-new] TOOLCHAIN...")
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, toolchain := range flag.Args() {
		if err := recordAll(toolchain, *onlyNew); err != nil {
			fmt.Fprintf(os.Stderr, "recording with %s: %v\n", toolchain, err)
			os.Exit(1)
		}
	}
	if err := storeOnce(); err != nil {
		fmt.Fprintf(os.Stderr, "storing what is the same once: %v\n", err)
		os.Exit(1)
	}
}

// recordAll runs every program with one toolchain.
func recordAll(toolchain string, onlyNew bool) error {
	dirs, err := filepath.Glob(filepath.Join(programs, "*"))
	if err != nil || len(dirs) == 0 {
		return fmt.Errorf("no programs in %s (%w); run it from the top of the repository", programs, err)
	}
	version := minor(toolchain)
	out := filepath.Join(recorded, version)
	if !onlyNew {
		if err := os.RemoveAll(out); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	exits, err := readExits(version)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		p := program{name: filepath.Base(dir), toolchain: toolchain, out: out, exits: exits}
		if only := special[p.name].only; only != "" && only != version {
			continue
		}
		if err := p.record(dir); err != nil {
			return fmt.Errorf("program %s: %w", p.name, err)
		}
		if err := writeExits(version, exits); err != nil {
			return err
		}
	}
	return nil
}

// minor is the version that names the folder of a toolchain's recordings: go1.20 for go1.20.14.
func minor(toolchain string) string {
	parts := strings.SplitN(toolchain, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// exit is a line of the file exit-codes: how the command that printed a recording ended, and the version that has its bytes.
type exit struct {
	code int
	same string
}

func readExits(version string) (map[string]exit, error) {
	exits := map[string]exit{}
	data, err := os.ReadFile(filepath.Join(recorded, version, "exit-codes"))
	if os.IsNotExist(err) {
		return exits, nil
	}
	for line := range strings.Lines(string(data)) {
		var name string
		var e exit
		if n, _ := fmt.Sscan(line, &name, &e.code, &e.same); n < 2 {
			return nil, fmt.Errorf("exit-codes of %s: line %q", version, line)
		}
		exits[name] = e
	}
	return exits, err
}

func writeExits(version string, exits map[string]exit) error {
	var lines []string
	for name, e := range exits {
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(name, e.code, e.same))+"\n")
	}
	slices.Sort(lines)
	return os.WriteFile(filepath.Join(recorded, version, "exit-codes"), []byte(strings.Join(lines, "")), 0o644)
}
