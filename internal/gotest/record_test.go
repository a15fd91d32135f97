package gotest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestProgress(t *testing.T) {
	s := NewStream(Limits{})
	for _, step := range []struct {
		lines string
		want  Progress
	}{
		{"", Progress{}},
		{"§=== RUN   TestA\n", Progress{Running: "TestA"}},
		{"§=== RUN   TestA/sub\n§--- FAIL: TestA/sub (0.00s)\n", Progress{Running: "TestA", Failures: 1}},
		{"§--- FAIL: TestA (0.00s)\n", Progress{Ended: 1, Failed: 1, Failures: 2}},
		{"§=== RUN   TestB\n§=== PAUSE TestB\n§=== RUN   TestC\n§=== PAUSE TestC\n", Progress{Ended: 1, Failed: 1, Running: "TestC", Failures: 2}},
		{"§=== CONT  TestB\n", Progress{Ended: 1, Failed: 1, Running: "TestB", Failures: 2}},
		{"§=== CONT  TestC\n§--- PASS: TestC (0.00s)\n", Progress{Ended: 2, Failed: 1, Running: "TestB", Failures: 2}},
		{"§--- FAIL: TestB (0.00s)\n§--- FAIL: TestB (0.00s)\n", Progress{Ended: 3, Failed: 2, Failures: 4}},
		{"§=== RUN   TestC\n", Progress{Ended: 2, Failed: 2, Running: "TestC", Failures: 4}},
		{"§--- PASS: TestC (0.00s)\n§FAIL\n", Progress{Ended: 3, Failed: 2, Failures: 4}},
	} {
		if _, err := s.Write(raw(step.lines)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, s.Progress()); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", step.lines, diff)
		}
	}
}

// TestFailuresAreNeverTakenBack: who has counted them must see the next one as one more, even where what a stream said before turns out to
// be text.
func TestFailuresAreNeverTakenBack(t *testing.T) {
	const constraint = "=== ATTR  TestY constraint/x {\"expected\":\"1\",\"actual\":\"2\",\"passed\":false}\n"
	for name, next := range map[string]string{
		"marked": "§=== RUN   TestA\n",
		"JSON":   `{"Action":"run","Package":"p","Test":"TestA"}` + "\n",
	} {
		s := NewStream(Limits{})
		for _, step := range []struct {
			lines string
			want  Progress
		}{
			{"--- FAIL: TestX (0.00s)\n    --- FAIL: TestX/sub (0.00s)\n", Progress{Ended: 1, Failed: 1, Failures: 2}},
			{"=== RUN   TestY\n" + constraint, Progress{Ended: 1, Failed: 1, Failures: 3, Running: "TestY"}},
			{next, Progress{Ended: 1, Failed: 1, Failures: 3, Running: "TestA"}},
		} {
			if _, err := s.Write(raw(step.lines)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step.want, s.Progress()); diff != "" {
				t.Errorf("%s: after %q (-want +got):\n%s", name, step.lines, diff)
			}
		}
	}
}

// TestResultIsAValue checks that a result handed out does not change as the stream goes on.
func TestResultIsAValue(t *testing.T) {
	s := NewStream(Limits{})
	first := raw("§=== RUN   TestA\none\n§=== ATTR  TestA k v\npanic: x\n")
	if _, err := s.Write(first); err != nil {
		t.Fatal(err)
	}
	got, want := s.Result(), read(t, first, 0)
	if _, err := s.Write(raw("two\n§=== ATTR  TestA k w\n§--- FAIL: TestA (0.00s)\n§=== RUN   TestB\n§FAIL\n§x\n")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the result changed (-want +got):\n%s", diff)
	}
}

func TestLimitOfTests(t *testing.T) {
	s := NewStream(Limits{Tests: 8, Subtests: 8})
	for i := range 20 {
		fmt.Fprintf(s, "\x16=== RUN   Test%d\n\x16=== RUN   Test%d/sub\n", i, i)
		fmt.Fprintf(s, "\x16--- PASS: Test%d/sub (0.00s)\n\x16--- PASS: Test%d (0.00s)\n", i, i)
	}
	fmt.Fprint(s, "\x16=== RUN   TestLate\n\x16--- FAIL: TestLate (0.00s)\n\x16--- FAIL: TestLater (0.00s)\n"+
		"\x16--- FAIL: TestLatest (0.00s)\n\x16--- SKIP: TestSkipped (0.00s)\n\x16FAIL\n")

	got := s.Result()
	if want := (Tally{Started: 12, Passed: 12, Failed: 1, Skipped: 1}); got.Beyond != want {
		t.Errorf("Beyond = %+v, want %+v: TestLate is kept, and no longer beyond", got.Beyond, want)
	}
	if want := (Tally{Started: 12, Passed: 12}); got.BeyondSubtests != want {
		t.Errorf("BeyondSubtests = %+v, want %+v", got.BeyondSubtests, want)
	}
	if n := len(got.Tests); n != 18 {
		t.Errorf("%d tests are kept, want 8 + 8 and 2 that failed", n)
	}
	last := got.Tests[len(got.Tests)-2]
	if last.Name != "TestLate" || last.Outcome != Fail {
		t.Errorf("the first failure past the limit is kept as %s %q, want TestLate fail", last.Name, last.Outcome)
	}
	if got.Overall != Fail || got.Anomalies[TooManyTests] == 0 {
		t.Errorf("Overall = %q with anomalies %v, want fail and TooManyTests", got.Overall, got.Anomalies)
	}
}

