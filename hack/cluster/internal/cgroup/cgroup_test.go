package cgroup

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHierarchies(t *testing.T) {
	for _, test := range []struct {
		name, mountinfo string
		want            []string
	}{
		{"version 2", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n", []string{"/sys/fs/cgroup"}},
		{
			"version 1 beside an unused version 2",
			`32 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 32 0:30 / /sys/fs/cgroup/memory rw shared:4 - cgroup cgroup rw,memory
42 32 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`,
			[]string{"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"},
		},
		{"somebody's mount elsewhere", "30 23 0:26 / /home/x/cgroup rw - cgroup2 cgroup2 rw\n", nil},
		{"none", "22 27 0:21 / /proc rw,relatime - proc proc rw\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, parseHierarchies(test.mountinfo)); diff != "" {
				t.Errorf("hierarchies differ (-want +got):\n%s", diff)
			}
		})
	}
}
