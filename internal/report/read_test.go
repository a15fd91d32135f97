package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/validation-operator/validation-operator/api/v1alpha1"
)

// fakeCluster is the folder of ConfigMaps that makes this program a kubectl, for as much of it as an index asks for.
const fakeCluster = "REPORT_FAKE_CLUSTER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fakeCluster); dir != "" {
		if err := fakeKubectl(dir, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func fakeKubectl(dir string, args []string) error {
	if len(args) != 7 || !slices.Equal(args[:4], []string{"-n", "validation", "get", "configmap"}) || args[5] != "-o" {
		return fmt.Errorf("not the expected arguments: %q", args)
	}
	text, err := os.ReadFile(filepath.Join(dir, args[4]))
	if err != nil {
		return err
	}
	var object any
	if err := json.Unmarshal(text, &object); err != nil {
		return err
	}
	path := jsonpath.New("out")
	if err := path.Parse(strings.TrimPrefix(args[6], "jsonpath=")); err != nil {
		return err
	}
	return path.Execute(os.Stdout, object)
}

// TestCommandsOfAnIndex runs the lines that an index gives in a shell.
func TestCommandsOfAnIndex(t *testing.T) {
	for name, limit := range map[string]int{"one ConfigMap": 50_000, "several": 5_000} {
		t.Run(name, func(t *testing.T) {
			parts, err := Pack(attemptOf(v1alpha1.VerdictFailed, noisy(50, 300, seed())), "r", Limits{PartBytes: limit})
			if err != nil {
				t.Fatal(err)
			}
			cluster, work := t.TempDir(), t.TempDir()
			for _, p := range parts {
				text, err := json.Marshal(map[string]any{"data": p.Data, "binaryData": p.BinaryData})
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(cluster, p.Name), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(self, filepath.Join(work, "kubectl")); err != nil {
				t.Fatal(err)
			}
			var index Index
			if err := yaml.UnmarshalStrict([]byte(parts[0].Data[IndexName]), &index); err != nil {
				t.Fatal(err)
			}
			for _, f := range index.Files {
				shell := exec.CommandContext(t.Context(), "sh", "-c", f.Command)
				shell.Dir = work
				shell.Env = append(os.Environ(), fakeCluster+"="+cluster, "PATH="+work+string(os.PathListSeparator)+os.Getenv("PATH"))
				if out, err := shell.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", f.Command, err, out)
				}
				got, err := os.ReadFile(filepath.Join(work, f.Name))
				if err != nil {
					t.Fatal(err)
				}
				want, err := ReadFile(parts, f.Name)
				if err != nil || !bytes.Equal(want, got) || digestOf(got) != f.SHA256 {
					t.Errorf("%s wrote %d bytes, want %d; %v", f.Command, len(got), len(want), err)
				}
			}
		})
	}
}

func TestReadFileRefuses(t *testing.T) {
	pack := func(limit int) []Part {
		parts, err := Pack(attemptOf(v1alpha1.VerdictFailed, noisy(50, 300, seed())), "r", Limits{PartBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		return parts
	}
	// edit changes a byte of each value.
	edit := func(p *Part) {
		p.BinaryData = maps.Clone(p.BinaryData)
		for key, data := range p.BinaryData {
			p.BinaryData[key] = append([]byte{data[0] ^ 1}, data[1:]...)
		}
		p.Data = maps.Clone(p.Data)
		for key, text := range p.Data {
			p.Data[key] = strings.ToUpper(text)
		}
	}
	for _, tc := range []struct {
		name   string
		limit  int
		change func([]Part) []Part
		want   string
	}{
		{"nothing", 1 << 20, func([]Part) []Part { return nil }, "no ConfigMap"},
		{"a plain file that was changed", 1 << 20, func(p []Part) []Part { edit(&p[0]); return p }, "r was changed"},
		{"another ConfigMap", 5_000, func(p []Part) []Part { return p[1:] }, "holds neither"},
		{"an index that was changed", 5_000, func(p []Part) []Part { edit(&p[0]); return p }, "r was changed"},
		{"a part that was changed", 5_000, func(p []Part) []Part { edit(&p[1]); return p }, "r-2 was changed"},
		{"a part that is missing", 5_000, func(p []Part) []Part { return slices.Delete(p, 1, 2) }, "r-2 is missing"},
		{"a key that is missing", 5_000, func(p []Part) []Part {
			p[1].BinaryData, p[1].SHA256 = nil, ""
			return p
		}, "r-2 has no key"},
		{"a changed part of unknown digest", 5_000, func(p []Part) []Part {
			edit(&p[1])
			p[1].SHA256 = ""
			return p
		}, "invalid header"},
		{"another file in its place", 50_000, func(p []Part) []Part {
			text, err := ReadFile(p, FileName)
			if err != nil {
				t.Fatal(err)
			}
			if p[0].BinaryData[wholeResult], err = compress(bytes.Replace(text, []byte("Failed"), []byte("Passed"), 1)); err != nil {
				t.Fatal(err)
			}
			return p
		}, "digest is not"},
		{"a compressed file and an index that were changed together", 50_000, func(p []Part) []Part {
			p[0].SHA256 = digestOf(nil)
			return p
		}, "digest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parts := pack(tc.limit)
			if _, err := ReadFile(parts, FileName); err != nil {
				t.Fatalf("before any change: %v", err)
			}
			if text, err := ReadFile(tc.change(parts), FileName); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %d bytes, %v; want an error with %q", len(text), err, tc.want)
			}
		})
	}
	if _, err := ReadFile(pack(50_000), "other"); err == nil || !strings.Contains(err.Error(), "is not in index.yaml") {
		t.Errorf("got %v for a file that there is not", err)
	}
}
