// Package local brings clusters up, looks at them and takes them down. It puts the other packages' parts in order and must not
// know the command line.
package local

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/build"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/host"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/namespace"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/node"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/step"
)

// Machine is where clusters are brought up.
type Machine struct {
	Root  string // of the project
	Cache string // the project's folder in the user's cache folder
	Log   *step.Log
	Now   func() time.Time
}

// Assets builds Kubernetes and etcd where needed and returns the folder of executables.
func (m Machine) Assets(ctx context.Context) (string, error) {
	kubernetes, etcd, err := m.modules()
	if err != nil {
		return "", err
	}
	for _, module := range []build.Module{etcd, kubernetes} {
		if err := m.ensure(ctx, module); err != nil {
			return "", err
		}
	}
	return build.LinkAssets(kubernetes, etcd, m.Cache)
}

func (m Machine) ensure(ctx context.Context, module build.Module) error {
	done, err := build.UpToDate(module)
	if err != nil || done {
		return err
	}
	unlock, err := m.lock("build")
	if err != nil {
		return err
	}
	defer unlock()
	// Another command may have built it meanwhile.
	done, err = build.UpToDate(module)
	if err != nil || done {
		return err
	}
	if module.Name == "kubernetes" {
		m.Log.Say("%s is compiled from source, once per version: about 15 CPU minutes and 3 GB of memory.", module.Title)
		m.Log.Say("Ctrl-C loses nothing, a rerun goes on. The result is kept in %s.", module.Cache)
	}
	return m.Log.Do("build "+module.Title, func() error {
		return build.Build(ctx, module, m.Log.Writer())
	})
}

func (m Machine) modules() (kubernetes, etcd build.Module, err error) {
	kubernetes, err = build.Kubernetes(m.Root, m.Cache)
	if err != nil {
		return build.Module{}, build.Module{}, err
	}
	etcd, err = build.Etcd(m.Root, m.Cache)
	return kubernetes, etcd, err
}

// lock keeps other commands away from a cluster, or from what all clusters share.
func (m Machine) lock(what string) (unlock func(), err error) {
	return state.Lock(m.Cache, what, func() { m.Log.Say("waiting for another command that works on %s", what) })
}

// shared is the lock of what all clusters share: addresses, kernel settings, packages.
const shared = "this machine"

// hostRecord is the file that remembers what clusters changed on the machine.
func hostRecord() string { return filepath.Join(state.DataRoot, "host.json") }

// space describes a cluster's namespaces.
func space(p state.Paths, link namespace.Link) namespace.Space {
	s := namespace.Space{
		Run: p.Run, Net: p.NetNamespace(), Mount: p.MountNamespace(), Interface: p.Node(), Link: link,
		Services: node.Services,
	}
	for _, place := range host.Places {
		s.Binds = append(s.Binds, namespace.Bind{Source: filepath.Join(p.Data, "places", filepath.Base(place)), Target: place})
	}
	return s
}

// describe says how the cluster's node is configured.
func describe(p state.Paths, c state.Cluster) (node.Node, error) {
	link, err := linkOf(c)
	if err != nil {
		return node.Node{}, err
	}
	return node.Node{
		Name: p.Node(), IP: link.Node(), Dir: p.Dir, Data: p.Data, Run: p.Run, Socket: p.ContainerdSocket(), Assets: c.Assets,
		Containerd: "containerd", CNIPlugins: host.CNIPlugins(), PauseImage: c.PauseImage, Snapshots: c.Snapshotter,
	}, nil
}

func linkOf(c state.Cluster) (namespace.Link, error) {
	subnet, err := netip.ParsePrefix(c.Subnet)
	if err != nil {
		return namespace.Link{}, fmt.Errorf("reading the cluster's subnet: %w", err)
	}
	return namespace.Link{Subnet: subnet}, nil
}

// Existing checks that a cluster that somebody else made can be used. An empty kubeconfig is kubectl's default.
func (m Machine) Existing(ctx context.Context, kubeconfig string) error {
	kubectl, err := m.Kubectl()
	if err != nil {
		return err
	}
	ask := func(args ...string) error {
		cmd := command.New(ctx, kubectl, append(args, "--request-timeout=20s")...)
		if kubeconfig != "" {
			cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
		}
		_, err := command.Capture(cmd)
		return err
	}
	if err := ask("get", "--raw=/readyz"); err != nil {
		return fmt.Errorf("the current kubeconfig's cluster cannot be reached: %w", err)
	}
	if err := ask("auth", "can-i", "*", "*", "--all-namespaces"); err != nil {
		return fmt.Errorf("the current kubeconfig's user may not do everything, and installing the operator needs that: %w", err)
	}
	return nil
}

// Kubectl returns a kubectl: the built one if there is one, else that of PATH.
func (m Machine) Kubectl() (string, error) {
	kubernetes, etcd, err := m.modules()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(kubernetes.Binary()); err == nil {
		if _, err := os.Stat(etcd.Binary()); err == nil {
			assets, err := build.LinkAssets(kubernetes, etcd, m.Cache)
			return filepath.Join(assets, "kubectl"), err
		}
	}
	if command.Exists("kubectl") {
		return "kubectl", nil
	}
	return "", errors.New("no kubectl: install one, or run the build command, which makes one")
}
