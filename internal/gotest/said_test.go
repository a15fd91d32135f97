package gotest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// artifactLine is the line that hands over an artifact, data being any JSON.
func artifactLine(label, data string) string {
	quoted, _ := json.Marshal(label)
	return "ARTIFACT:" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"label":%s,"data":%s}`, quoted, data))
}

func artifactOf(label, data string, kept bool) Artifact {
	sum := sha256.Sum256([]byte(data))
	a := Artifact{Label: label, Bytes: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	if kept {
		a.Data = []byte(data)
	}
	return a
}

// saidBy is what comes of what TestA says by lines of a raw stream, § being the marker.
func saidBy(t *testing.T, limits Limits, lines ...string) Result {
	t.Helper()
	s := NewStream(limits)
	write(t, s, raw("§=== RUN   TestA\n"+strings.Join(lines, "")+"§--- PASS: TestA (0.00s)\n§PASS\n"), 0)
	return s.Result()
}

func TestConstraints(t *testing.T) {
	attr := func(name, value string) string { return "§=== ATTR  TestA constraint/" + name + " " + value + "\n" }
	failed := Constraint{Name: "c", Expected: ">= 2", Actual: "1"}
	for _, tt := range []struct {
		name      string
		lines     []string
		want      []Constraint
		anomalies map[Anomaly]int64
	}{
		{
			name:  "an attribute",
			lines: []string{attr("gpu.version", `{"expected":"== v1","actual":"v2","passed":false,"severity":"warning","remediation":"Upgrade."}`)},
			want:  []Constraint{{Name: "gpu.version", Expected: "== v1", Actual: "v2", Severity: SeverityWarning, Remediation: "Upgrade."}},
		},
		{
			name:  "an attribute with values that are no strings",
			lines: []string{attr("a/b", `{"expected":3,"actual":[1, 2],"passed":"TRUE","severity":"fatal"}`)},
			want:  []Constraint{{Name: "a/b", Expected: "3", Actual: "[1, 2]", Passed: true, Severity: SeverityError}},
		},
		{name: "an attribute that does not say whether it holds", lines: []string{attr("c", `{"expected":"1"}`)}, anomalies: map[Anomaly]int64{MalformedConstraint: 1}},
		{name: "an attribute that is no JSON", lines: []string{attr("c", `passed`)}, anomalies: map[Anomaly]int64{MalformedConstraint: 1}},
		{name: "an attribute without a name", lines: []string{attr("", `{"passed":true}`)}, anomalies: map[Anomaly]int64{MalformedConstraint: 1}},
		{name: "a line", lines: []string{"CONSTRAINT_RESULT: name=c expected=1 actual=1 passed=true\n"}, want: []Constraint{{Name: "c", Expected: "1", Actual: "1", Passed: true}}},
		{name: "a line that is logged", lines: []string{"    a_test.go:12: CONSTRAINT_RESULT: name=c expected=1 actual=2 passed=false\r\n"}, want: []Constraint{{Name: "c", Expected: "1", Actual: "2"}}},
		{name: "values with blanks", lines: []string{"CONSTRAINT_RESULT: name=c expected=>= 2 actual=1 passed=false\n"}, want: []Constraint{failed}},
		{name: "values in Go's quotes", lines: []string{`CONSTRAINT_RESULT: name="c" expected=">= 2" actual="1" passed="false"` + "\n"}, want: []Constraint{failed}},
		{
			name: "values in JSON's quotes, with an escape that Go does not have", want: []Constraint{{Name: "c", Expected: "a/b passed=true", Actual: "😀"}},
			lines: []string{`CONSTRAINT_RESULT: name=c expected="a\/b passed=true" actual="\ud83d\ude00" passed=false` + "\n"},
		},
		{name: "no values", lines: []string{"CONSTRAINT_RESULT: name=c expected= actual= passed=true\n"}, want: []Constraint{{Name: "c", Passed: true}}},
		{name: "another order", lines: []string{"CONSTRAINT_RESULT: passed=false actual=1 expected=>= 2 name=c\n"}, want: []Constraint{failed}},
		{name: "a line that does not say whether it holds", lines: []string{"CONSTRAINT_RESULT: name=c expected=1\n"}, anomalies: map[Anomaly]int64{MalformedConstraint: 1}},
		{name: "a line that says it twice", lines: []string{"CONSTRAINT_RESULT: name=c passed=false passed=true\n"}, anomalies: map[Anomaly]int64{MalformedConstraint: 1}},
		{name: "a line that only speaks of it", lines: []string{"no CONSTRAINT_RESULT: name=c passed=true\n"}},
		{
			name: "a line that does not begin there", lines: []string{"§=== NAME  TestA\nx", "CONSTRAINT_RESULT: name=c passed=false\n"},
			anomalies: map[Anomaly]int64{MalformedConstraint: 1},
		},
		{
			name: "a failure stands", want: []Constraint{failed},
			lines: []string{
				attr("c", `{"expected":">= 2","actual":"2","passed":true}`), "CONSTRAINT_RESULT: name=c expected=>= 2 actual=1 passed=false\n",
				attr("c", `{"expected":">= 2","actual":"3","passed":true}`),
			},
		},
		{
			name: "the older report takes nothing away from the newer", want: []Constraint{{Name: "c", Expected: "2", Actual: "1", Severity: SeverityWarning, Remediation: "Mend it."}},
			lines: []string{
				attr("c", `{"expected":"2","actual":"1","passed":false,"severity":"warning","remediation":"Mend it."}`),
				"CONSTRAINT_RESULT: name=c expected=2 actual=1 passed=false\n",
			},
		},
		{
			name: "the worse severity stands", want: []Constraint{{Name: "c", Severity: SeverityError}},
			lines: []string{attr("c", `{"passed":false,"severity":"error"}`), attr("c", `{"passed":false,"severity":"warning"}`)},
		},
		{
			name: "a line without its end", want: []Constraint{{Name: "c"}}, lines: []string{"CONSTRAINT_RESULT: name=c passed=false"},
		},
		{
			name: "behind what was printed", lines: []string{"checking: CONSTRAINT_RESULT: name=c expected=2 actual=1 passed=false\n"},
			anomalies: map[Anomaly]int64{MalformedConstraint: 1},
		},
		{name: "a word about it", want: nil, lines: []string{"    a_test.go:7: a CONSTRAINT_RESULT: line will follow\n"}},
		{
			name: "of a test that is not known", anomalies: map[Anomaly]int64{DroppedConstraint: 1},
			lines: []string{`§=== ATTR  TestB constraint/c {"passed":false}` + "\n"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := saidBy(t, Limits{}, tt.lines...)
			if diff := cmp.Diff(tt.want, got.Tests[0].Constraints); diff != "" {
				t.Errorf("constraints (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.anomalies, got.Anomalies); diff != "" {
				t.Errorf("anomalies (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConstraintsAreProgress: one that does not hold is a failure to be kept, before its test ends, and one that only warns is none.
func TestConstraintsAreProgress(t *testing.T) {
	s := NewStream(Limits{})
	for _, step := range []struct {
		line string
		want int
	}{
		{"§=== RUN   TestA\n", 0},
		{"§=== ATTR  TestA constraint/a {\"passed\":true}\n", 0},
		{"§=== ATTR  TestA constraint/b {\"passed\":false,\"severity\":\"warning\"}\n", 0},
		{"§=== ATTR  TestA constraint/c {\"passed\":false}\n", 1},
	} {
		write(t, s, raw(step.line), 0)
		if got := s.Progress().Failures; got != step.want {
			t.Errorf("after %q there are %d failures, want %d", step.line, got, step.want)
		}
	}
}

// TestConstraintsOutsideOfTests: nobody can tell whose they are, and that is said.
func TestConstraintsOutsideOfTests(t *testing.T) {
	got := read(t, raw("CONSTRAINT_RESULT: name=c passed=false\n§=== RUN   TestA\n§--- PASS: TestA (0.00s)\n§PASS\n"), 0)
	if got.Anomalies[DroppedConstraint] != 1 {
		t.Errorf("anomalies are %v", got.Anomalies)
	}
}

// TestLimitOfConstraints: what is dropped is counted, and a failure is the last to be.
func TestLimitOfConstraints(t *testing.T) {
	got := saidBy(t, Limits{Constraints: 2},
		"CONSTRAINT_RESULT: name=a passed=true\n", "CONSTRAINT_RESULT: name=b passed=true\n",
		"CONSTRAINT_RESULT: name=c passed=true\n", "CONSTRAINT_RESULT: name=d passed=false\n", "CONSTRAINT_RESULT: name=b passed=true\n")
	want := []Constraint{{Name: "d"}, {Name: "b", Passed: true}}
	if diff := cmp.Diff(want, got.Tests[0].Constraints); diff != "" || got.Anomalies[DroppedConstraint] != 2 {
		t.Errorf("anomalies %v, (-want +got):\n%s", got.Anomalies, diff)
	}
	long := strings.Repeat("ä", 5000)
	c := saidBy(t, Limits{}, "CONSTRAINT_RESULT: name="+long+" expected="+long+" actual="+long+" passed=false\n").Tests[0].Constraints[0]
	if c.Passed || len(c.Name) > 512 || len(c.Expected) > maxConstraintText || !strings.HasSuffix(c.Actual, "ä…") {
		t.Errorf("a long one is %+v", c)
	}
}

func TestArtifacts(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       *Artifact
		output     string
	}{
		{name: "a string", line: artifactLine("nodes", `"a\nb"`), want: new(artifactOf("nodes", "a\nb", true))},
		{name: "an object", line: artifactLine("state", `{"b": 1, "a": [2]}`), want: new(artifactOf("state", `{"b": 1, "a": [2]}`, true))},
		{name: "an array", line: artifactLine("list", `[1,2]`), want: new(artifactOf("list", `[1,2]`, true))},
		{name: "nothing in it", line: artifactLine("empty", `""`), want: new(artifactOf("empty", "", false))},
		{name: "logged", line: "    a_test.go:7: " + artifactLine("nodes", `"x"`), want: new(artifactOf("nodes", "x", true)), output: "    a_test.go:7: "},
		{name: "without padding", line: strings.TrimRight(artifactLine("nodes", `"xy"`), "="), want: new(artifactOf("nodes", "xy", true))},
		{name: "a label on several lines", line: artifactLine("a\nb\x1b", `"x"`), want: new(artifactOf("a b", "x", true))},
		{name: "no label", line: "ARTIFACT:" + base64.StdEncoding.EncodeToString([]byte(`{"data":"x"}`))},
		{name: "no data", line: "ARTIFACT:" + base64.StdEncoding.EncodeToString([]byte(`{"label":"x"}`))},
		{name: "data that is a number", line: artifactLine("x", "1")},
		{name: "data that is null", line: artifactLine("x", "null")},
		{name: "no base64", line: "ARTIFACT: nodes"},
		{name: "no JSON", line: "ARTIFACT:YWJj"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := saidBy(t, Limits{}, "one\n", tt.line+"\n", "two\n")
			want := Test{Name: "TestA", Outcome: Pass, Ends: 1, Runs: 1, Output: Output{Head: "one\n" + tt.line + "\ntwo\n"}}
			anomalies := map[Anomaly]int64{MalformedArtifact: 1}
			if tt.want != nil {
				want.Artifacts, anomalies = []Artifact{*tt.want}, nil
				want.Output.Head = fmt.Sprintf("one\n%sARTIFACT: %s (%d bytes, sha256 %s)\ntwo\n", tt.output, tt.want.Label, tt.want.Bytes, tt.want.SHA256)
			}
			if diff := cmp.Diff(want, got.Tests[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(anomalies, got.Anomalies); diff != "" {
				t.Errorf("anomalies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimitsOfArtifacts(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	line := func(label string, n int) string { return artifactLine(label, `"`+text(n)+`"`) + "\n" }
	got := saidBy(t, Limits{ArtifactBytes: 100, TotalArtifactBytes: 150, Artifacts: 3, ReportBytes: 1000, PassedOutputBytes: 5000},
		line("first", 100), line("too large", 101), line("too much", 51), line("the fourth", 1), line("too long", 1000), line("sixth", 1))
	want := []Artifact{
		artifactOf("first", text(100), true), artifactOf("too large", text(101), false), artifactOf("too much", text(51), false),
		artifactOf("the fourth", text(1), false), artifactOf("sixth", text(1), false),
	}
	if diff := cmp.Diff(want, got.Tests[0].Artifacts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Anomalies[MalformedArtifact] != 1 || !strings.Contains(got.Tests[0].Output.Head+got.Tests[0].Output.Tail, "ARTIFACT:ey") {
		t.Errorf("the one that is too long is gone; anomalies %v", got.Anomalies)
	}
	many := saidBy(t, Limits{Artifacts: 2}, slices.Repeat([]string{line("many", 3)}, 20)...)
	if n := len(many.Tests[0].Artifacts); n != 8 || many.Anomalies[DroppedArtifact] != 12 {
		t.Errorf("%d are kept, anomalies %v", n, many.Anomalies)
	}
}

// TestLongArtifact: however a long line is cut into events, and whoever prints in between, it is read whole or left alone.
func TestLongArtifact(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 16<<10-1)
	line := artifactLine("large", `"`+data+`"`) + "\n"
	beyond := artifactLine("beyond", `"`+strings.Repeat(data, 4)+`"`) + "\n" // a raw line longer than any frame may be
	event := func(pkg, action, test, output string) string {
		text, _ := json.Marshal(map[string]string{"Action": action, "Package": pkg, "Test": test, "Output": output})
		return string(text) + "\n"
	}
	var pieces, mixed, torn strings.Builder
	for chunk := range slices.Chunk([]byte(line), 4096) {
		pieces.WriteString(event("p", "output", "TestA", string(chunk)))
		mixed.WriteString(event("p", "output", "TestA", string(chunk)) + event("q", "output", "TestB", "noise\n"))
		torn.WriteString(event("p", "output", "TestA", string(chunk)) + event("p", "output", "TestB", "noise\n"))
	}
	begin := event("p", "start", "", "") + event("p", "run", "TestA", "")
	end := event("p", "pass", "TestA", "") + event("p", "pass", "", "")
	for name, tt := range map[string]struct {
		stream string
		want   []Artifact
	}{
		"raw":                  {"\x16=== RUN   TestA\n" + line + "\x16--- PASS: TestA (0.00s)\n\x16PASS\n", []Artifact{artifactOf("large", data, true)}},
		"raw, a long line":     {"\x16=== RUN   TestA\n" + beyond + "\x16--- PASS: TestA (0.00s)\n\x16PASS\n", []Artifact{artifactOf("beyond", strings.Repeat(data, 4), false)}},
		"as events":            {begin + pieces.String() + end, []Artifact{artifactOf("large", data, true)}},
		"among other packages": {begin + mixed.String() + end, []Artifact{artifactOf("large", data, true)}},
		"torn":                 {begin + torn.String() + end, nil},
	} {
		got := read(t, []byte(tt.stream), 1000)
		if diff := cmp.Diff(tt.want, got.Tests[0].Artifacts, wholeBytes); diff != "" {
			t.Errorf("%s (-want +got):\n%.2000s", name, diff)
		}
		if wrong := got.Anomalies[MalformedArtifact]; (wrong > 0) != (tt.want == nil) {
			t.Errorf("%s: anomalies %v", name, got.Anomalies)
		}
	}
}

func TestRemediationAndSkips(t *testing.T) {
	skip := func(lines ...string) Test {
		got := read(t, raw("§=== RUN   TestA\n"+strings.Join(lines, "")+"§--- SKIP: TestA (0.00s)\n§PASS\n"), 0).Tests[0]
		got.Output = Output{}
		return got
	}
	kind := func(k SkipKind) Test { return Test{Name: "TestA", Outcome: Skip, Ends: 1, Runs: 1, SkipKind: k} }
	other := kind("")
	other.Attributes = []Attribute{{"skip", "perhaps"}}
	remediation := kind("")
	remediation.Remediation = "Restart it."
	const attr = "§=== ATTR  TestA "
	for name, tt := range map[string]struct{ got, want Test }{
		"nothing is said":         {skip("    a_test.go:3: no GPU\n"), kind("")},
		"not applicable":          {skip(attr + "skip not-applicable\n"), kind(SkipNotApplicable)},
		"could not run":           {skip(attr + "skip could-not-run\n"), kind(SkipCouldNotRun)},
		"both":                    {skip(attr+"skip could-not-run\n", attr+"skip not-applicable\n"), kind(SkipCouldNotRun)},
		"by a message":            {skip("    a_test.go:3: could not run: no API\n"), kind(SkipCouldNotRun)},
		"a message of others":     {skip("    a_test.go:3: it could not run: no API\n"), kind("")},
		"behind what was printed": {skip("api:     a_test.go:3: could not run: no API\n"), kind(SkipCouldNotRun)},
		"otherwise spelt":         {skip(attr + "skip Could_not run\n"), kind(SkipCouldNotRun)},
		"something else":          {skip(attr + "skip perhaps\n"), other},
		"a remediation":           {skip(attr+"remediation Start it.\n", attr+"remediation Restart it.\n"), remediation},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := saidBy(t, Limits{}, "    a_test.go:3: could not run: it\n").Tests[0]; got.SkipKind != "" {
		t.Errorf("a test that passed is %+v", got)
	}
}

// TestSkipsPastTheLimit: that a test could not run is not lost with its name.
func TestSkipsPastTheLimit(t *testing.T) {
	for said, want := range map[string]int64{
		"§=== ATTR  TestB skip could-not-run\n":       1,
		"    b_test.go:3: could not run: no API\n":    1,
		"§=== ATTR  TestB skip not-applicable\n":      0,
		"    b_test.go:3: it could not run: no API\n": 0,
	} {
		s := NewStream(Limits{Tests: 1})
		write(t, s, raw("§=== RUN   TestA\n§--- PASS: TestA (0.00s)\n§=== RUN   TestB\n"+said+"§--- SKIP: TestB (0.00s)\n§PASS\n"), 0)
		if got := s.Result(); got.Anomalies[DroppedSkip] != want || got.Beyond.Skipped != 1 {
			t.Errorf("%q: anomalies %v, beyond the limit %+v", said, got.Anomalies, got.Beyond)
		}
	}
	got := read(t, raw("could not run: it\n§=== RUN   TestA\n§--- PASS: TestA (0.00s)\n§PASS\n"), 0)
	if n := got.Anomalies[DroppedSkip]; n != 0 {
		t.Errorf("what is printed outside of tests counts as %d skips", n)
	}
}

// TestLimitOfHeldLines: packages that each hold back a long line share one bound, and what is past it stays output, every byte of it.
func TestLimitOfHeldLines(t *testing.T) {
	s := NewStream(Limits{ReportBytes: 1000})
	piece := func(pkg, text string) string {
		return fmt.Sprintf(`{"Action":"output","Package":%q,"Test":"TestA","Output":%q}`+"\n", pkg, text)
	}
	half := "ARTIFACT:" + strings.Repeat("A", 600)
	write(t, s, []byte(piece("p", half)+piece("q", half)+piece("q", half)+piece("q", "end\n")+piece("p", "\n")), 0)
	got := s.Result()
	if n := got.Anomalies[MalformedArtifact]; n != 2 {
		t.Errorf("anomalies %v, want both to be malformed", got.Anomalies)
	}
	for i, want := range []string{half + "\n", half + half + "end\n"} {
		if out := got.Tests[i].Output; out.Head+out.Tail != want {
			t.Errorf("%s printed %.100q", got.Tests[i].Package, out.Head)
		}
	}
	if s.record.held != 0 {
		t.Errorf("%d bytes are held", s.record.held)
	}
	s = NewStream(Limits{ReportBytes: 1000})
	_, _ = s.Write([]byte(piece("p", half) + piece("q", half) + piece("p", half)))
	if s.record.held > 1000 {
		t.Errorf("%d bytes are held", s.record.held)
	}
}
