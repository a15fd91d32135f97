package namespace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
)

// Space describes the namespaces of one cluster.
type Space struct {
	Run       string // folder that becomes a mount of its own and keeps the namespaces
	Net       string // file in Run
	Mount     string // file in Run
	Interface string // host's end of the link
	Link      Link
	Services  netip.Prefix
	Binds     []Bind
}

// Bind shows a folder of the cluster in the place where programs expect it.
type Bind struct {
	Source, Target string
}

// inside is the cluster's end of the link.
const inside = "node0"

// Routes lists the prefixes that the host routes anywhere.
func Routes(ctx context.Context) ([]netip.Prefix, error) {
	output, err := command.Run(ctx, "ip", "-json", "-4", "route", "show", "table", "all")
	if err != nil {
		return nil, fmt.Errorf("listing the host's routes: %w", err)
	}
	return parseRoutes([]byte(output))
}

// Create makes the namespaces. They stay until Delete, whether or not anything runs in them.
func (s Space) Create(ctx context.Context) error {
	if err := s.keep(ctx); err != nil {
		return fmt.Errorf("creating namespaces: %w", err)
	}
	if err := s.connect(ctx); err != nil {
		return fmt.Errorf("connecting the network namespace: %w", err)
	}
	if err := s.arrange(ctx); err != nil {
		return fmt.Errorf("arranging the mount namespace: %w", err)
	}
	return nil
}

// keep creates both namespaces and mounts them on files. A mount namespace can only be kept on a private mount.
func (s Space) keep(ctx context.Context) error {
	if err := os.MkdirAll(s.Run, 0o711); err != nil {
		return err
	}
	for _, args := range [][]string{{"--bind", s.Run, s.Run}, {"--make-private", s.Run}} {
		if _, err := command.Run(ctx, "mount", args...); err != nil {
			return err
		}
	}
	for _, file := range []string{s.Net, s.Mount} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
	}
	if _, err := command.Run(ctx, "unshare", "--net="+s.Net, "true"); err != nil {
		return err
	}
	_, err := command.Run(ctx, "unshare", "--mount="+s.Mount, "--propagation", "slave", "true")
	return err
}

func (s Space) connect(ctx context.Context) error {
	bits := s.Link.Subnet.Bits()
	onHost := [][]string{
		{"link", "add", s.Interface, "type", "veth", "peer", "name", inside, "netns", s.Net},
		{"address", "add", fmt.Sprintf("%s/%d", s.Link.Host(), bits), "dev", s.Interface},
		{"link", "set", s.Interface, "up"},
	}
	node := s.Link.Node().String()
	inCluster := [][]string{
		{"link", "set", "lo", "up"},
		{"address", "add", fmt.Sprintf("%s/%d", node, bits), "dev", inside},
		{"link", "set", inside, "up"},
		// The node's own connections to a service need a route before kube-proxy's rules redirect them.
		{"route", "add", s.Services.String(), "dev", inside, "src", node},
	}
	for _, args := range onHost {
		if _, err := command.Run(ctx, "ip", args...); err != nil {
			return err
		}
	}
	for _, args := range inCluster {
		if _, err := command.Run(ctx, "nsenter", append([]string{"--net=" + s.Net, "ip"}, args...)...); err != nil {
			return err
		}
	}
	_, err := command.Run(ctx, "nsenter", "--net="+s.Net, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
	return err
}

// arrange makes the mount namespace receive the host's mounts without showing it its own, forgets other clusters' namespaces,
// which the copy would otherwise keep alive, and puts the cluster's folders in place.
func (s Space) arrange(ctx context.Context) error {
	var script strings.Builder
	script.WriteString("set -eu\nmount --make-rshared /\n")
	script.WriteString(`for other in "${1%%-*}"-*; do
	if [ "$other" != "$1" ] && mountpoint -q "$other"; then umount -R -l "$other"; fi
done
shift
while [ $# -gt 0 ]; do mount --bind "$1" "$2"; shift 2; done
`)
	args := []string{"--mount=" + s.Mount, "sh", "-c", script.String(), "arrange", s.Run}
	for _, b := range s.Binds {
		if err := os.MkdirAll(b.Source, 0o755); err != nil {
			return err
		}
		args = append(args, b.Source, b.Target)
	}
	_, err := command.Run(ctx, "nsenter", args...)
	return err
}

// Command prepares a program that runs in the namespaces.
func (s Space) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return command.New(ctx, "nsenter", s.enter(argv)...)
}

// Detached prepares a program that runs in the namespaces and outlives this one.
func (s Space) Detached(argv ...string) *exec.Cmd {
	cmd := exec.Command("nsenter", s.enter(argv)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

func (s Space) enter(argv []string) []string {
	return append([]string{"--net=" + s.Net, "--mount=" + s.Mount, "--"}, argv...)
}

// Exists reports whether the namespaces are there and can be entered.
func (s Space) Exists(ctx context.Context) bool {
	_, err := command.Capture(s.Command(ctx, "true"))
	return err == nil
}

// Delete removes what Create made, and what is left of an interrupted Create. Nothing may run in the namespaces any more.
func (s Space) Delete(ctx context.Context) error {
	var failures []error
	if _, err := os.Stat(filepath.Join("/sys/class/net", s.Interface)); err == nil {
		_, err := command.Run(ctx, "ip", "link", "delete", s.Interface)
		failures = append(failures, err)
	}
	targets, err := MountsBelow(s.Run)
	failures = append(failures, err)
	for _, target := range targets {
		failures = append(failures, detach(ctx, func(options ...string) error {
			_, err := command.Run(ctx, "umount", append(options, target)...)
			return err
		}))
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("removing namespaces: %w", err)
	}
	if err := os.RemoveAll(s.Run); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing namespaces: %w", err)
	}
	return nil
}
