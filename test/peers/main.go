package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/validation-operator/validation-operator/test/corpus"
)

func main() {
	verbose := flag.Bool("v", false, "say of each stream what went wrong")
	write := flag.String("write", "", "write the table into this file, between its two marks")
	gigabytes := flag.Int("memory", 0, "stream so many GB through our reader instead")
	flag.Parse()
	err := error(nil)
	if *gigabytes > 0 {
		err = memory(*gigabytes)
	} else {
		err = compare(*verbose, *write)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func compare(verbose bool, write string) error {
	streams, err := corpus.Streams()
	if err != nil {
		return err
	}
	table, err := run(streams, verbose)
	if err != nil {
		return err
	}
	if write == "" {
		_, err = os.Stdout.WriteString(table)
		return err
	}
	return insert(write, table)
}

// class is a row of the table.
type class struct {
	streams int
	faults  []faults // of each reader
}

// run reads all streams with all readers, each distinct stream once.
func run(streams []corpus.Stream, verbose bool) (string, error) {
	test2json, err := tool()
	if err != nil {
		return "", err
	}
	classes, seen := map[string]*class{}, map[string]bool{}
	for _, s := range streams {
		key := fmt.Sprintln(s.Kind, s.Truth.Phase, string(s.Data))
		if seen[key] || s.Kind == "text" { // in plain -test.v nobody can tell a frame from what a test prints
			continue
		}
		seen[key] = true
		c := classes[s.Class]
		if c == nil {
			c = &class{faults: make([]faults, len(readers))}
			classes[s.Class] = c
		}
		c.streams++
		events := s.Data
		if !s.JSON() {
			if events, err = convert(test2json, s.Data); err != nil {
				return "", fmt.Errorf("stream %q: %w", s.ID, err)
			}
		}
		for i, r := range readers {
			found, why := weigh(s, r.safely(s, events))
			c.faults[i].add(found)
			for _, w := range why {
				if verbose {
					_, _ = fmt.Fprintf(os.Stdout, "%s/%s: %s %s\n", s.Class, s.ID, r.name, w)
				}
			}
		}
	}
	return render(classes), nil
}

// tool is where Go's own test2json is.
func tool() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "test2json").Output()
	if err != nil {
		return "", fmt.Errorf("looking for test2json: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// convert makes events of what a binary prints.
func convert(test2json string, data []byte) ([]byte, error) {
	cmd := exec.Command(test2json, "-t", "-p", "example.com/p")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("converting: %w", err)
	}
	return out, nil
}

// render writes the table as Markdown.
func render(classes map[string]*class) string {
	var b strings.Builder
	b.WriteString("| streams | of them |")
	for _, r := range readers {
		fmt.Fprintf(&b, " %s |", r.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(readers)) + "\n")
	all := class{faults: make([]faults, len(readers))}
	row := func(name string, c *class) {
		fmt.Fprintf(&b, "| %s | %d |", name, c.streams)
		for _, f := range c.faults {
			fmt.Fprintf(&b, " %d / %d / %d / %d |", f.aborted, f.lost, f.passed, f.invented)
		}
		b.WriteString("\n")
	}
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		c := classes[name]
		row(name, c)
		all.streams += c.streams
		for i, f := range c.faults {
			all.faults[i].add(f)
		}
	}
	row("all", &all)
	return b.String()
}

const (
	begin = "<!-- peers: go run -C test/peers . -write ../README.md -->\n"
	end   = "<!-- /peers -->\n"
)

// insert puts the table between the two marks of a file.
func insert(name, table string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return errors.New("the file has no marks for the table")
	}
	return os.WriteFile(name, []byte(before+begin+table+end+after), 0o644)
}
