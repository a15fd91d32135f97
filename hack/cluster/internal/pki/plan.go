// Package pki makes the certificates of a cluster: its authorities, what its servers serve with, and who its clients are.
// It must not know files or processes other than those it writes.
package pki

import (
	"net"
)

// Names and groups that Kubernetes' authorizers know.
const (
	groupMasters = "system:masters"
	groupNodes   = "system:nodes"

	// KubeletClient is who the API server is when it calls the kubelet.
	KubeletClient = "kube-apiserver-kubelet-client"
	// FrontProxyClient is who the API server is when it calls an aggregated API.
	FrontProxyClient = "front-proxy-client"
)

// Authorities of a cluster. The front proxy has one of its own: whoever it signs may claim to be any user.
const (
	AuthorityCluster    = "ca"
	AuthorityFrontProxy = "front-proxy-ca"
	AuthorityEtcd       = "etcd-ca"
)

// Subject is what the certificates of a cluster say about it.
type Subject struct {
	Node      string
	NodeIP    net.IP
	ServiceIP net.IP // of the `kubernetes` service
	Domain    string // of the cluster's services
}

// Certificate is one certificate to make.
type Certificate struct {
	File       string // name without extension
	Authority  string
	CommonName string
	Groups     []string
	DNSNames   []string
	IPs        []net.IP // not empty, or DNSNames not empty: it is a server's
	Client     bool
}

// Plan lists the certificates of a cluster.
func Plan(s Subject) []Certificate {
	loopback := net.IPv4(127, 0, 0, 1)
	client := func(file, user string, groups ...string) Certificate {
		return Certificate{File: file, Authority: AuthorityCluster, CommonName: user, Groups: groups, Client: true}
	}
	return []Certificate{
		{
			File: "kube-apiserver", Authority: AuthorityCluster, CommonName: "kube-apiserver",
			DNSNames: []string{
				"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + s.Domain, "localhost", s.Node,
			},
			IPs: []net.IP{loopback, s.ServiceIP, s.NodeIP},
		},
		{
			File: "kubelet-server", Authority: AuthorityCluster, CommonName: "system:node:" + s.Node,
			DNSNames: []string{s.Node}, IPs: []net.IP{loopback, s.NodeIP},
		},
		{
			File: "etcd", Authority: AuthorityEtcd, CommonName: "etcd", DNSNames: []string{"localhost"}, IPs: []net.IP{loopback},
			Client: true,
		},
		{File: "etcd-client", Authority: AuthorityEtcd, CommonName: "kube-apiserver", Client: true},
		{File: "front-proxy-client", Authority: AuthorityFrontProxy, CommonName: FrontProxyClient, Client: true},
		client("kubelet-client", KubeletClient),
		client("admin", "kubernetes-admin", groupMasters),
		client("node", "system:node:"+s.Node, groupNodes),
		client("kube-controller-manager", "system:kube-controller-manager"),
		client("kube-scheduler", "system:kube-scheduler"),
		client("kube-proxy", "system:kube-proxy"),
	}
}
