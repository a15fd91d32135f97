package build

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVersionIsReadFromTheModule(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "hack/kubernetes/go.mod"),
		"module x\nreplace k8s.io/kubernetes => k8s.io/kubernetes v9.9.9\nrequire (\n\tk8s.io/kubernetes v1.37.1\n\tother v1.0.0\n)\n")
	m, err := Kubernetes(root, "/cache")
	if err != nil {
		t.Fatal(err)
	}
	if m.Version != "v1.37.1" || m.Binary() != "/cache/kubernetes/v1.37.1/kubernetes" {
		t.Errorf("version %s, executable %s", m.Version, m.Binary())
	}
	for _, stamp := range []string{".gitVersion=v1.37.1", ".gitMajor=1", ".gitMinor=37"} {
		if !strings.Contains(m.LDFlags, stamp) {
			t.Errorf("flags %q lack %s", m.LDFlags, stamp)
		}
	}
	write(t, filepath.Join(root, "hack/etcd/go.mod"), "module x\n")
	if m, err := Etcd(root, "/cache"); err == nil {
		t.Errorf("a module that requires no etcd gave %+v", m)
	}
}

func TestFindRoot(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module "+ProjectModule+"\n")
	write(t, filepath.Join(root, "hack/cluster/go.mod"), "module "+ProjectModule+"/hack/cluster\n")
	got, err := FindRoot(filepath.Join(root, "hack/cluster"))
	if err != nil || got != root {
		t.Errorf("FindRoot = %q, %v, want %q", got, err, root)
	}
	if got, err := FindRoot(t.TempDir()); err == nil {
		t.Errorf("outside of the project FindRoot = %q", got)
	}
}

func TestExecutableIsUpToDateUntilItsSourceChanges(t *testing.T) {
	dir, cache := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.invalid/hello\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "go.sum"), "")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	m := Module{Name: "hello", Title: "hello", Dir: dir, Cache: filepath.Join(cache, "hello"), LDFlags: "-s -w"}
	expect := func(want bool, when string) {
		t.Helper()
		if got, err := UpToDate(m); err != nil || got != want {
			t.Errorf("%s: UpToDate = %v, %v, want %v", when, got, err, want)
		}
	}
	expect(false, "before the build")
	if err := Build(t.Context(), m, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	expect(true, "after the build")
	entries, err := os.ReadDir(m.Cache)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("the cache holds %v, want the executable and its stamp", entries)
	}
	write(t, filepath.Join(dir, "go.sum"), "\n")
	expect(false, "after a change of go.sum")
	write(t, filepath.Join(dir, "go.sum"), "")
	m.LDFlags = ""
	expect(false, "with other flags")
}

func TestFailedBuildSaysWhy(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.invalid/hello\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "go.sum"), "")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { undefinedName() }\n")
	err := Build(t.Context(), Module{Name: "hello", Title: "hello", Dir: dir, Cache: t.TempDir()}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("error is %v, want the compiler's words in it", err)
	}
}

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		counts counts
		want   string
	}{
		{counts{title: "K"}, "K: checking modules, 1m5s"},
		{counts{title: "K", downloads: 3}, "K: downloading modules, 3 so far, 1m5s"},
		{counts{title: "K", building: true, done: 7, todo: 20}, "K: 7 of about 20 packages compiled, 1m5s"},
		{counts{title: "K", building: true, done: 20, todo: 20}, "K: 20 packages compiled, linking, 1m5s"},
	} {
		if got := strings.TrimSpace(test.counts.line(65*time.Second + 400*time.Millisecond)); got != test.want {
			t.Errorf("line is %q, want %q", got, test.want)
		}
	}
}

func TestOnlyPackagesAreCounted(t *testing.T) {
	for line, want := range map[string]bool{
		"k8s.io/api/core/v1": true, "errors": true, "": false, "go: downloading k8s.io/api v0.37.1": false, "# k8s.io/api": false,
		"./main.go:3:2: undefined: x": false,
	} {
		if isPackage(line) != want {
			t.Errorf("isPackage(%q) = %v", line, !want)
		}
	}
}

func TestEnvtestStore(t *testing.T) {
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"XDG_DATA_HOME": "/data", "HOME": "/home/x"}, "/data/kubebuilder-envtest"},
		{map[string]string{"HOME": "/home/x"}, "/home/x/.local/share/kubebuilder-envtest"},
		{nil, ""},
	} {
		got, err := envtestStore(func(name string) string { return test.env[name] })
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("with %v: %q, %v, want %q", test.env, got, err, test.want)
		}
	}
}

func TestLinkAssetsLeavesDownloadedFilesAlone(t *testing.T) {
	data, cache := t.TempDir(), t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	kubernetes := Module{Name: "kubernetes", Version: "v1.37.1", Cache: "/built/kubernetes"}
	etcd := Module{Name: "etcd", Cache: "/built/etcd"}

	own, err := LinkAssets(kubernetes, etcd, cache)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(own, filepath.Join(data, "kubebuilder-envtest", "k8s", "1.37.1-")) {
		t.Errorf("folder is %s", own)
	}
	for name, want := range map[string]string{"etcd": "/built/etcd/etcd", "kubelet": "/built/kubernetes/kubernetes"} {
		if got, err := os.Readlink(filepath.Join(own, name)); err != nil || got != want {
			t.Errorf("%s leads to %q, %v, want %q", name, got, err, want)
		}
	}

	downloaded := filepath.Join(own, "kube-apiserver")
	if err := os.Remove(downloaded); err != nil {
		t.Fatal(err)
	}
	write(t, downloaded, "an executable")
	other, err := LinkAssets(kubernetes, etcd, cache)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(other, cache) {
		t.Errorf("folder is %s, want one in %s", other, cache)
	}
	if content, err := os.ReadFile(downloaded); err != nil || string(content) != "an executable" {
		t.Errorf("the downloaded file is %q now, %v", content, err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
