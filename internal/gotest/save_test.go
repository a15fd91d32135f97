package gotest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// restart saves a stream and goes on with what was saved.
func restart(t testing.TB, s *Stream) *Stream {
	t.Helper()
	data, err := s.Save(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(DefaultLimits(), data)
	if err != nil {
		t.Fatal(err)
	}
	return restored
}

// wholeBytes compares the data of artifacts as a whole: element by element takes seconds.
var wholeBytes = cmp.Comparer(bytes.Equal)

// Wherever a stream is saved and restored, it comes to what it comes to undisturbed.
func TestSaveAtEveryPlace(t *testing.T) {
	for name, text := range savedTexts(t) {
		t.Run(name, func(t *testing.T) {
			whole := NewStream(DefaultLimits())
			_, _ = whole.Write([]byte(text))
			_ = whole.Close()
			want := whole.Result()
			for _, at := range places(len(text)) {
				s := NewStream(DefaultLimits())
				_, _ = s.Write([]byte(text[:at]))
				before := s.Result()
				s = restart(t, s)
				if diff := cmp.Diff(before, s.Result(), wholeBytes); diff != "" {
					t.Fatalf("restored at %d it differs (-saved +restored):\n%s", at, diff)
				}
				_, _ = s.Write([]byte(text[at:]))
				_ = s.Close()
				if diff := cmp.Diff(want, s.Result(), wholeBytes); diff != "" {
					t.Fatalf("restored at %d it ends otherwise (-undisturbed +restored):\n%s", at, diff)
				}
				if got, want := s.Progress(), whole.Progress(); got != want {
					t.Fatalf("restored at %d its progress is %+v, want %+v", at, got, want)
				}
			}
		})
	}
}

// places are some hundred places of a text, the first and the last among them.
func places(length int) (out []int) {
	for at := 0; at <= length; at += max(length/97, 1) {
		out = append(out, at)
	}
	return append(out, length)
}

func savedTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{
		"a long line": "\x16=== RUN   TestA\n" + strings.Repeat("x", 3<<20) + "\n\x16--- PASS: TestA (0.00s)\n\x16PASS\n",
		"what a test says": "\x16=== RUN   TestA\n\x16=== ATTR  TestA constraint/c {\"passed\":false,\"actual\":\"1\"}\n" +
			"\x16=== ATTR  TestA remediation Mend it.\n" + artifactLine("small", `"x"`) + "\n" +
			artifactLine("large", `"`+strings.Repeat("z", 20_000)+`"`) +
			"\n    a_test.go:1: could not run: it\n\x16--- SKIP: TestA (0.00s)\n\x16PASS\n" +
			"\x16=== RUN   TestB\nCONSTRAINT_RESULT: name=c passed=true\n" + artifactLine("open", `"x"`),
		"events of a line": "{\"Action\":\"run\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestA\",\"Output\":\"ARTIFACT:eyJsYW\"}\n" +
			"{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestA\",\"Output\":\"JlbCI6ImEiLCJkYXRhIjoieCJ9\\n\"}\n",
		"attributes": "\x16=== RUN   TestA\n\x16=== ATTR  TestA k v\n\x16--- PASS: TestA (0.00s)\n\x16PASS\n",
	}
	for _, pattern := range []string{"*panic*", "*timeout*", "*parallel*", "*json*", "*subtest*", "closesstdout.gotest*", "kill.exec*"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "test", "corpus", "recorded", "*", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files[:min(4, len(files))] {
			data, err := os.ReadFile(file)
			if err != nil || len(data) > 1<<20 {
				continue
			}
			texts[filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file)] = string(data)
		}
	}
	if len(texts) < 5 {
		t.Fatalf("only %d texts", len(texts))
	}
	return texts
}

func TestASmallSaveCutsTextsAndNothingElse(t *testing.T) {
	s := NewStream(DefaultLimits())
	_, _ = s.Write([]byte("\x16=== RUN   TestA\n" + strings.Repeat("it goes wrong\n", 1000) + "\x16--- FAIL: TestA (0.00s)\n"))
	small, err := s.Save(100)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(DefaultLimits(), small)
	if err != nil {
		t.Fatal(err)
	}
	got, want := restored.Result().Tests[0], s.Result().Tests[0]
	if got.Outcome != Fail || got.Ends != 1 || len(small) > 2000 {
		t.Errorf("it is %+v, in %d bytes", got, len(small))
	}
	total := func(o Output) int64 { return int64(len(o.Head)+len(o.Tail)) + o.Cut }
	if total(got.Output) != total(want.Output) || got.Output.Cut == 0 {
		t.Errorf("of %d bytes %d are accounted for, %d cut", total(want.Output), total(got.Output), got.Output.Cut)
	}
}

func TestRestoreRefuses(t *testing.T) {
	good, err := NewStream(DefaultLimits()).Save(0)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"nothing": nil, "no save": []byte("PASS\n"), "half a save": good[:len(good)/2]} {
		if s, err := Restore(DefaultLimits(), data); err == nil {
			t.Errorf("%s: it is %+v", name, s.Result())
		}
	}
}
