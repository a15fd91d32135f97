package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/validation-operator/validation-operator/hack/cluster/internal/api"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/build"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/cgroup"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/command"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/image"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/namespace"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/node"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/pki"
	"github.com/validation-operator/validation-operator/hack/cluster/internal/state"
)

// runner starts the servers of a self-built cluster and waits for them.
type runner struct {
	machine Machine
	paths   state.Paths
	cluster state.Cluster
	node    node.Node
	space   namespace.Space
	group   cgroup.Group
	ended   chan string // what a server that ended within this command said last
}

func (m Machine) runner(p state.Paths, c state.Cluster) (*runner, error) {
	n, err := describe(p, c)
	if err != nil {
		return nil, err
	}
	link, err := linkOf(c)
	if err != nil {
		return nil, err
	}
	group, err := openGroup(p)
	if err != nil {
		return nil, err
	}
	return &runner{
		machine: m, paths: p, cluster: c, node: n, space: space(p, link), group: group, ended: make(chan string, len(node.Order)),
	}, nil
}

// startAll starts every server that does not run, in order, and waits until the cluster is ready.
func (r *runner) startAll(ctx context.Context) error {
	do := r.machine.Log.Do
	if err := do("start etcd, containerd, kube-apiserver", func() error {
		return r.start(node.Etcd, node.Containerd, node.APIServer)
	}); err != nil {
		return err
	}
	if err := do("import the pause image", func() error { return r.importPause(ctx) }); err != nil {
		return err
	}
	if err := do("wait for the API server", func() error { return r.wait(ctx, r.apiReady) }); err != nil {
		return err
	}
	if err := do("start controllers, scheduler, proxy, kubelet", func() error {
		return r.start(node.ControllerManager, node.Scheduler, node.Proxy, node.Kubelet)
	}); err != nil {
		return err
	}
	return do("wait for the node, the default ServiceAccount and the service rules", func() error { return r.wait(ctx, r.ready) })
}

func (r *runner) start(names ...string) error {
	servers := r.node.Servers()
	for _, name := range names {
		alive, err := r.cluster.Servers[name].Alive()
		if err != nil {
			return err
		}
		if alive {
			continue
		}
		if err := r.startServer(servers[name]); err != nil {
			return fmt.Errorf("starting %s: %w", name, err)
		}
	}
	return nil
}

func (r *runner) startServer(s node.Server) error {
	path := r.paths.File("logs", s.Name+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := r.space.Detached(s.Argv...)
	cmd.Stdout, cmd.Stderr = log, log
	// Nothing else of the caller's environment: a proxy's address, say, would redirect calls to the node itself.
	cmd.Env = []string{"PATH=" + searchPath(), "HOME=/root"}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		err := cmd.Wait()
		r.ended <- fmt.Sprintf("%s ended (%v): %s", s.Name, err, tail(path))
	}()
	if err := r.group.AddServer(cmd.Process.Pid); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	process, err := state.Identify(cmd.Process.Pid)
	if err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	r.cluster.Servers[s.Name] = process
	return state.Save(r.paths, r.cluster)
}

// searchPath is where servers find runc, iptables and so on: root's PATH may lack the sbin folders.
func searchPath() string {
	return strings.Join([]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}, ":")
}

const (
	readyTimeout = 3 * time.Minute
	readyPause   = 100 * time.Millisecond
)

// wait asks until the answer is yes, a server ends, or it has taken too long.
func (r *runner) wait(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case said := <-r.ended:
			return errors.New(said)
		case <-ctx.Done():
			return fmt.Errorf("%w; the last answer was: %w", ctx.Err(), err)
		case <-time.After(readyPause):
		}
	}
}

func (r *runner) client() (*api.Client, error) {
	return api.New(r.node.URL(), api.Credentials{
		Authority: r.node.PKI("ca.crt"), Certificate: r.node.PKI("admin.crt"), Key: r.node.PKI("admin.key"),
	})
}

func (r *runner) apiReady(ctx context.Context) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	if err := client.Ready(ctx); err != nil {
		return err
	}
	return client.AllowKubeletAPI(ctx, pki.KubeletClient)
}

// ready is when pods can be created and will run.
func (r *runner) ready(ctx context.Context) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	if err := client.Ready(ctx); err != nil {
		return err
	}
	if err := client.NodeReady(ctx, r.node.Name); err != nil {
		return err
	}
	if err := client.KubeletAnswers(ctx, r.node.Name); err != nil {
		return err
	}
	if err := client.DefaultServiceAccount(ctx); err != nil {
		return err
	}
	return r.serviceRedirected(ctx)
}

// serviceRedirected asks whether kube-proxy has written the rules without which pods do not reach the API server.
func (r *runner) serviceRedirected(ctx context.Context) error {
	rules, err := command.Capture(r.space.Command(ctx, "iptables-save", "-t", "nat"))
	if err != nil {
		return fmt.Errorf("listing kube-proxy's rules: %w", err)
	}
	if !strings.Contains(rules, node.KubernetesService().String()) {
		return errors.New("kube-proxy has not written its rules yet")
	}
	return nil
}

// importPause builds the pause image where the cluster does not have it yet.
func (r *runner) importPause(ctx context.Context) error {
	if err := r.wait(ctx, r.runtimeReady); err != nil {
		return err
	}
	if r.hasImages(ctx, []string{image.Pause}) == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "pause-image-")
	if err != nil {
		return fmt.Errorf("making the pause image: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system clears its folder for such
	executable, archive := filepath.Join(dir, "pause"), filepath.Join(dir, "pause.tar")
	source := filepath.Join(r.machine.Root, "hack", "cluster")
	if err := build.Executable(ctx, source, "./pause", executable); err != nil {
		return err
	}
	if err := image.WritePause(archive, executable); err != nil {
		return err
	}
	return r.load(ctx, archive)
}

func (r *runner) runtimeReady(ctx context.Context) error {
	_, err := r.ctr(ctx, "version")
	return err
}

// ctr runs containerd's client in the namespace of images and containers that the kubelet uses.
func (r *runner) ctr(ctx context.Context, args ...string) (string, error) {
	return command.Run(ctx, "ctr", append([]string{"--address", r.paths.ContainerdSocket(), "--namespace", "k8s.io"}, args...)...)
}

func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return command.LastLines(string(content), 10)
}