// TestLimitOfPackages checks that what is past the limit can fail a result, and keeps it from passing.
func TestLimitOfPackages(t *testing.T) {
	two := startP + passP + strings.ReplaceAll(startP+passP, `"p"`, `"q"`)
	for _, tt := range []struct {
		name, stream string
		want         Outcome
	}{
		{"within", two, Pass},
		{"past, passed", two + strings.ReplaceAll(startP+passP, `"p"`, `"r"`), Unended},
		{"far past, failed", two + strings.ReplaceAll(startP+failP, `"p"`, `"r"`) + strings.ReplaceAll(failP, `"p"`, `"s"`), Fail},
	} {
		s := NewStream(Limits{Packages: 2})
		write(t, s, []byte(tt.stream), 0)
		if got := s.Result().Overall; got != tt.want {
			t.Errorf("%s: Overall = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLimitOfNames(t *testing.T) {
	s := NewStream(Limits{NameBytes: 40})
	long := "Test" + strings.Repeat("é", 40)
	fmt.Fprintf(s, "\x16=== RUN   %sA\n\x16=== RUN   %sB\n\x16--- PASS: %sB (0.00s)\n\x16--- FAIL: %sA (0.00s)\n", long, long, long, long)
	got := s.Result()
	if len(got.Tests) != 2 || got.Tests[0].Outcome != Fail || got.Tests[1].Outcome != Pass {
		t.Fatalf("two long names became %+v", got.Tests)
	}
	for _, test := range got.Tests {
		if len(test.Name) > 40 || !utf8.ValidString(test.Name) || !strings.HasPrefix(test.Name, "Testéé") {
			t.Errorf("a long name became %q (%d bytes)", test.Name, len(test.Name))
		}
	}
	if got.Anomalies[LongName] != 2 {
		t.Errorf("anomalies %v, want 2 of LongName", got.Anomalies)
	}
}

func TestLimitOfLines(t *testing.T) {
	const limit = 64
	long := strings.Repeat("x", 3*limit-10)
	stream := raw("§=== RUN   TestX\n" + long + "§=== NAME  TestX\n" + long + "\n" + long + "§--- PASS: TestX (0.00s)\n" +
		"§--- FAIL: " + long + " (0.00s)\n§PASS\n")
	var want Result
	for i, chunk := range []int{0, 1, 7, limit, limit + 1} {
		s := NewStream(Limits{LineBytes: limit})
		write(t, s, stream, chunk)
		got := s.Result()
		if i == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in writes of %d bytes (-one write +these):\n%s", chunk, diff)
		}
	}
	if len(want.Tests) != 1 || want.Tests[0].Outcome != Pass || want.Overall != Pass || want.Lines != 6 {
		t.Errorf("frames among long lines are lost: %+v", want)
	}
	if text := want.Tests[0].Output; strings.Count(text.Head+text.Tail, "x") == 0 || want.Anomalies[LongLine] != 4 {
		t.Errorf("output %+v, anomalies %v; want the text and 4 of LongLine", text, want.Anomalies)
	}
}

// TestRestOfLongLineIsOutput checks that no frame begins where the middle of a line was cut for its length.
func TestRestOfLongLineIsOutput(t *testing.T) {
	const limit = 64
	for _, rest := range []string{"--- PASS: TestX (0.00s)\n", `{"Action":"pass","Test":"TestX"}` + "\n"} {
		s := NewStream(Limits{LineBytes: limit})
		write(t, s, []byte(strings.Repeat("x", 2*limit)+rest), 0)
		if got := s.Result(); len(got.Tests) != 0 || !strings.HasSuffix(got.Output.Head, rest) {
			t.Errorf("%q behind a long line is read as %+v", rest, got)
		}
	}
}

func TestLimitOfOutput(t *testing.T) {
	limits := Limits{OutputBytes: 1000, PassedOutputBytes: 100}
	for _, tt := range []struct {
		end        string
		kept       int
		head, tail string
	}{
		{"FAIL", 1000, "line 0\n", "line 999\n"},
		{"PASS", 100, "line 0\n", "line 999\n"},
	} {
		s := NewStream(limits)
		total := 0
		fmt.Fprint(s, "\x16=== RUN   TestX\n")
		for i := range 1000 {
			n, _ := fmt.Fprintf(s, "line %d\n", i)
			total += n
		}
		fmt.Fprintf(s, "\x16--- %s: TestX (0.00s)\n", tt.end)
		got := s.Result().Tests[0].Output
		kept := len(got.Head) + len(got.Tail)
		if kept != tt.kept || got.Cut != int64(total-kept) {
			t.Errorf("%s: %d bytes kept and %d cut of %d, want %d kept", tt.end, kept, got.Cut, total, tt.kept)
		}
		if !strings.HasPrefix(got.Head, tt.head) || !strings.HasSuffix(got.Tail, tt.tail) {
			t.Errorf("%s: output begins %.10q and ends %q", tt.end, got.Head, got.Tail)
		}
	}
}

// TestOutputIsCutBetweenRunes tries every offset of three-byte runes to the cuts.
func TestOutputIsCutBetweenRunes(t *testing.T) {
	for shift := range 4 {
		text := strings.Repeat("a", shift) + strings.Repeat("€", 500)
		s := NewStream(Limits{OutputBytes: 100})
		fmt.Fprintf(s, "%s", text)
		_ = s.Close()
		got := s.Result().Output
		if strings.ContainsRune(got.Head+got.Tail, utf8.RuneError) {
			t.Errorf("shift %d: a rune is torn: %+v", shift, got)
		}
		if sum := len(got.Head) + len(got.Tail) + int(got.Cut); sum != len(text) || got.Cut == 0 {
			t.Errorf("shift %d: kept and cut come to %d of %d bytes", shift, sum, len(text))
		}
	}
}

// TestLimitOfAllOutput checks who has to give up text first.
func TestLimitOfAllOutput(t *testing.T) {
	s := NewStream(Limits{OutputBytes: 4000, PassedOutputBytes: 1000, TotalOutputBytes: 10_000})
	line := strings.Repeat("x", 999) + "\n"
	test := func(name, end string, lines int) {
		fmt.Fprintf(s, "\x16=== RUN   %s\n%s\x16--- %s: %s (0.00s)\n", name, strings.Repeat(line, lines), end, name)
	}
	test("TestPass1", "PASS", 1)
	test("TestPass2", "PASS", 1)
	for i := range 8 {
		test(fmt.Sprintf("TestFail%d", i), "FAIL", 3)
	}
	kept := map[string]int{}
	total := 0
	for _, test := range s.Result().Tests {
		kept[test.Name] = len(test.Output.Head) + len(test.Output.Tail)
		total += kept[test.Name]
		if int64(kept[test.Name])+test.Output.Cut < 1000 {
			t.Errorf("%s: %d kept and %d cut, of 1000 and more", test.Name, kept[test.Name], test.Output.Cut)
		}
	}
	if kept["TestPass1"] != 0 || kept["TestFail0"] != 3000 || kept["TestFail7"] == 0 {
		t.Errorf("kept %v; want nothing of what passed, all of the first failure and the end of the last", kept)
	}
	if total > 10_000+8*2*tightOutputBytes {
		t.Errorf("%d bytes are kept, far over 10000", total)
	}
}

func TestLimitOfAttributes(t *testing.T) {
	s := NewStream(Limits{Attributes: 2, AttributeBytes: 10})
	fmt.Fprint(s, "\x16=== RUN   TestX\n\x16=== ATTR  TestX a 1\n\x16=== ATTR  TestX b 12345678901\n\x16=== ATTR  TestX c 2\n"+
		"\x16=== ATTR  TestX d 3\n\x16=== ATTR  TestX a 4\n\x16=== ATTR  TestY a 1\n")
	got := s.Result()
	if diff := cmp.Diff([]Attribute{{"a", "4"}, {"c", "2"}}, got.Tests[0].Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if len(got.Tests) != 1 || got.Anomalies[DroppedAttribute] != 3 {
		t.Errorf("%d tests and anomalies %v, want one test and 3 of DroppedAttribute", len(got.Tests), got.Anomalies)
	}
}

// TestMemory reads streams made to fill memory and checks that what is kept stays under 64 MiB.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads hundreds of megabytes")
	}
	name := strings.Repeat("n", 400)
	line := strings.Repeat("0123456789", 100) + "\n"
	for what, next := range map[string]func(i int) string{
		"one endless line":  func(int) string { return line[:1000] },
		"one test printing": func(int) string { return line },
		"many tests that fail": func(i int) string {
			return fmt.Sprintf("\x16=== RUN   Test%d%s\n%s\x16--- FAIL: Test%d%s (0.00s)\n", i, name, line, i, name)
		},
		"many tests that stay": func(i int) string { return fmt.Sprintf("\x16=== RUN   Test%d/%s\n%s", i, name, line) },
		"many packages": func(i int) string {
			return fmt.Sprintf(`{"Action":"run","Package":"%s%d","Test":"TestX"}`+"\n", name, i)
		},
		"many attributes": func(i int) string {
			return fmt.Sprintf("\x16=== RUN   TestX\n\x16=== ATTR  TestX k%d %s\n", i, line[:900])
		},
		"many names of attributes": func(i int) string { return fmt.Sprintf("\x16=== RUN   T%d\n\x16=== ATTR  T%d k%d v\n", i/64, i/64, i) },
	} {
		t.Run(what, func(t *testing.T) {
			s := NewStream(Limits{})
			before := heap()
			for i := range 100_000 {
				_, _ = s.Write([]byte(next(i)))
			}
			if used := heap() - before; used > 64<<20 {
				t.Errorf("%d MiB are in use", used>>20)
			}
			runtime.KeepAlive(s)
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
