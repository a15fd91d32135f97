package benchmark

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is the CPU time of processes so far, by their names. Unlike the time by the clock it hardly depends on who else uses the
// machine.
type usage map[string]time.Duration

// self is this program's name among its servers': the operator, the kubelet and the load.
const self = "program"

// cpu is the usage of this program and of the servers that it has started; it is empty where there is no /proc as that of Linux.
func cpu() usage {
	used := usage{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		name, parent, time := parseStat(stat)
		switch {
		case path == fmt.Sprintf("/proc/%d/stat", os.Getpid()):
			used[self] += time
		case parent == os.Getpid():
			used[name] += time
		}
	}
	return used
}

// parseStat reads a line of proc(5): a number, the name in parentheses, and fields of which the second is the parent,
// and the 12th and the 13th are the time in user and in kernel mode.
func parseStat(stat []byte) (name string, parent int, used time.Duration) {
	const tick = time.Second / 100 // USER_HZ, the same on every Linux that Go runs on
	begin, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if begin < 0 || end < begin {
		return "", 0, 0
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 13 {
		return "", 0, 0
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(fields[i]) // the kernel writes numbers
		return n
	}
	return string(stat[begin+1 : end]), number(1), time.Duration(number(11)+number(12)) * tick
}

// addSince adds what was used since an earlier moment.
func (u usage) addSince(before usage) {
	for name, used := range cpu() {
		u[name] += used - before[name]
	}
}

func (u usage) total() (sum time.Duration) {
	for _, used := range u {
		sum += used
	}
	return sum
}

// perEach lists the usage by how many milliseconds there were for each of n.
func (u usage) perEach(n int) string {
	shares := make([]string, 0, len(u))
	for _, name := range slices.Sorted(maps.Keys(u)) {
		shares = append(shares, fmt.Sprintf("%s %.1f", name, milli(u[name])/float64(n)))
	}
	return strings.Join(shares, ", ")
}

func milli(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
