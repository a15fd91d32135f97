package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteIsWhatReadFinds(t *testing.T) {
	path, message := filepath.Join(t.TempDir(), "proof"), filepath.Join(t.TempDir(), "message")
	t.Setenv(PathsVariable, path)
	t.Setenv(TextVariable, "a text")
	if code := Run(Write); code != 0 {
		t.Fatalf("exit code = %d, want 0", code)
	}
	if err := read([]string{path}, message); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Clean(message)); err != nil || !strings.Contains(string(got), `"a text"`) {
		t.Errorf("read %q, %v, want the text that was written", got, err)
	}
}

func TestWriteFailsWithoutAPlace(t *testing.T) {
	t.Setenv(PathsVariable, filepath.Join(t.TempDir(), "missing", "proof"))
	if code := Run(Write); code != 1 {
		t.Errorf("exit code = %d, want 1", code)
	}
}
