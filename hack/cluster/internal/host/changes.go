package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// kernelSettings are what a kubelet sets for the whole machine, whatever namespace it runs in.
var kernelSettings = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
	"kernel/keys/root_maxbytes",
}

// Places are folders of the host that programs expect; each cluster sees its own folder there.
var Places = []string{"/var/lib/kubelet", "/var/lib/cni", "/run/containerd", "/var/log/pods", "/var/log/containers"}

// Changes remembers what clusters changed on the machine itself. The first cluster records it, the last one gives it back.
type Changes struct {
	Settings map[string]string `json:"settings"` // as they were
	Created  []string          `json:"created"`  // folders, parents first
}

const settingsRoot = "/proc/sys"

// Record remembers the machine as it is and creates the folders that clusters need. It reports whether it was the first to do so: a
// record that exists is left as it is, because its cluster has changed the machine already.
func Record(file string) (first bool, err error) {
	if _, err := load(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	changes := Changes{Settings: map[string]string{}}
	for _, name := range kernelSettings {
		value, err := os.ReadFile(filepath.Join(settingsRoot, name))
		if err != nil {
			return false, fmt.Errorf("reading kernel setting %s: %w", name, err)
		}
		changes.Settings[name] = strings.TrimSpace(string(value))
	}
	for _, place := range Places {
		changes.Created = append(changes.Created, missing(place)...)
	}
	// Recorded before anything is created, so that an interruption leaves nothing unknown.
	content, err := json.MarshalIndent(changes, "", "  ")
	if err != nil {
		return false, fmt.Errorf("recording the machine's state: %w", err)
	}
	if err := os.WriteFile(file, append(content, '\n'), 0o600); err != nil {
		return false, fmt.Errorf("recording the machine's state: %w", err)
	}
	for _, place := range Places {
		if err := os.MkdirAll(place, 0o755); err != nil {
			return false, fmt.Errorf("creating %s: %w", place, err)
		}
	}
	return true, nil
}

// missing lists the folders that creating this one would create, parents first.
func missing(folder string) []string {
	var folders []string
	for dir := folder; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			break
		}
		folders = append(folders, dir)
	}
	slices.Reverse(folders)
	return folders
}

// Restore gives back what the record says, and forgets it. No cluster may be left: removing a folder that one of them has mounted
// over would take the mount away.
func Restore(file string) error {
	changes, err := load(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failures []error
	for name, value := range changes.Settings {
		failures = append(failures, restoreSetting(name, value))
	}
	for _, folder := range slices.Backward(changes.Created) {
		err := os.Remove(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			failures = append(failures, err)
		}
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("restoring the machine's state: %w", err)
	}
	return os.Remove(file)
}

func restoreSetting(name, value string) error {
	path := filepath.Join(settingsRoot, name)
	now, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(now)) == value {
		return nil
	}
	return os.WriteFile(path, []byte(value), 0o644)
}

func load(file string) (Changes, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return Changes{}, fmt.Errorf("reading the machine's recorded state: %w", err)
	}
	var changes Changes
	if err := json.Unmarshal(content, &changes); err != nil {
		return Changes{}, fmt.Errorf("reading the machine's recorded state: %w", err)
	}
	return changes, nil
}
