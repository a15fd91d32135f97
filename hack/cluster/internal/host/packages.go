package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
)

// tool is something that a cluster needs on the machine, and the Debian package it comes from.
type tool struct {
	name  string
	pkg   string
	found func() bool
}

func tools() []tool {
	inPath := func(name, pkg string) tool {
		return tool{name: name, pkg: pkg, found: func() bool { return command.Exists(name) }}
	}
	return []tool{
		inPath("containerd", "containerd"),
		inPath("containerd-shim-runc-v2", "containerd"),
		inPath("ctr", "containerd"),
		inPath("runc", "runc"),
		{name: "CNI plugins", pkg: "containernetworking-plugins", found: func() bool { return CNIPlugins() != "" }},
		inPath("iptables", "iptables"),
		inPath("conntrack", "conntrack"),
		inPath("ip", "iproute2"),
		inPath("nsenter", "util-linux"),
		inPath("unshare", "util-linux"),
		inPath("mountpoint", "util-linux"),
		inPath("mount", "mount"),
	}
}

// MissingTools names what is not installed.
func MissingTools() []string {
	var names []string
	for _, t := range tools() {
		if !t.found() {
			names = append(names, t.name)
		}
	}
	return names
}

// MissingPackages names the Debian packages of what is not installed.
func MissingPackages() []string {
	var packages []string
	for _, t := range tools() {
		if !t.found() && !slices.Contains(packages, t.pkg) {
			packages = append(packages, t.pkg)
		}
	}
	return packages
}

// CNIPlugins returns the folder of the network plugins, or nothing.
func CNIPlugins() string {
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if slices.IndexFunc([]string{"bridge", "host-local", "loopback", "portmap"}, func(name string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err != nil
		}) < 0 {
			return dir
		}
	}
	return ""
}

const (
	packageLists = "/var/lib/apt/lists"
	maxListAge   = 7 * 24 * time.Hour
	policyFile   = "/usr/sbin/policy-rc.d"
)

// Install installs Debian packages and removes none. No service of theirs is started, now or at the next boot.
func Install(ctx context.Context, packages []string, now time.Time) error {
	if listsAreStale(now) {
		if err := apt(ctx, "update"); err != nil {
			return fmt.Errorf("updating the package lists: %w", err)
		}
	}
	allow, err := forbidServices()
	if err != nil {
		return err
	}
	args := append([]string{"install", "-y", "--no-remove", "--no-install-recommends"}, packages...)
	err = apt(ctx, args...)
	if err != nil && ctx.Err() == nil {
		// Lists that are only days old can already name versions that the mirror has replaced.
		if updateErr := apt(ctx, "update"); updateErr == nil {
			err = apt(ctx, args...)
		}
	}
	if err := errors.Join(err, allow()); err != nil {
		return fmt.Errorf("installing packages: %w", err)
	}
	if slices.Contains(packages, "containerd") && managedBySystemd() {
		if _, err := command.Run(ctx, "systemctl", "disable", "containerd"); err != nil {
			return fmt.Errorf("keeping containerd from starting at the next boot: %w", err)
		}
	}
	return nil
}

func apt(ctx context.Context, args ...string) error {
	cmd := command.New(ctx, "apt-get", append([]string{"-q", "-o", "DPkg::Lock::Timeout=120"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	_, err := command.Capture(cmd)
	return err
}

func listsAreStale(now time.Time) bool {
	lists, err := filepath.Glob(filepath.Join(packageLists, "*Packages*"))
	if err != nil || len(lists) == 0 {
		return true
	}
	info, err := os.Stat(packageLists)
	return err != nil || now.Sub(info.ModTime()) > maxListAge
}

// forbidServices keeps packages from starting their services while they are installed, as policy-rc.d is meant for. A policy that
// is already there is left alone.
func forbidServices() (allow func() error, err error) {
	file, err := os.OpenFile(policyFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keeping services from starting: %w", err)
	}
	_, err = file.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("keeping services from starting: %w", err), os.Remove(policyFile))
	}
	return func() error { return os.Remove(policyFile) }, nil
}

func managedBySystemd() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil && command.Exists("systemctl")
}
