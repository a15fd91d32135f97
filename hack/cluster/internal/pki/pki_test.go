package pki

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var (
	testNow     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	testSubject = Subject{
		Node: "vo-test", NodeIP: net.IPv4(198, 18, 0, 2), ServiceIP: net.IPv4(10, 96, 0, 1), Domain: "cluster.local",
	}
)

func TestServersAreWhoTheirClientsCall(t *testing.T) {
	dir := written(t)
	for _, test := range []struct {
		certificate, authority string
		names                  []string
	}{
		{"kube-apiserver", AuthorityCluster, []string{"198.18.0.2", "10.96.0.1", "127.0.0.1", "kubernetes.default.svc", "localhost"}},
		{"kubelet-server", AuthorityCluster, []string{"198.18.0.2", "vo-test"}},
		{"etcd", AuthorityEtcd, []string{"127.0.0.1", "localhost"}},
	} {
		for _, name := range test.names {
			verify(t, dir, test.certificate, test.authority, x509.VerifyOptions{
				DNSName: name, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			}, true)
		}
		verify(t, dir, test.certificate, test.authority, x509.VerifyOptions{
			DNSName: "example.com", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}, false)
	}
}

func TestClients(t *testing.T) {
	dir := written(t)
	for _, test := range []struct {
		certificate, authority, user string
		groups                       []string
	}{
		{"admin", AuthorityCluster, "kubernetes-admin", []string{"system:masters"}},
		{"node", AuthorityCluster, "system:node:vo-test", []string{"system:nodes"}},
		{"kube-controller-manager", AuthorityCluster, "system:kube-controller-manager", nil},
		{"kube-scheduler", AuthorityCluster, "system:kube-scheduler", nil},
		{"kube-proxy", AuthorityCluster, "system:kube-proxy", nil},
		{"kubelet-client", AuthorityCluster, KubeletClient, nil},
		{"front-proxy-client", AuthorityFrontProxy, FrontProxyClient, nil},
		{"etcd-client", AuthorityEtcd, "kube-apiserver", nil},
	} {
		asClient := x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		c := verify(t, dir, test.certificate, test.authority, asClient, true)
		if c.Subject.CommonName != test.user || !slices.Equal(c.Subject.Organization, test.groups) {
			t.Errorf("%s is user %q of groups %q, want %q of %q",
				test.certificate, c.Subject.CommonName, c.Subject.Organization, test.user, test.groups)
		}
		// Whom one authority signs is nobody to those who trust another.
		for _, other := range []string{AuthorityCluster, AuthorityFrontProxy, AuthorityEtcd} {
			if other != test.authority {
				verify(t, dir, test.certificate, other, asClient, false)
			}
		}
	}
}

func TestServersThatAreNoClientsCannotLogIn(t *testing.T) {
	dir := written(t)
	for _, server := range []string{"kube-apiserver", "kubelet-server"} {
		verify(t, dir, server, AuthorityCluster, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, false)
	}
}

func TestKeysAreForTheirOwnerOnly(t *testing.T) {
	dir := written(t)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", file.Name(), info.Mode())
		}
	}
}

func written(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	if err := Write(dir, testSubject, testNow); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verify(t *testing.T, dir, certificate, authority string, options x509.VerifyOptions, want bool) *x509.Certificate {
	t.Helper()
	options.Roots = x509.NewCertPool()
	options.Roots.AddCert(read(t, dir, authority))
	options.CurrentTime = testNow
	c := read(t, dir, certificate)
	if _, err := c.Verify(options); (err == nil) != want {
		t.Errorf("%s, by %s, as %q: %v, want trusted = %v", certificate, authority, options.DNSName, err, want)
	}
	return c
}

func read(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name+".crt"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("%s.crt holds no PEM block", name)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
