package corpus

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Recording is what one program printed when one release of Go ran it.
type Recording struct {
	// Version is the release, such as go1.26, Name the program and the kind of stream: panic.raw.
	Version, Name string
	// ExitCode is that of the command.
	ExitCode int32
	// Same is the older release that printed the same, but for times, addresses and line numbers of Go's own code; it has the bytes.
	Same string
}

// Kind is raw, text, pipe.json or gotest.json.
func (r Recording) Kind() string {
	_, kind, _ := strings.Cut(r.Name, ".")
	return kind
}

// Data returns the bytes, those of the older release where that printed the same.
func (r Recording) Data() ([]byte, error) {
	version := r.Version
	if r.Same != "" {
		version = r.Same
	}
	return files.ReadFile(path.Join("recorded", version, r.Name))
}

// Versions returns the releases that recorded, the oldest first.
func Versions() ([]string, error) {
	dirs, err := fs.Glob(files, "recorded/*")
	for i := range dirs {
		dirs[i] = path.Base(dirs[i])
	}
	slices.Sort(dirs)
	return dirs, err
}

// Recordings returns those of one release, by name.
func Recordings(version string) ([]Recording, error) {
	data, err := files.ReadFile(path.Join("recorded", version, "exit-codes"))
	if err != nil {
		return nil, err
	}
	var out []Recording
	for line := range strings.Lines(string(data)) {
		r := Recording{Version: version}
		if n, _ := fmt.Sscan(line, &r.Name, &r.ExitCode, &r.Same); n < 2 {
			return nil, fmt.Errorf("exit-codes of %s: line %q", version, line)
		}
		out = append(out, r)
	}
	return out, nil
}

// find returns the recordings that a case names; of "panic.raw" only those with bytes of their own.
func find(from string) ([]Recording, error) {
	only, name := path.Split(from)
	versions, err := Versions()
	if err != nil {
		return nil, err
	}
	var out []Recording
	for _, version := range versions {
		all, err := Recordings(version)
		if err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Name == name && (only == "" && r.Same == "" || only == version+"/") {
				out = append(out, r)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no recording %q", from)
	}
	return out, nil
}
