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

// TestLacking: a test that runs only for the sake of its subtests has one of those, and each alternative has one somewhere.
func TestLacking(t *testing.T) {
	ran := []Test{
		{Name: "TestA", Outcome: Pass}, {Name: "TestA/x", Outcome: Pass}, {Name: "TestA/x/deep", Outcome: Pass}, {Name: "TestA/y", Outcome: Pass},
		{Name: "TestAB", Outcome: Pass}, {Name: "TestAB/z", Outcome: Pass},
		{Name: "TestB", Outcome: Pass},
		{Name: "TestC", Outcome: Skip},
		{Name: "TestD", Outcome: Pass}, {Name: "TestD/x", Outcome: Skip}, {Name: "TestD/y", Outcome: Pass},
		{Name: "TestE", Outcome: Pass}, {Name: "TestE/a_b#01", Outcome: Pass}, {Name: "TestE/c/d", Outcome: Pass},
	}
	tops := []string{"TestA", "TestAB", "TestB", "TestC", "TestD", "TestE"}
	for pattern, want := range map[string][]Lack{
		"":                     {},
		"TestA":                {},
		"TestNone/x":           {},
		"^TestA$/x":            {},
		"^TestA$/x/deep":       {},
		"^TestA$/":             {},
		"^TestA$/x/renamed":    {{Test: "TestA"}},
		"^TestA$/x/deep/er":    {{Test: "TestA"}},
		"^TestA$/renamed":      {{Test: "TestA"}},
		"^TestA$//deep":        {},
		"^TestB$/":             {{Test: "TestB"}},
		"^Test[BC]$/x":         {{Test: "TestB"}},
		"^Test[AB]$/x":         {{Test: "TestB"}},
		"^Test[AB]$/(x|gone)":  {{Test: "TestB"}},
		"^Test[AB]$/x|^TestB$": {},

		"^TestA$/x|^TestA$/y":         {},
		"^TestA$/x|^TestA$/renamed":   {{"TestA", "^TestA$/renamed"}},
		"^TestA$/renamed|^TestA$":     {},
		"TestA$/x|TestA$/x/renamed":   {{"TestA", "TestA$/x/renamed"}},
		"TestA/x|TestAB/z":            {},
		"^TestA/x|TestAB/z|TestAB/x":  {{"TestAB", "TestAB/x"}},
		"TestA./x|TestA$/y":           {{Test: "TestAB"}},
		"^TestA$/x|^Test[AB]$/gone":   {{Test: "TestB"}, {"TestA", "^Test[AB]$/gone"}},
		"^Test[AD]$/y|^Test[AD]$/new": {{"TestA", "^Test[AD]$/new"}},
		"^TestA$/x|TestNone/x":        {},

		"^TestC$/x":             {},
		"^TestC$/x|^TestC$/y/z": {},
		"^TestD$/x/y|^TestD$/y": {},
		"^TestD$/x/y":           {},
		"^TestD$/y/x|^TestD$/x": {{"TestD", "^TestD$/y/x"}},
		"^TestE$/a b":           {},
		"^TestE$/a b$":          {{Test: "TestE"}},
		"^TestE$/c":             {},
		"^TestE$/c/d":           {},
		"^TestE$/[c/]/d":        {},
		"^TestE$/c/e":           {{Test: "TestE"}},
	} {
		got, err := Lacking(pattern, tops, ran)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", pattern, diff)
		}
	}
	if _, err := Lacking("(", tops, ran); err == nil {
		t.Error("an invalid pattern is taken")
	}
}

// TestLackingOfABinary asks what a real test binary runs, for patterns that select subtests.
func TestLackingOfABinary(t *testing.T) {
	binary := compile(t, "./testdata/names")
	for pattern, want := range map[string][]Lack{
		"^TestNested$":                               {},
		"^TestNested$/^x$":                           {},
		"^TestNested$/^x$/^y z$":                     {},
		"^TestNested$/^x$/y z#01":                    {},
		"^TestNested$/^x$/^y$":                       {{Test: "TestNested"}},
		"^TestNested$/^z$":                           {{Test: "TestNested"}},
		"^TestNested$/^skips$/x":                     {},
		"^TestNested$/a/b":                           {},
		"^TestNested$/a/c":                           {{Test: "TestNested"}},
		"^TestNested$/a/b|^TestNested$/x/w":          {{"TestNested", "^TestNested$/x/w"}},
		"^TestNested$/a/b|^TestNested$/x/y_":         {},
		"^TestNested$/(a|x)/(b|w)":                   {},
		"^TestNested$/[a/]/b":                        {},
		"^TestNested$/a/b/c":                         {{Test: "TestNested"}},
		"^TestB$/x[|]y|TestPod/ready|TestA$/sub/s":   {{Test: "TestA"}, {Test: "TestPodReady"}},
		"^FuzzA$/seed#0|^FuzzA$/gone|^Example$/none": {{Test: "Example"}, {"FuzzA", "^FuzzA$/gone"}},
	} {
		out, err := exec.CommandContext(t.Context(), binary, "-test.v=test2json", "-test.run", pattern).CombinedOutput()
		if err != nil {
			t.Fatalf("running with pattern %q: %v\n%s", pattern, err, out)
		}
		ran := read(t, out, 0).Tests
		var tops []string
		for _, test := range ran {
			if test.TopLevel() {
				tops = append(tops, test.Name)
			}
		}
		got, err := Lacking(pattern, tops, ran)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s\n%s", pattern, diff, out)
		}
	}
}
