package node

import (
	"fmt"
	"path/filepath"
)

// Server is one of the processes that make up a cluster.
type Server struct {
	Name string
	Argv []string
}

// Names of the servers, in the order in which they start; they end in the opposite order.
const (
	Etcd              = "etcd"
	Containerd        = "containerd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Proxy             = "kube-proxy"
	Kubelet           = "kubelet"
)

// Order is the order of starting: what a server needs stands before it.
var Order = []string{Etcd, Containerd, APIServer, ControllerManager, Scheduler, Proxy, Kubelet}

// Servers returns the command lines of all servers by name.
func (n Node) Servers() map[string]Server {
	servers := map[string]Server{}
	for _, s := range []Server{
		n.etcd(), n.containerd(), n.apiServer(), n.controllerManager(), n.scheduler(), n.proxy(), n.kubelet(),
	} {
		servers[s.Name] = s
	}
	return servers
}

const (
	etcdURL     = "https://127.0.0.1:2379"
	etcdPeerURL = "https://127.0.0.1:2380"
)

func (n Node) etcd() Server {
	return n.server(Etcd,
		"--name="+n.Name,
		"--data-dir="+filepath.Join(n.Data, "etcd"),
		"--listen-client-urls="+etcdURL,
		"--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+etcdPeerURL,
		"--initial-advertise-peer-urls="+etcdPeerURL,
		"--initial-cluster="+n.Name+"="+etcdPeerURL,
		"--peer-cert-file="+n.PKI("etcd.crt"),
		"--peer-key-file="+n.PKI("etcd.key"),
		"--peer-trusted-ca-file="+n.PKI("etcd-ca.crt"),
		"--peer-client-cert-auth=true",
		"--cert-file="+n.PKI("etcd.crt"),
		"--key-file="+n.PKI("etcd.key"),
		"--trusted-ca-file="+n.PKI("etcd-ca.crt"),
		"--client-cert-auth=true",
		// The data need not outlive the machine's next crash.
		"--unsafe-no-fsync=true",
		"--log-level=warn",
	)
}

func (n Node) containerd() Server {
	return Server{Name: Containerd, Argv: []string{n.Containerd, "--config", n.Config("containerd.toml")}}
}

func (n Node) apiServer() Server {
	return n.server(APIServer,
		"--advertise-address="+n.IP.String(),
		"--bind-address="+n.IP.String(),
		fmt.Sprintf("--secure-port=%d", SecurePort),
		"--tls-cert-file="+n.PKI("kube-apiserver.crt"),
		"--tls-private-key-file="+n.PKI("kube-apiserver.key"),
		"--client-ca-file="+n.PKI("ca.crt"),
		"--etcd-servers="+etcdURL,
		"--etcd-cafile="+n.PKI("etcd-ca.crt"),
		"--etcd-certfile="+n.PKI("etcd-client.crt"),
		"--etcd-keyfile="+n.PKI("etcd-client.key"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--service-cluster-ip-range="+Services.String(),
		"--service-account-issuer=https://kubernetes.default.svc."+Domain,
		"--service-account-key-file="+n.PKI("service-account.pub"),
		"--service-account-signing-key-file="+n.PKI("service-account.key"),
		"--kubelet-certificate-authority="+n.PKI("ca.crt"),
		"--kubelet-client-certificate="+n.PKI("kubelet-client.crt"),
		"--kubelet-client-key="+n.PKI("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--proxy-client-cert-file="+n.PKI("front-proxy-client.crt"),
		"--proxy-client-key-file="+n.PKI("front-proxy-client.key"),
		"--requestheader-client-ca-file="+n.PKI("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--audit-policy-file="+n.Config("audit-policy.yaml"),
		"--audit-log-path="+n.AuditLog(),
		"--profiling=false",
	)
}

func (n Node) controllerManager() Server {
	kubeconfig := n.Config("kube-controller-manager.kubeconfig")
	return n.server(ControllerManager,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+n.PKI("service-account.key"),
		"--root-ca-file="+n.PKI("ca.crt"),
		// Every controller creates a ServiceAccount and a token at its start; at the default rate that takes five seconds.
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		// A new node is let in at the next look at nodes.
		"--node-monitor-period=1s",
		"--flex-volume-plugin-dir="+filepath.Join(n.Data, "volume-plugins"),
		"--requestheader-client-ca-file="+n.PKI("front-proxy-ca.crt"),
		"--profiling=false",
	)
}

func (n Node) scheduler() Server {
	kubeconfig := n.Config("kube-scheduler.kubeconfig")
	return n.server(Scheduler,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--bind-address=127.0.0.1",
		"--leader-elect=false",
		"--profiling=false",
	)
}

func (n Node) proxy() Server {
	return n.server(Proxy, "--config="+n.Config("kube-proxy.yaml"))
}

func (n Node) kubelet() Server {
	return n.server(Kubelet,
		"--config="+n.Config("kubelet.yaml"),
		"--kubeconfig="+n.Config("kubelet.kubeconfig"),
		"--hostname-override="+n.Name,
		"--node-ip="+n.IP.String(),
	)
}

func (n Node) server(name string, args ...string) Server {
	return Server{Name: name, Argv: append([]string{filepath.Join(n.Assets, name)}, args...)}
}
