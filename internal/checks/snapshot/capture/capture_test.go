package capture

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/internal/checks/finding"
)

// decode reads lines as whoever takes the artifacts does, and merges them.
func decode(t *testing.T, lines []string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, line := range lines {
		if len(line) > 12<<10 {
			t.Errorf("a line has %d bytes, want at most 12 KiB", len(line))
		}
		encoded, found := strings.CutPrefix(line, "ARTIFACT:")
		data, err := base64.StdEncoding.DecodeString(encoded)
		if !found || err != nil {
			t.Fatalf("%q is no artifact: %v", line, err)
		}
		var artifact struct{ Label, Data string }
		if err := json.Unmarshal(data, &artifact); err != nil || artifact.Label != "snapshot" {
			t.Fatalf("%q is no snapshot: %v", data, err)
		}
		var measurement struct {
			Type     string
			Subtypes []struct {
				Subtype string
				Data    map[string]any
			}
		}
		if err := yaml.Unmarshal([]byte(artifact.Data), &measurement); err != nil || len(measurement.Subtypes) != 1 {
			t.Fatalf("%s is no measurement of one subtype: %v", artifact.Data, err)
		}
		name := measurement.Type + "." + measurement.Subtypes[0].Subtype
		if all[name] == nil {
			all[name] = map[string]string{}
		}
		for key, value := range measurement.Subtypes[0].Data {
			text, isText := value.(string)
			if _, twice := all[name][key]; twice || !isText || len(text) > maxText || len(key) > maxText {
				t.Errorf("%s.%s is %T %v (twice: %t), want a short string, once", name, key, value, value, twice)
			}
			all[name][key] = text
		}
	}
	return all
}

func TestLines(t *testing.T) {
	large := map[string]string{}
	for i := range 2000 {
		large[fmt.Sprintf("/proc/sys/kernel/%04d", i)] = strings.Repeat("x", i%300)
	}
	tricky := map[string]string{
		"number": "24.04", "bool": "yes", "null": "null", "quoted": `"a": 'b' # c`, "lines": "a\nb\tc\x00\x1b[31m", "empty": "",
		"long": strings.Repeat("ä", 300), "broken": "a\xffb", "\x00": "without a key", strings.Repeat("k", 500): "v",
	}
	subtypes := []Subtype{
		newSubtype("OS", "sysctl", large), newSubtype("OS", "release", tricky), newSubtype("K8s", "server", map[string]string{"version": "v1"}),
		newSubtype("OS", "kmod", nil),
	}
	lines, err := Lines(subtypes)
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, lines)
	want := map[string]map[string]string{}
	for _, s := range subtypes[:3] {
		want[s.Type+"."+s.Name] = s.Data
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	release := got["OS.release"]
	if len(release) != len(tricky)-1 || release["lines"] != "a b c [31m" || release["broken"] != "a b" || release["number"] != "24.04" {
		t.Errorf("release = %q", release)
	}
	again, err := Lines([]Subtype{subtypes[2], subtypes[1], subtypes[0]})
	if err != nil || !cmp.Equal(lines, again) {
		t.Errorf("in another order other lines come of it: %v", err)
	}
}

