package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	good := func() Facts {
		return Facts{OS: "linux", Root: true, Go: true, Apt: true, Free: map[string]uint64{"/cache": 20 << 30}}
	}
	for _, test := range []struct {
		name   string
		change func(*Facts)
		want   []string // words of each problem, in order
	}{
		{"a machine that can", func(*Facts) {}, nil},
		{"packages that apt can install", func(f *Facts) { f.Missing = []string{"runc"} }, nil},
		{"no Linux", func(f *Facts) { f.OS, f.Root = "darwin", false }, []string{"needs Linux"}},
		{"no root", func(f *Facts) { f.Root = false }, []string{"as root"}},
		{"no Go", func(f *Facts) { f.Go = false }, []string{"install Go"}},
		{"no apt", func(f *Facts) { f.Apt, f.Missing = false, []string{"runc", "ctr"} }, []string{"missing runc, ctr"}},
		{"little space", func(f *Facts) { f.Free["/cache"] = 3 << 30 }, []string{"/cache has 3.0 GiB free, 8 are needed"}},
		{"no control groups", func(f *Facts) { f.Cgroups = errors.New("read-only file system") }, []string{"read-only file system"}},
		{
			"all at once", func(f *Facts) { f.Root, f.Go, f.Cgroups = false, false, errors.New("permission denied") },
			[]string{"as root", "install Go"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			facts := good()
			test.change(&facts)
			got := facts.Problems()
			if len(got) != len(test.want) {
				t.Fatalf("problems are %q, want %q", got, test.want)
			}
			for i, words := range test.want {
				if !strings.Contains(got[i], words) {
					t.Errorf("problem is %q, want %q in it", got[i], words)
				}
			}
		})
	}
}

func TestFreeSpaceOfAFolderToBe(t *testing.T) {
	dir := t.TempDir()
	if got, want := freeSpace(filepath.Join(dir, "not", "yet", "there")), freeSpace(dir); got == 0 || want == 0 {
		t.Errorf("free space is %d, of the folder above %d", got, want)
	}
}

func TestMissingFoldersAreRecordedParentsFirst(t *testing.T) {
	dir := t.TempDir()
	want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "a", "b")}
	if diff := cmp.Diff(want, missing(filepath.Join(dir, "a", "b"))); diff != "" {
		t.Errorf("folders differ (-want +got):\n%s", diff)
	}
	if got := missing(dir); got != nil {
		t.Errorf("a folder that exists needs %v", got)
	}
}

func TestRestoreRemovesOnlyWhatIsEmptyAndOurs(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"ours/inner", "used/inner", "theirs"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "used", "inner", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(dir, "host.json")
	content := strings.ReplaceAll(`{"created":["D/ours","D/ours/inner","D/used","D/used/inner","D/gone"]}`, "D", dir)
	if err := os.WriteFile(record, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Restore(record); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"ours": false, "used/inner/file": true, "theirs": true, "host.json": false} {
		_, err := os.Stat(filepath.Join(dir, path))
		if got := err == nil; got != want {
			t.Errorf("%s is there: %v, want %v", path, got, want)
		}
	}
	if err := Restore(record); err != nil {
		t.Errorf("a second time: %v", err)
	}
}
