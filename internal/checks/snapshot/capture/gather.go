package capture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// pageSize keeps each answer small in a large cluster.
const pageSize = 500

// Host is the node that a snapshot is taken on.
type Host struct {
	// Node is its name; empty if nobody has said it.
	Node string
	// Proc is /proc, and Root the node's own root folder, or nil where it is not mounted.
	Proc, Root fs.FS
}

// gathering is a snapshot on its way.
type gathering struct {
	finding.Finding
	client  kubernetes.Interface
	host    Host
	all     []Subtype
	missing []string
}

// Gather takes a snapshot. Of its parts the API server's version alone is required; what else may not be read is left out and named.
func Gather(ctx context.Context, client kubernetes.Interface, host Host) ([]Subtype, *finding.Finding) {
	g := &gathering{client: client, host: host}
	info, err := client.Discovery().ServerVersionWithContext(ctx)
	if err != nil {
		g.Refused("get /version", fmt.Errorf("asking the API server for its version: %w", err))
		return nil, &g.Finding
	}
	g.all = append(g.all, Server(info))
	g.images(ctx)
	g.node(ctx)
	g.kernel()
	if len(g.missing) > 0 {
		g.Measure("snapshot.missing", strings.Join(g.missing, ","))
	}
	return g.all, &g.Finding
}

// leaveOut names a part that there is no right or no means to read.
func (g *gathering) leaveOut(part, why string) {
	g.missing = append(g.missing, part)
	g.Note("%s is left out: %s", part, why)
}

// refused leaves a part out that the validator has no right to; any other error leaves the snapshot incomplete for a reason that may
// go away, and fails it.
func (g *gathering) refused(part, right string, err error) {
	if apierrors.IsForbidden(err) {
		g.leaveOut(part, err.Error())
		return
	}
	g.Refused(right, err)
}

func (g *gathering) images(ctx context.Context) {
	images := Images{}
	options := metav1.ListOptions{Limit: pageSize}
	for {
		page, err := g.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			g.refused("K8s.image", "list pods in the whole cluster", fmt.Errorf("listing pods: %w", err))
			return
		}
		for i := range page.Items {
			images.Add(&page.Items[i])
		}
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	g.all = append(g.all, images.Subtype())
}

// node reads what the API and the node's own files tell of the node.
func (g *gathering) node(ctx context.Context) {
	var node *corev1.Node
	if g.host.Node == "" {
		g.leaveOut("K8s.node", "the environment variable NODE_NAME is not set")
	} else {
		found, err := g.client.CoreV1().Nodes().Get(ctx, g.host.Node, metav1.GetOptions{})
		if err != nil {
			g.refused("K8s.node", "get nodes", fmt.Errorf("getting the node %s: %w", g.host.Node, err))
		} else {
			node = found
			g.all = append(g.all, Node(node))
			g.all = append(g.all, GPUs(node)...)
		}
	}
	g.release(node)
	if g.host.Root != nil {
		g.all = append(g.all, Services(g.host.Root)...)
	}
}

// release prefers the node's own file to what its kubelet makes of it.
func (g *gathering) release(node *corev1.Node) {
	if g.host.Root != nil {
		for _, name := range []string{"usr/lib/os-release", "etc/os-release"} {
			if text, err := readFile(g.host.Root, name); err == nil {
				g.all = append(g.all, Release(text))
				return
			}
		}
	}
	if node == nil {
		g.leaveOut("OS.release", "neither the node nor its files may be read")
		return
	}
	g.all = append(g.all, ReleaseOf(node.Status.NodeInfo.OSImage))
}

// kernel reads what a container sees of its node's kernel.
func (g *gathering) kernel() {
	sys, err := fs.Sub(g.host.Proc, "sys")
	settings, walked := Sysctl(sys)
	if err := errors.Join(err, walked); err != nil {
		g.leaveOut("OS.sysctl", err.Error())
	} else {
		g.all = append(g.all, settings)
	}
	for _, file := range []struct {
		name, part string
		read       func(string) Subtype
	}{{"cmdline", "OS.grub", Cmdline}, {"modules", "OS.kmod", Modules}} {
		text, err := readFile(g.host.Proc, file.name)
		if err != nil {
			g.leaveOut(file.part, err.Error())
			continue
		}
		g.all = append(g.all, file.read(text))
	}
}
