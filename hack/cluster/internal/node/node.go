// Package node says how the servers of a single-node cluster are configured and started. It is pure: it renders text and command
// lines, and must not touch files, processes or the network.
package node

import (
	"bytes"
	"embed"
	"fmt"
	"net/netip"
	"path/filepath"
	"text/template"
)

// Node is everything that the configuration of a cluster depends on.
type Node struct {
	Name       string
	IP         netip.Addr // the cluster's end of the link to the host
	Dir        string     // of certificates, configuration and logs
	Data       string     // of containerd and etcd
	Run        string     // of sockets and other run-time state
	Socket     string     // containerd's
	Assets     string     // of Kubernetes' and etcd's executables
	Containerd string     // executable
	CNIPlugins string     // folder
	PauseImage string
	Snapshots  string // containerd's snapshotter
}

// The networks behind a node. No host address is among them, so every cluster can use the same.
var (
	Pods     = netip.MustParsePrefix("10.244.0.0/24")
	Services = netip.MustParsePrefix("10.96.0.0/16")
)

// Domain is that of the cluster's services.
const Domain = "cluster.local"

// SecurePort is the API server's.
const SecurePort = 6443

// KubernetesService is the address of the `kubernetes` service, by convention the first of the range.
func KubernetesService() netip.Addr { return Services.Addr().Next() }

// URL is the API server's address.
func (n Node) URL() string { return fmt.Sprintf("https://%s", netip.AddrPortFrom(n.IP, SecurePort)) }

// PKI is the path of a certificate or key.
func (n Node) PKI(file string) string { return filepath.Join(n.Dir, "pki", file) }

// Config is the path of a configuration file.
func (n Node) Config(file string) string { return filepath.Join(n.Dir, "config", file) }

// AuditLog is the path of the API server's audit log.
func (n Node) AuditLog() string { return filepath.Join(n.Dir, "logs", "audit.log") }

//go:embed templates
var templates embed.FS

// Files renders the configuration files: names in the config folder, and contents.
func (n Node) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{
		"containerd.toml", "cni/10-bridge.conflist", "kubelet.yaml", "kube-proxy.yaml", "audit-policy.yaml", "resolv.conf",
	} {
		content, err := render(filepath.Base(name), n)
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	for user, certificate := range map[string]string{
		"kubelet": "node", "kube-proxy": "kube-proxy", "kube-controller-manager": "kube-controller-manager",
		"kube-scheduler": "kube-scheduler",
	} {
		content, err := render("component.kubeconfig", struct {
			Node
			Certificate string
		}{n, certificate})
		if err != nil {
			return nil, err
		}
		files[user+".kubeconfig"] = content
	}
	return files, nil
}

// Kubeconfig is the administrator's: it holds the certificates themselves, so that it can be copied.
type Kubeconfig struct {
	Cluster, Server             string
	Authority, Certificate, Key []byte // PEM
}

// Render returns the kubeconfig as YAML.
func (k Kubeconfig) Render() ([]byte, error) { return render("admin.kubeconfig", k) }

func render(name string, data any) ([]byte, error) {
	t, err := template.New(name).Funcs(functions).ParseFS(templates, "templates/"+name+".tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name+".tmpl", data); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}
