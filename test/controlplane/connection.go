package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Connection is what a process needs to work with a control plane that another process may have started.
type Connection struct {
	// Config is that of a member of system:masters, without a client-side rate limit. Copy it before changing it.
	Config *rest.Config
	// AuditLogPath is the file that ReadAudit reads; empty without Options.AuditLog.
	AuditLogPath string

	kubelets *authority
}

// wireConnection is a Connection between processes.
type wireConnection struct {
	Host, AuditLogPath                 string
	ServerCA, Certificate, Key         []byte
	AuthorityCertificate, AuthorityKey []byte
}

// Marshal turns the connection into bytes for Connect, in this or another process of the same user and machine. They
// hold private keys.
func (c *Connection) Marshal() ([]byte, error) {
	certificate, key, err := c.kubelets.encode()
	if err != nil {
		return nil, err
	}
	return json.Marshal(wireConnection{
		Host:                 c.Config.Host,
		AuditLogPath:         c.AuditLogPath,
		ServerCA:             c.Config.CAData,
		Certificate:          c.Config.CertData,
		Key:                  c.Config.KeyData,
		AuthorityCertificate: certificate,
		AuthorityKey:         key,
	})
}

// Connect is the inverse of Connection.Marshal.
func Connect(data []byte) (*Connection, error) {
	var wire wireConnection
	if err := json.Unmarshal(data, &wire); err != nil {
		return nil, fmt.Errorf("reading a connection: %w", err)
	}
	kubelets, err := parseAuthority(wire.AuthorityCertificate, wire.AuthorityKey)
	if err != nil {
		return nil, err
	}
	return &Connection{
		Config: &rest.Config{
			Host:            wire.Host,
			QPS:             -1,
			TLSClientConfig: rest.TLSClientConfig{CAData: wire.ServerCA, CertData: wire.Certificate, KeyData: wire.Key},
		},
		AuditLogPath: wire.AuditLogPath,
		kubelets:     kubelets,
	}, nil
}

// UserConfig is the configuration of a client that acts as a user. It impersonates, so that nobody has to exist or be
// given credentials: what the user may do is decided by RBAC alone. The audit log names the user.
func (c *Connection) UserConfig(user string, groups ...string) *rest.Config {
	config := rest.CopyConfig(c.Config)
	if !slices.Contains(groups, "system:authenticated") {
		groups = append(slices.Clone(groups), "system:authenticated")
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	return config
}

// ServiceAccountConfig is the configuration of a client that acts as a ServiceAccount, which need not exist.
func (c *Connection) ServiceAccountConfig(namespace, name string) *rest.Config {
	return c.UserConfig("system:serviceaccount:"+namespace+":"+name, "system:serviceaccounts", "system:serviceaccounts:"+namespace)
}

// CreateNamespace creates a namespace and returns once pods can be created in it: the Job controller backs off for ten
// seconds from a namespace whose default ServiceAccount is not there yet. A name that ends in a dash is a prefix.
func (c *Connection) CreateNamespace(ctx context.Context, name string, labels map[string]string) (string, error) {
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return "", fmt.Errorf("making a client: %w", err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if name != "" && name[len(name)-1] == '-' {
		namespace.Name, namespace.GenerateName = "", name
	}
	namespace, err = client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("creating namespace %s: %w", name, err)
	}
	for ctx.Err() == nil {
		// A watch without a resource version begins with what is there; it may end early if the API server is busy.
		watcher, err := client.CoreV1().ServiceAccounts(namespace.Name).Watch(ctx, metav1.ListOptions{
			FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, "default").String(),
		})
		if err != nil {
			return "", fmt.Errorf("watching for the default ServiceAccount of %s: %w", namespace.Name, err)
		}
		for event := range watcher.ResultChan() {
			if event.Type == watch.Added {
				watcher.Stop()
				return namespace.Name, nil
			}
		}
	}
	return "", fmt.Errorf("waiting for the default ServiceAccount of %s: %w", namespace.Name, ctx.Err())
}

// KubeletTLS is the configuration of a kubelet's server that the API server trusts, and that trusts nobody else.
func (c *Connection) KubeletTLS(node string) (*tls.Config, error) {
	certificate, key, err := c.kubelets.kubeletServing(node)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the serving certificate of %s: %w", node, err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(c.kubelets.certificate)
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	}, nil
}
