package node

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// The folder's name would break an unquoted value in every format.
func testNode() Node {
	return Node{
		Name: "vo-test", IP: netip.MustParseAddr("198.18.0.2"), Dir: `/cache/a: "b" #c`, Data: "/var/lib/x", Run: "/run/vo-test",
		Socket: "/run/vo-test/containerd.sock", Assets: "/assets", Containerd: "containerd", CNIPlugins: "/usr/lib/cni",
		PauseImage: "example.invalid/pause:1", Snapshots: "overlayfs",
	}
}

func TestFilesAreWellFormed(t *testing.T) {
	files, err := testNode().Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		switch filepath.Ext(name) {
		case ".yaml", ".kubeconfig":
			var into map[string]any
			if err := yaml.UnmarshalStrict(content, &into); err != nil {
				t.Errorf("%s: %v\n%s", name, err, content)
			}
		case ".conflist":
			if !json.Valid(content) {
				t.Errorf("%s is no JSON:\n%s", name, content)
			}
		}
	}
}

func TestEveryFileThatServersAreGivenIsRendered(t *testing.T) {
	n := testNode()
	files, err := n.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, server := range n.Servers() {
		for _, argument := range server.Argv {
			_, path, _ := strings.Cut(argument, "=")
			if argument == n.Config("containerd.toml") {
				path = argument
			}
			file, ok := strings.CutPrefix(path, filepath.Join(n.Dir, "config")+"/")
			if _, rendered := files[file]; ok && !rendered {
				t.Errorf("%s is given %s, which is not rendered", name, file)
			}
		}
	}
}

func TestServersAreAllStarted(t *testing.T) {
	var names []string
	for name, server := range testNode().Servers() {
		names = append(names, name)
		if filepath.Base(server.Argv[0]) != name {
			t.Errorf("server %s runs %s", name, server.Argv[0])
		}
	}
	want := slices.Sorted(slices.Values(Order))
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("servers differ from the order of starting (-order +servers):\n%s", diff)
	}
}

func TestKubeletTrustsOnlyCertificatesAndTheAPIServersWord(t *testing.T) {
	files, err := testNode().Files()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Address        string
		Authentication struct {
			Anonymous, Webhook struct{ Enabled bool }
			X509               struct{ ClientCAFile string }
		}
		Authorization struct{ Mode string }
		CgroupRoot    string
	}
	if err := yaml.Unmarshal(files["kubelet.yaml"], &config); err != nil {
		t.Fatal(err)
	}
	if config.Authentication.Anonymous.Enabled || !config.Authentication.Webhook.Enabled || config.Authorization.Mode != "Webhook" {
		t.Errorf("the kubelet lets in whom it should not: %+v", config)
	}
	if config.Authentication.X509.ClientCAFile != testNode().PKI("ca.crt") {
		t.Errorf("clients' authority is %q", config.Authentication.X509.ClientCAFile)
	}
	if config.Address != "198.18.0.2" {
		t.Errorf("the kubelet listens on %q", config.Address)
	}
	if config.CgroupRoot != "/vo-test" {
		t.Errorf("pods are in control group %q, which taking the cluster down would not find", config.CgroupRoot)
	}
}

func TestNothingListensOnEveryAddress(t *testing.T) {
	n := testNode()
	files, err := n.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if strings.Contains(string(content), "0.0.0.0") {
			t.Errorf("%s:\n%s", name, content)
		}
	}
	for name, server := range n.Servers() {
		if strings.Contains(strings.Join(server.Argv, " "), "0.0.0.0") {
			t.Errorf("%s: %v", name, server.Argv)
		}
	}
}

func TestKubeconfig(t *testing.T) {
	content, err := Kubeconfig{
		Cluster: "vo-test", Server: "https://198.18.0.2:6443", Authority: []byte("authority"), Certificate: []byte("certificate"),
		Key: []byte("key"),
	}.Render()
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		CurrentContext string `json:"current-context"`
		Clusters       []struct {
			Cluster struct {
				Server    string
				Authority []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			}
		}
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	if config.CurrentContext != "vo-test" || config.Clusters[0].Cluster.Server != "https://198.18.0.2:6443" {
		t.Errorf("kubeconfig is\n%s", content)
	}
	if string(config.Clusters[0].Cluster.Authority) != "authority" || string(config.Users[0].User.Certificate) != "certificate" ||
		string(config.Users[0].User.Key) != "key" {
		t.Errorf("kubeconfig is\n%s", content)
	}
}

func TestKubernetesServiceIsInTheRange(t *testing.T) {
	if got := KubernetesService().String(); got != "10.96.0.1" {
		t.Errorf("kubernetes service is %s", got)
	}
}