func TestSysctl(t *testing.T) {
	unreadable := &fstest.MapFile{Mode: 0o200, Data: []byte("x")}
	got, err := Sysctl(denying{fstest.MapFS{
		"kernel/osrelease": {Data: []byte("6.8.0-1028-aws\n")}, "vm/min_free_kbytes": {Data: []byte("  1\t2\n")},
		"kernel/yama/ptrace_scope": {Data: []byte("1")}, "vm/drop_caches": unreadable,
		"kernel/hostname": {Data: []byte("pod")}, "kernel/shmmax": {Data: []byte("1")}, "net/ipv4/ip_forward": {Data: []byte("1")},
		"kernel/random/uuid": {Data: []byte("u")}, "fs/file-nr": {Data: []byte("1")}, "fs/file-max": {Data: []byte("9")},
		"network": {Data: []byte("no part of net")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"/proc/sys/kernel/osrelease": "6.8.0-1028-aws", "/proc/sys/vm/min_free_kbytes": "1 2",
		"/proc/sys/kernel/yama/ptrace_scope": "1", "/proc/sys/fs/file-max": "9", "/proc/sys/network": "no part of net",
	}
	if diff := cmp.Diff(want, got.Data); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if _, err := Sysctl(fstest.MapFS{}); err != nil {
		t.Errorf("nothing to read: %v", err)
	}
}

func TestSystem(t *testing.T) {
	tests := map[string]struct {
		got  Subtype
		want map[string]string
	}{
		"cmdline": {Cmdline("BOOT_IMAGE=/vmlinuz quiet console=tty0 console=ttyS0 intel_iommu=on db_password=x -- --addr 0.0.0.0\n"), map[string]string{
			"BOOT_IMAGE": "/vmlinuz", "quiet": "", "console": "tty0,ttyS0", "intel_iommu": "on"}},
		"modules": {Modules("nvidia 56807424 4 nvidia_uvm, Live 0x0\nbr_netfilter 32768 0 - Live 0x0\n"), map[string]string{
			"nvidia": "true", "br_netfilter": "true"}},
		"release": {Release("# c\nID=ubuntu\nVERSION_ID=\"24.04\"\nPRETTY_NAME='Ubuntu 24.04'\nEMPTY=\nnonsense\n"), map[string]string{
			"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got.Data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReleaseOf(t *testing.T) {
	tests := []struct{ image, id, version string }{
		{"Ubuntu 24.04.1 LTS", "ubuntu", "24.04"},
		{"Debian GNU/Linux 13 (trixie)", "debian", "13"},
		{"Amazon Linux 2023.6.20250107", "amzn", "2023.6.20250107"},
		{"Bottlerocket OS 1.30.0 (aws-k8s-1.31)", "bottlerocket", "1.30.0"},
		{"Container-Optimized OS from Google", "cos", ""},
		{"Red Hat Enterprise Linux CoreOS 9.6.20250701-0", "rhcos", "9.6.20250701-0"},
		{"Red Hat Enterprise Linux 9.4 (Plow)", "rhel", "9.4"},
		{"Talos (v1.9.1)", "talos", "1.9.1"},
		{"Something new", "", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		want := given(map[string]string{"PRETTY_NAME": tt.image, "ID": tt.id, "VERSION_ID": tt.version})
		if diff := cmp.Diff(want, ReleaseOf(tt.image).Data); diff != "" {
			t.Errorf("release of %q (-want +got):\n%s", tt.image, diff)
		}
	}
}

func TestServices(t *testing.T) {
	got := Services(fstest.MapFS{
		"usr/lib/systemd/system/kubelet.service": {Data: []byte("[Unit]\nDescription=k\n[Service]\n# c\nExecStart=/usr/bin/kubelet \\\n  --v=2\n" +
			"Environment=TOKEN=x\nLimitNOFILE=1\nLimitNOFILE=infinity\n")},
	})
	want := []Subtype{{"SystemD", "kubelet.service", map[string]string{"Description": "k", "ExecStart": "/usr/bin/kubelet --v=2",
		"LimitNOFILE": "infinity", "FragmentPath": "/usr/lib/systemd/system/kubelet.service", "LoadState": "loaded"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

func TestImages(t *testing.T) {
	images := Images{}
	for _, image := range []string{"nginx", "nginx:1.27", "registry:5000/team/nginx:1.26", "nginx:1.27", "a/b@sha256:0123", "c:v1@sha256:0123"} {
		images.Add(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}})
	}
	want := map[string]string{"nginx": "1.26,1.27,latest", "b": "sha256:0123", "c": "v1"}
	if diff := cmp.Diff(want, images.Subtype().Data); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

func TestProvider(t *testing.T) {
	tests := map[string]string{
		"aws:///us-west-2a/i-0": "eks", "gce://p/z/n": "gke", "azure:///subscriptions/x": "aks", "ocid1.instance.oc1": "oke",
		"Kind://docker/kind": "kind", "": "", "nonsense": "",
	}
	for id, want := range tests {
		if got := provider(id); got != want {
			t.Errorf("provider(%s) = %q, want %q", id, got, want)
		}
	}
}

// denying is a file system that keeps to the modes of its files, as /proc does for one who is not root.
type denying struct{ fstest.MapFS }

func (d denying) Open(name string) (fs.File, error) {
	if f, found := d.MapFS[name]; found && f.Mode == 0o200 {
		return nil, errors.New("permission denied")
	}
	return d.MapFS.Open(name)
}

func newNode() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "gpu-1", Labels: map[string]string{
			"nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "8", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
			"nvidia.com/cuda.driver.major": "580", "nvidia.com/cuda.driver.minor": "82", "nvidia.com/cuda.driver.rev": "07",
			"nvidia.com/cuda.runtime-version.full": "13.0"}},
		Spec: corev1.NodeSpec{ProviderID: "aws:///us-west-2a/i-0"},
		Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{
			KubeletVersion: "v1.33.1", KernelVersion: "6.8.0-1028-aws", OSImage: "Ubuntu 24.04.1 LTS", OperatingSystem: "linux",
			ContainerRuntimeVersion: "containerd://1.7.27"}},
	}
}

func newHost() Host {
	return Host{Node: "gpu-1", Proc: fstest.MapFS{
		"sys/kernel/osrelease": {Data: []byte("6.8.0-1028-aws")}, "cmdline": {Data: []byte("quiet")}, "modules": {Data: []byte("nvidia 1")}}}
}

func TestGather(t *testing.T) {
	client := fake.NewClientset(newNode(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "elsewhere"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: "nginx:1.27"}}}})
	client.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &version.Info{
		GitVersion: "v1.37.1", Platform: "linux/amd64", GoVersion: "go1.26.8"}
	all, f := Gather(t.Context(), client, newHost())
	if !f.Passed() || len(f.Measured) > 0 {
		t.Errorf("found %+v, want a pass with nothing missing", f)
	}
	lines, err := Lines(all)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"K8s.server": {"version": "v1.37.1", "platform": "linux/amd64", "goVersion": "go1.26.8"},
		"K8s.image":  {"nginx": "1.27"},
		"K8s.node": {"source-node": "gpu-1", "provider": "eks", "provider-id": "aws:///us-west-2a/i-0", "kubelet-version": "v1.33.1",
			"kernel-version": "6.8.0-1028-aws", "os-image": "Ubuntu 24.04.1 LTS", "operating-system": "linux",
			"container-runtime-id": "containerd://1.7.27", "container-runtime-name": "containerd", "container-runtime-version": "1.7.27"},
		"GPU.hardware": {"gpu-present": "true", "gpu-count": "8", "model": "NVIDIA-H100-80GB-HBM3", "driver-loaded": "true",
			"detection-source": "node-labels"},
		"GPU.smi":    {"gpu-count": "8", "driver": "580.82.07", "cuda-version": "13.0", "gpu.model": "NVIDIA-H100-80GB-HBM3"},
		"OS.release": {"ID": "ubuntu", "VERSION_ID": "24.04", "PRETTY_NAME": "Ubuntu 24.04.1 LTS"},
		"OS.sysctl":  {"/proc/sys/kernel/osrelease": "6.8.0-1028-aws"},
		"OS.grub":    {"quiet": ""},
		"OS.kmod":    {"nvidia": "true"},
	}
	if diff := cmp.Diff(want, decode(t, lines)); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

func TestGatherWithLess(t *testing.T) {
	forbidden := func(resource string) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no rule"))
	}
	tests := map[string]struct {
		refuse  map[string]error
		host    func(*Host)
		missing string
		skip    finding.Skip
		fails   bool
		with    []string
	}{
		"no right to get nodes": {refuse: map[string]error{"nodes": forbidden("nodes")}, missing: "K8s.node,OS.release"},
		"no right to get nodes, and the node's files": {refuse: map[string]error{"nodes": forbidden("nodes")}, missing: "K8s.node",
			host: func(h *Host) { h.Root = fstest.MapFS{"etc/os-release": {Data: []byte("ID=talos")}} }, with: []string{"OS.release"}},
		"no right to list pods":          {refuse: map[string]error{"pods": forbidden("pods")}, missing: "K8s.image"},
		"no name of the node":            {host: func(h *Host) { h.Node = "" }, missing: "K8s.node,OS.release"},
		"no /proc":                       {host: func(h *Host) { h.Proc = fstest.MapFS{} }, missing: "OS.sysctl,OS.grub,OS.kmod"},
		"no right to ask for a version":  {refuse: map[string]error{"version": forbidden("version")}, skip: finding.CouldNotRun},
		"an API server that breaks down": {refuse: map[string]error{"pods": errors.New("timeout")}, fails: true},
		"a node that is not there":       {host: func(h *Host) { h.Node = "gone" }, fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(newNode())
			for resource, err := range tt.refuse {
				client.PrependReactor("*", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
			}
			host := newHost()
			if tt.host != nil {
				tt.host(&host)
			}
			all, f := Gather(t.Context(), client, host)
			if f.Failed() != tt.fails || f.Skip != tt.skip {
				t.Fatalf("failed = %t, skip = %q: %+v", f.Failed(), f.Skip, f)
			}
			missing := ""
			for _, m := range f.Measured {
				missing = m.Value
			}
			if !tt.fails && missing != tt.missing {
				t.Errorf("missing = %q, want %q", missing, tt.missing)
			}
			names := map[string]bool{}
			for _, s := range all {
				names[s.Type+"."+s.Name] = true
			}
			if tt.skip == "" && !names["K8s.server"] {
				t.Error("the server is missing")
			}
			for _, want := range tt.with {
				if !names[want] {
					t.Errorf("%s is missing from %v", want, maps.Keys(names))
				}
			}
		})
	}
}

func TestAllocatableAsConstraintsCompareIt(t *testing.T) {
	node := &corev1.Node{Status: corev1.NodeStatus{Allocatable: corev1.ResourceList{
		"cpu": resource.MustParse("7910m"), "memory": resource.MustParse("32386444Ki"), "pods": resource.MustParse("110"),
	}}}
	data := Node(node).Data
	for key, want := range map[string]string{"allocatable.cpu": "7.91", "allocatable.memory": "32386444Ki", "allocatable.pods": "110"} {
		if data[key] != want {
			t.Errorf("%s = %q, want %q", key, data[key], want)
		}
	}
}
