package local

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/build"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/cgroup"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/host"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/image"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/namespace"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/node"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/pki"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// Up brings a cluster up, or finds it up. A copy of the kubeconfig is written where the caller wants one.
func (m Machine) Up(ctx context.Context, name, kubeconfigCopy string) (state.Cluster, error) {
	p, err := state.For(m.Cache, name)
	if err != nil {
		return state.Cluster{}, err
	}
	unlock, err := m.lock("cluster " + name)
	if err != nil {
		return state.Cluster{}, err
	}
	defer unlock()

	c, err := m.reuse(ctx, p)
	if errors.Is(err, errRebuild) {
		if kindUsable(ctx) {
			c, err = m.kindUp(ctx, p)
		} else {
			c, err = m.make(ctx, p)
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return state.Cluster{}, fmt.Errorf("interrupted; `up` starts over, `down` removes what there is: %w", err)
	case err != nil:
		return state.Cluster{}, err
	}
	return c, copyKubeconfig(p, c, kubeconfigCopy)
}

// errRebuild says that there is no cluster that can be used as it is, and nothing in the way of a new one.
var errRebuild = errors.New("to be made")

// reuse returns the cluster if it is up, or can be mended. What cannot be mended is taken down.
func (m Machine) reuse(ctx context.Context, p state.Paths) (state.Cluster, error) {
	c, err := state.Load(p)
	switch {
	case errors.Is(err, state.ErrNoCluster):
		if _, statErr := os.Stat(p.Data); statErr != nil {
			return state.Cluster{}, errRebuild
		}
	case err == nil && c.Complete && c.Mode == state.ModeKind:
		if kindReady(ctx, p) == nil {
			m.Log.Say("cluster %q is already up", p.Name)
			return c, nil
		}
	case err == nil && c.Complete:
		mendErr := m.mend(ctx, p, c)
		if mendErr == nil || ctx.Err() != nil {
			return c, errors.Join(mendErr, ctx.Err())
		}
		m.Log.Say("cluster %q cannot be mended (%v); it is made anew", p.Name, mendErr)
	}
	if err := m.takeDown(ctx, p); err != nil {
		return state.Cluster{}, fmt.Errorf("removing what is left of cluster %q: %w", p.Name, err)
	}
	return state.Cluster{}, errRebuild
}

// mend starts the servers that do not run and waits until the cluster is ready; where all run and it is, it does nothing.
func (m Machine) mend(ctx context.Context, p state.Paths, c state.Cluster) error {
	boot, err := state.Boot()
	if err != nil {
		return err
	}
	if boot != c.Boot {
		return errors.New("the machine was restarted")
	}
	r, err := m.runner(p, c)
	if err != nil {
		return err
	}
	if !r.space.Exists(ctx) {
		return errors.New("its namespaces are gone")
	}
	dead, err := c.Dead()
	if err != nil {
		return err
	}
	if len(dead) == 0 {
		if err := r.ready(ctx); err == nil {
			m.Log.Say("cluster %q is already up", p.Name)
			return nil
		}
		return m.Log.Do("wait until the cluster is ready", func() error { return r.wait(ctx, r.ready) })
	}
	m.Log.Say("of cluster %q, %s ended", p.Name, strings.Join(dead, ", "))
	return r.startAll(ctx)
}

// make makes a cluster from nothing.
func (m Machine) make(ctx context.Context, p state.Paths) (state.Cluster, error) {
	if problems := host.Look(m.Cache, state.DataRoot).Problems(); len(problems) > 0 {
		return state.Cluster{}, fmt.Errorf("this machine cannot run a cluster yet:\n  - %s", strings.Join(problems, "\n  - "))
	}
	if err := m.install(ctx); err != nil {
		return state.Cluster{}, err
	}
	assets, err := m.Assets(ctx)
	if err != nil {
		return state.Cluster{}, err
	}
	c, err := m.allocate(ctx, p, assets)
	if err != nil {
		return state.Cluster{}, err
	}
	r, err := m.runner(p, c)
	if err != nil {
		return state.Cluster{}, err
	}
	if err := m.Log.Do("namespaces and control group "+p.Node(), func() error {
		if err := r.group.Create(); err != nil {
			return err
		}
		return r.space.Create(ctx)
	}); err != nil {
		return state.Cluster{}, err
	}
	if err := m.Log.Do("certificates and configuration", func() error { return m.configure(p, r.node) }); err != nil {
		return state.Cluster{}, err
	}
	if err := r.startAll(ctx); err != nil {
		return state.Cluster{}, fmt.Errorf("%w\nlogs are in %s", err, p.File("logs"))
	}
	r.cluster.Complete = true
	return r.cluster, state.Save(p, r.cluster)
}

func (m Machine) install(ctx context.Context) error {
	unlock, err := m.lock(shared)
	if err != nil {
		return err
	}
	defer unlock()
	packages := host.MissingPackages()
	if len(packages) == 0 {
		return nil
	}
	m.Log.Say("installing Debian packages, which stay when the cluster goes: %s", strings.Join(packages, " "))
	if err := m.Log.Do("install packages", func() error { return host.Install(ctx, packages, m.Now()) }); err != nil {
		return err
	}
	if missing := host.MissingTools(); len(missing) > 0 {
		return fmt.Errorf("after the installation still missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// allocate records what the cluster will use and change before any of it happens, so that `down` knows.
func (m Machine) allocate(ctx context.Context, p state.Paths, assets string) (state.Cluster, error) {
	unlock, err := m.lock(shared)
	if err != nil {
		return state.Cluster{}, err
	}
	defer unlock()
	if err := os.MkdirAll(p.Data, 0o711); err != nil {
		return state.Cluster{}, fmt.Errorf("creating the cluster's data folder: %w", err)
	}
	if first, err := host.Record(hostRecord()); err != nil {
		return state.Cluster{}, err
	} else if first {
		m.Log.Say("a kubelet sets vm.overcommit_memory, vm.panic_on_oom, kernel.panic* and kernel.keys.* of this machine;")
		m.Log.Say("they are restored when the last cluster goes")
	}
	used, err := namespace.Routes(ctx)
	if err != nil {
		return state.Cluster{}, err
	}
	used = append(used, m.subnets()...)
	link, err := namespace.ChooseLink(used)
	if err != nil {
		return state.Cluster{}, err
	}
	snapshotter, err := host.Snapshotter(ctx, p.Data)
	if err != nil {
		return state.Cluster{}, err
	}
	boot, err := state.Boot()
	if err != nil {
		return state.Cluster{}, err
	}
	kubernetes, err := build.Kubernetes(m.Root, m.Cache)
	if err != nil {
		return state.Cluster{}, err
	}
	c := state.Cluster{
		Name: p.Name, Mode: state.ModeSelf, Created: m.Now(), Assets: assets, Kubernetes: kubernetes.Version, Boot: boot,
		Subnet: link.Subnet.String(), PauseImage: image.Pause, Snapshotter: snapshotter, Servers: map[string]state.Process{},
	}
	return c, state.Save(p, c)
}

// subnets lists the links of clusters that are being made and have no route yet.
func (m Machine) subnets() []netip.Prefix {
	names, err := state.Names(m.Cache)
	if err != nil {
		return nil // the routes of the clusters that are up are known anyway
	}
	var found []netip.Prefix
	for _, name := range names {
		p, err := state.For(m.Cache, name)
		if err != nil {
			continue
		}
		if c, err := state.Load(p); err == nil {
			if subnet, err := netip.ParsePrefix(c.Subnet); err == nil {
				found = append(found, subnet)
			}
		}
	}
	return found
}

// configure writes certificates, configuration files and the kubeconfig.
func (m Machine) configure(p state.Paths, n node.Node) error {
	subject := pki.Subject{
		Node: n.Name, NodeIP: n.IP.AsSlice(), ServiceIP: node.KubernetesService().AsSlice(), Domain: node.Domain,
	}
	if err := pki.Write(p.File("pki"), subject, m.Now()); err != nil {
		return err
	}
	files, err := n.Files()
	if err != nil {
		return err
	}
	for name, content := range files {
		path := p.File("config", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing configuration: %w", err)
		}
	}
	if err := os.MkdirAll(p.File("logs"), 0o700); err != nil {
		return fmt.Errorf("creating the folder of logs: %w", err)
	}
	return writeKubeconfig(p, n)
}

// openGroup returns the cluster's control group.
func openGroup(p state.Paths) (cgroup.Group, error) { return cgroup.Open(p.Node()) }
