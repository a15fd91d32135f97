package gotest

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseList(t *testing.T) {
	for _, tt := range []struct {
		name, list string
		want       []string
	}{
		{"empty", "", nil},
		{"every kind", "TestA\nBenchmarkA\nFuzzA\nExampleA\nExample_x\nok  \tp\t0.1s\n", []string{"TestA", "FuzzA", "ExampleA", "Example_x"}},
		{"shortest names", "Test\nFuzz\nExample\nBenchmark\n", []string{"Test", "Fuzz", "Example"}},
		{"what follows the prefix", "Test1\nTest_a\nTestÄ\nTestä\nTesting\nExamples\nFuzzy\n", []string{"Test1", "Test_a", "TestÄ"}},
		{"noise", "TestA is slow\n TestB\nTestC \nTest-D\nTestE/sub\nstarting TestF\nTestG\x00\nTest\xff\nPASS\n", nil},
		{"line ends", "TestA\r\n\r\n\nTestB", []string{"TestA", "TestB"}},
		{"twice", "TestA\nTestB\nTestA\n", []string{"TestA", "TestB"}},
	} {
		if diff := cmp.Diff(tt.want, ParseList([]byte(tt.list))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestMatchTopLevelRefusesInvalidPatterns(t *testing.T) {
	for _, pattern := range []string{"(", "Test[", "TestA/(", "TestA|*", "TestA)|TestB", "TestA/a|TestB/["} {
		got, err := MatchTopLevel(pattern, []string{"TestA"})
		if err == nil || !strings.Contains(err.Error(), pattern) {
			t.Errorf("pattern %q: got %q, error %v; want an error that names it", pattern, got, err)
		}
	}
}

// patterns is what users write for -test.run, and worse.
var patterns = []string{
	"", ".", "^$", "TestA", "^TestA$", "^(TestA|TestB)$", "TestA|TestB", "TestA$|FuzzA", "^TestA$|^Test1$",
	"TestA/sub", "TestA/nosuch", "/sub", "//", "/", "|", "TestA|", "TestA/|", "TestNone|TestA/sub", "TestNone/TestA",
	"TestB/x|y", "TestB/x[|]y", "^(TestA/sub)$", "Test[A/]$", "Test(A|B/x)", `TestA\/sub`, `TestA\|TestB`, `Test\w$`, "Test]", "[]]",
	"Test[[:upper:]]$", "(?i)testa", "(?i)testpod|fuzz", "Example", "^Example$", "Fuzz", "Benchmark", "Test_", "Ä", "testpodready",
	"Test A", "TestA /", " ", "\t", "[^]/]B", "(Test(A|(B)))$", "Test]?(A|B)/sub", "^Test.$/sub", "Test\x00", "TestÄ|Test\u00a0",
	"(", "Test[", "TestA/(", "TestA|*", "a)|b", "TestA/[", `\`,
}

// TestMatchTopLevel asks a real test binary which tests it runs, for each pattern.
func TestMatchTopLevel(t *testing.T) {
	binary := compile(t, "./testdata/names")
	list, err := exec.CommandContext(t.Context(), binary, "-test.list", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("listing the tests: %v\n%s", err, list)
	}
	names := ParseList(list)
	if want, _ := ran(t, binary, ""); !cmp.Equal(want, names) {
		t.Fatalf("the list gives %q, but the binary runs %q", names, want)
	}
	for _, pattern := range patterns {
		if strings.ContainsRune(pattern, 0) {
			continue // no argument of a process can hold it
		}
		want, valid := ran(t, binary, pattern)
		got, err := MatchTopLevel(pattern, names)
		if (err == nil) != valid {
			t.Errorf("pattern %q: error %v, but the binary accepts it: %t", pattern, err, valid)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pattern %q (-binary +ours):\n%s", pattern, diff)
		}
	}
}

// compile builds the test binary of a package.
func compile(t *testing.T, pkg string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command to compile a test binary with")
	}
	binary := filepath.Join(t.TempDir(), "program.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, pkg).CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// ran returns the top-level tests that the binary runs for a pattern, and whether it accepts the pattern.
func ran(t *testing.T, binary, pattern string) (names []string, valid bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "-test.v=test2json", "-test.run", pattern).CombinedOutput()
	if strings.Contains(string(out), "invalid regexp") {
		return nil, false
	}
	if err != nil {
		t.Fatalf("running with pattern %q: %v\n%s", pattern, err, out)
	}
	for _, test := range read(t, out, 0).Tests {
		if test.TopLevel() && !slices.Contains(names, test.Name) {
			names = append(names, test.Name)
		}
	}
	return names, true
}

func TestMatchForSubtests(t *testing.T) {
	names := []string{"TestA", "TestB", "TestC"}
	for pattern, want := range map[string][]string{
		"":                  {},
		"TestA":             {},
		"TestA/sub":         {"TestA"},
		"^Test[AB]$/x/y":    {"TestA", "TestB"},
		"TestA/sub|TestA$":  {},
		"TestA/x|TestB":     {"TestA"},
		"^(TestA/x|TestB)$": {},
	} {
		got, err := MatchForSubtests(pattern, names)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", pattern, diff)
		}
	}
	if _, err := MatchForSubtests("(", names); err == nil {
		t.Error("an invalid pattern is taken")
	}
}
