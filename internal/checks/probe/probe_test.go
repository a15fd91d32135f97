package probe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadLeavesContentsInTheMessage(t *testing.T) {
	folder := t.TempDir()
	path, message := filepath.Join(folder, "a"), filepath.Join(folder, "message")
	if err := os.WriteFile(path, []byte("line\n\"quoted\""), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := read([]string{path}, message); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(message)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{path: "line\n\"quoted\""}, got); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

func TestExitCodes(t *testing.T) {
	if got := Run(None); got != 0 {
		t.Errorf("Run(%s) = %d, want 0", None, got)
	}
	if got := Run("nonsense"); got != 1 {
		t.Errorf("Run of an unknown probe = %d, want 1", got)
	}
	t.Setenv(PathsVariable, filepath.Join(t.TempDir(), "missing"))
	if got := Run(Read); got != 1 {
		t.Errorf("Run(%s) of a missing file = %d, want 1", Read, got)
	}
}
