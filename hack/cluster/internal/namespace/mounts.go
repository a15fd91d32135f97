package namespace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MountsBelow lists the mounts on a path and below it in the order in which they can be unmounted: the last first.
func MountsBelow(path string) ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a system without /proc has none of ours
	}
	if err != nil {
		return nil, fmt.Errorf("listing mounts: %w", err)
	}
	var targets []string
	for _, target := range parseMounts(string(content)) {
		if target == path || strings.HasPrefix(target, path+"/") {
			targets = append(targets, target)
		}
	}
	slices.Reverse(targets)
	return targets, nil
}

const (
	busyPatience = 10 * time.Second
	busyPause    = 100 * time.Millisecond
)

// detach unmounts one mount. What was killed in it can keep it busy for a moment longer; a mount that stays busy is taken out of sight, and
// goes once nothing uses it any more.
func detach(ctx context.Context, unmount func(options ...string) error) error {
	patience, cancel := context.WithTimeout(ctx, busyPatience)
	defer cancel()
	for {
		err := unmount()
		if err == nil {
			return nil
		}
		select {
		case <-patience.Done():
			if ctx.Err() != nil {
				return err
			}
			return unmount("-l")
		case <-time.After(busyPause):
		}
	}
}

// parseMounts returns the mount points of /proc/PID/mountinfo, in which the fifth field has spaces and the like as octal escapes.
func parseMounts(mountinfo string) []string {
	var targets []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) > 4 {
			targets = append(targets, unescape(fields[4]))
		}
	}
	return targets
}

func unescape(field string) string {
	var out strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) {
			if code, err := strconv.ParseUint(field[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		out.WriteByte(field[i])
	}
	return out.String()
}
