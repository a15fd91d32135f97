package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Process identifies a process for as long as the machine runs: a PID is used again, but not with the same start time.
type Process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot
}

// Identify returns the identity of a running process.
func Identify(pid int) (Process, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	stat, err := parseStat(string(content))
	if err != nil {
		return Process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	return Process{PID: pid, Start: stat.start}, nil
}

// Alive reports whether exactly this process runs. A zombie does not.
func (p Process) Alive() (bool, error) {
	if p.PID <= 0 {
		return false, nil
	}
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking at process %d: %w", p.PID, err)
	}
	stat, err := parseStat(string(content))
	if err != nil {
		return false, fmt.Errorf("looking at process %d: %w", p.PID, err)
	}
	return stat.start == p.Start && stat.running(), nil
}

type procStat struct {
	state string
	start uint64
}

// running is false of a process that has ended and waits to be collected by its parent.
func (s procStat) running() bool { return s.state != "Z" && s.state != "X" }

// parseStat reads /proc/PID/stat, whose second field is a name in parentheses that may itself hold spaces and parentheses.
func parseStat(text string) (procStat, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return procStat{}, fmt.Errorf("unexpected process status %q", text)
	}
	fields := strings.Fields(text[end+1:])
	const state, start = 0, 19 // fields 3 and 22 of the file
	if len(fields) <= start {
		return procStat{}, fmt.Errorf("unexpected process status %q", text)
	}
	ticks, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return procStat{}, fmt.Errorf("unexpected process status %q: %w", text, err)
	}
	return procStat{state: fields[state], start: ticks}, nil
}

// Boot identifies the machine's current boot.
func Boot() (string, error) {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("identifying the machine's boot: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}
