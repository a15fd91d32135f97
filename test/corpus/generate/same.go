package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// varying is what differs from one run to the next, or from one release to the next without a meaning.
var varying = regexp.MustCompile(`"Time":"[^"]*"|"Elapsed":[0-9.]+|[0-9.]+m?s\)|\t[0-9.]+s\b|[0-9.]+ ns/op|0x[0-9a-f]+|goroutine [0-9]+|\.go:[0-9]+` +
	`|_artifacts/[0-9]+`)

func masked(data []byte) string { return string(varying.ReplaceAll(data, []byte("~"))) }

// storeOnce removes each recording that an older version has as well.
func storeOnce() error {
	dirs, err := filepath.Glob(filepath.Join(recorded, "go*"))
	if err != nil {
		return err
	}
	slices.Sort(dirs) // go1.20 to go1.99
	type stored struct {
		version string
		code    int
	}
	seen := map[string]stored{}
	for _, dir := range dirs {
		version := filepath.Base(dir)
		exits, err := readExits(version)
		if err != nil {
			return err
		}
		for name, e := range exits {
			if e.same != "" {
				continue
			}
			file := filepath.Join(dir, name)
			data, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("recording %s: %w", name, err)
			}
			key := name + "\n" + masked(data)
			if old, ok := seen[key]; ok && old.code == e.code {
				exits[name] = exit{code: e.code, same: old.version}
				if err := os.Remove(file); err != nil {
					return err
				}
				continue
			}
			seen[key] = stored{version, e.code}
		}
		if err := writeExits(version, exits); err != nil {
			return err
		}
	}
	return nil
}
